"""The one table of all figures, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .programs import BENCHMARKS
from .results import Results
from .rows import FAILED, MISSED, NO_TARGET, Row

HEADINGS = ("benchmark", "figure", "Panelseek", "baseline", "ratio", "target", "result")


def table(results: Results, names: list[str]) -> str:
    """Return the table of these benchmarks, and a line that counts the results."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    counts: Counter[str] = Counter()
    for name, row in rows(results, names):
        counts[row.status] += bool(row.target) or row.status == FAILED
        lines.append("| " + " | ".join(_cells(name, row)) + " |")
    counted = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if count)
    notes = [f"Targets: {counted or 'none'}."]
    busy = max((about.get("load") or 0.0 for name, about in results.about.items() if name in names), default=0.0)
    if busy > 0.5:
        notes.append(f"Other work was on the machine: its load was up to {busy:g} before a benchmark began.")
    versions = {about.get("version") or "unknown" for name, about in results.about.items() if name in names}
    if len(versions) > 1:
        notes.append(f"The figures are of several versions: {', '.join(sorted(versions))}.")
    return "\n".join([*lines, "", *notes])


def rows(results: Results, names: list[str]) -> Iterator[tuple[str, Row]]:
    """Yield (name of the benchmark, row), with a row for each benchmark that has none."""
    for benchmark in BENCHMARKS:
        if benchmark.name not in names:
            continue
        outcome = results.outcomes.get(benchmark.name)
        found = outcome.rows if outcome is not None else []
        yield from ((benchmark.name, row) for row in found)
        if outcome is None or not outcome.finished:
            yield benchmark.name, Row("the rest" if found else benchmark.title, reason="interrupted")


def has_failed(results: Results, names: list[str]) -> bool:
    """Return True if a target is missed or a benchmark has failed."""
    return any(row.status in (MISSED, FAILED) for _, row in rows(results, names))


def _cells(name: str, row: Row) -> Iterator[str]:
    yield name
    yield row.name
    yield _figure(row.ours, row.unit)
    yield _figure(row.baseline, row.unit) + (f" ({row.against})" if row.against and row.baseline is not None else "")
    yield "" if row.ratio is None else _number(row.ratio)
    yield row.target
    shown = row.reason if row.status == NO_TARGET else f"{row.status}: {row.reason}"
    yield shown.replace("|", "/") if row.reason else row.status


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{_number(value)} {unit}".strip()


def _number(value: float) -> str:
    """Return a number with three digits or more."""
    if value == int(value) and abs(value) < 1e6:
        return f"{value:,.0f}"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"
