"""The result of an evaluation as tables of text or Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.output.progress import duration
from ui.output.terminal import console

if TYPE_CHECKING:
    from retrieval.evaluation import Report

Table = tuple[str, list[str], list[list[str]]]
"""A heading, the names of the columns, and the cells row by row."""


def tables(report: Report) -> list[Table]:
    """Return a report as tables of text; parts that were not measured are left out."""
    scores = ["query", "method", "queries", "R@1", "R@10", "MRR"]
    made: list[Table] = []
    for heading, rows in (("Distortions", report.distortions), ("Dialogue", report.dialogue)):
        if rows:
            cells = [[r.query_type, r.method, f"{r.queries:,}", *map(_share, (r.r1, r.r10, r.mrr))] for r in rows]
            made.append((heading, scores, cells))
    if report.detection:
        columns = ["method", "queries", "out of library", "µAP", "threshold", "precision", "recall"]
        cells = [
            [
                d.method,
                f"{d.queries:,}",
                f"{d.out_of_library:,}",
                *map(_share, (d.micro_ap, d.threshold, d.precision, d.recall)),
            ]
            for d in report.detection
        ]
        made.insert(1 if report.distortions else 0, ("Detection", columns, cells))
    if report.relevance:
        columns = ["query", "right first", "wrong denials", "out of library", "wrong acceptances"]
        cells = [
            [
                r.query_type,
                f"{r.right_first:,}",
                _share(r.wrong_denials),
                f"{r.out_of_library:,}",
                _share(r.wrong_acceptances),
            ]
            for r in report.relevance
        ]
        made.append(("Close matches", columns, cells))
    if report.relevance_bins:
        columns = ["relevance", "hits", "mean relevance", "right"]
        cells = [
            [f"{b.low:.0%} to {b.high:.0%}", f"{b.hits:,}", _share(b.mean), _share(b.right)]
            for b in report.relevance_bins
        ]
        made.append(("Relevance", columns, cells))
    if report.neighbours:
        columns = ["method", "queries", "same page", "same book"]
        cells = [[n.method, f"{n.queries:,}", _share(n.same_page), _share(n.same_book)] for n in report.neighbours]
        made.append(("Neighbours", columns, cells))
    if report.collapse:
        c = report.collapse
        columns = ["view", "pages", "within page", "between pages", "first panels", "picture to text", "verdict"]
        figures = (c.within_page, c.between_pages, c.first_panels, c.picture_to_text)
        made.append(("Collapse", columns, [[c.view, f"{c.pages:,}", *map(_share, figures), c.verdict]]))
    return made


def _share(value: float) -> str:
    return f"{value:.3f}"


def _summary(report: Report) -> str:
    sample = "every panel a query" if report.settings.sample is None else f"sample {report.settings.sample:,}"
    return (
        f"{report.panels:,} panels, {report.panels_with_dialogue:,} with dialogue, encoder {report.encoder}, "
        f"{sample}, seed {report.settings.seed}, {duration(report.seconds)}"
    )


def markdown(report: Report) -> str:
    """Return the tables in Markdown, below the index and settings they were measured on."""
    parts = [_summary(report)]
    for heading, columns, rows in tables(report):
        lines = ["| " + " | ".join(cells) + " |" for cells in (columns, ["---"] * len(columns), *rows)]
        parts += [f"**{heading}**", "\n".join(lines)]
    parts += [f"Note: {note}" for note in report.notes]
    return "\n\n".join(parts)


def print_evaluation(report: Report) -> None:
    """Print the tables."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    out = console()
    out.print(f"{report.index}: {_summary(report)}")
    for heading, columns, rows in tables(report):
        table = Grid(box=SIMPLE_HEAD, pad_edge=False, title=heading, title_justify="left")
        text = {"query", "method", "view", "verdict"}
        for name in columns:
            table.add_column(name, justify="left" if name in text else "right", no_wrap=True)
        before = None
        for cells in rows:
            if columns[0] == "query" and before not in (None, cells[0]):
                table.add_section()
            before = cells[0]
            table.add_row(*cells)
        out.print(table)
    for note in report.notes:
        out.print(f"note: {note}")
