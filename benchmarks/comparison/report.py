"""The report of a comparison: a row of medians for each kind of question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from comparison.questions import Question


def summary(questions: Sequence[Question], limit: float, ignore: float) -> list[dict[str, Any]]:
    """Return kind, median milliseconds of both, their ratio and whether that is too much, a row for each kind."""
    rows = []
    for kind in dict.fromkeys(question.kind for question in questions):
        some = [question for question in questions if question.kind == kind]
        if kind == "build":
            here, there = (median(seconds) for seconds in some[0].seconds)
            ratio = median(a / b for a, b in zip(*some[0].seconds, strict=True))
        else:
            fastest = [(min(question.seconds[0]), min(question.seconds[1])) for question in some]
            here, there = (median(pair[place] for pair in fastest) for place in (0, 1))
            ratio = median(a / b for a, b in fastest)
        differ = sum(not question.same for question in some)
        rows.append(
            {
                "kind": kind,
                "questions": len(some),
                "here_ms": round(1000 * here, 3),
                "there_ms": round(1000 * there, 3),
                "ratio": round(ratio, 3),
                "slower": ratio > limit and 1000 * (here - there) > ignore,
                "answers_differ": differ,
            }
        )
    return rows


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"{'kind':20}{'questions':>10}{'here ms':>12}{'there ms':>12}{'ratio':>8}{'differ':>8}")
    for row in rows:
        mark = "  slower" if row["slower"] else ""
        print(
            f"{row['kind']:20}{row['questions']:>10}{row['here_ms']:>12.2f}{row['there_ms']:>12.2f}"
            f"{row['ratio']:>8.3f}{row['answers_differ']:>8}{mark}"
        )
