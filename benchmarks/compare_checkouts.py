"""Compare the speed of this checkout with that of another one, question by question, in one run.

    python benchmarks/compare_checkouts.py OTHER [--comics DIR] [--rounds 5] [--limit 1.05] [--clock wall|cpu]

Each checkout runs in a process of its own. Both build an index of the same comics and answer the same questions in
turn; who goes first changes every time. Of each question the fastest answer counts, because other programs slow single
ones. The ratio of a kind is the median of its questions' ratios; that of builds is the median over the rounds. With
`--clock cpu` the processor time is compared, which a busy machine changes less. Exits with 1 if this checkout takes
more than `--limit` times as long in one kind, and more than `--ignore` milliseconds longer: two processes of the same
checkout differ by up to 0.2 ms in calls of 2 ms. Only names that both checkouts have are used; renamed ones are tried
in turn.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from comparison.checkout import started
from comparison.comics import page_files, write_query_pictures, write_subset
from comparison.questions import Question, make_questions
from comparison.report import print_table, summary
from comparison.rounds import compare_builds, compare_questions, say
from comparison.worker import serve
from figures.rows import Figures

HERE = Path(__file__).resolve().parents[1]


def compare(other: Path, comics: Path, rounds: int, clock: str) -> list[Question]:
    """Run both checkouts; return the questions with their times."""
    pages = page_files(comics)
    if not pages:
        raise SystemExit(f"{comics} has no pages that are files of their own")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        subset, pictures = write_subset(pages, scratch / "subset"), write_query_pictures(pages, scratch / "queries")
        with started({"here": HERE, "there": other}, scratch) as pair:
            build = compare_builds(pair, subset, scratch, rounds, clock)
            for checkout in pair:
                say(f"{checkout.name}: building the index that is searched")
                checkout.ask("build", sources=[str(comics)], index=str(checkout.index))
            about = [checkout.ask("use", index=str(checkout.index)) for checkout in pair]
            questions = make_questions(pictures, min(each["panels"] for each in about), about[0]["said"])
            compare_questions(pair, questions, rounds, clock)
    return [build, *questions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="root of the other checkout")
    parser.add_argument("--comics", type=Path, default=HERE / "sample_data" / "comics", help="comics to build")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked (default 5)")
    parser.add_argument("--limit", type=float, default=1.05, help="highest ratio that is accepted (default 1.05)")
    parser.add_argument("--ignore", type=float, default=0.3, help="milliseconds that do not count (default 0.3)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="which time is compared")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON; exit with 0")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        serve()
        return
    if chosen.other is None:
        parser.error("name the root of the other checkout")
    figures = Figures("compare_checkouts", chosen.json)
    questions = compare(chosen.other.resolve(), chosen.comics.resolve(), chosen.rounds, chosen.clock)
    rows = summary(questions, chosen.limit, chosen.ignore)
    print_table(rows)
    for row in rows:
        remark = "slower than the limit" if row["slower"] else ""
        figures.add(row["kind"], row["here_ms"], "ms", row["there_ms"], "the other checkout", remark)
    raise SystemExit(not chosen.json and any(row["slower"] for row in rows))


if __name__ == "__main__":
    main()
