"""`panelseek evaluate`: how well an index finds its own panels again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ui.output.progress import CountedLines, Shown, duration, shown
from ui.output.tables import console

if TYPE_CHECKING:
    from retrieval.evaluation import Progress, Report

Table = tuple[str, list[str], list[list[str]]]
"""A heading, the names of the columns, the cells row by row."""


@click.command()
@click.option(
    "--sample", type=click.IntRange(1), default=300, show_default=True, help="Panels that ask, for each kind."
)
@click.option("--all", "everything", is_flag=True, help="Every panel asks.")
@click.option("--query-books", multiple=True, metavar="PATTERN", help="Only panels of these books ask; repeatable.")
@click.option("--annotated", is_flag=True, help="Only panels whose box somebody drew ask.")
@click.option("--only", type=click.Choice(["copies", "dialogue", "neighbours"]), help="Measure only this part.")
@click.option("--kinds", metavar="NAME,...", help="Only these kinds of copies and questions.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything drawn at random.")
@click.option("--peers/--no-peers", default=True, show_default=True, help="Measure simpler methods beside it.")
@click.option("--untrained", is_flag=True, help="An untrained network as peer even where the encoder is large.")
@click.option("--rephrased", type=click.Path(path_type=Path), help="Rephrased lines.  [default: of the sample comics]")
@click.option("--device", help="Where the encoder runs: cpu, cuda or mps.  [default: the fastest there is]")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown tables instead of text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def evaluate(folder: Path, device: str | None, quiet: bool, as_markdown: bool, as_json: bool, **asked: Any) -> None:
    """Measure how well an index finds its own panels again.

    Copies of panels, their words remembered well or badly, and their neighbours; by default and by exact search, with
    simpler methods beside it.
    """
    from retrieval import PanelIndex
    from retrieval.errors import UsageError
    from retrieval.evaluation import evaluate as measure

    if as_markdown and as_json:
        raise UsageError("--markdown and --json exclude each other: leave one out")
    settings = _settings(**asked)
    try:
        with PanelIndex.open(folder, device=device) as index, _progress(quiet) as watch:
            report = measure(index, settings, watch)
    except KeyboardInterrupt:
        click.echo("\nstopped; nothing was written, an evaluation starts again from its beginning", err=True)
        raise SystemExit(130) from None
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    elif as_markdown:
        click.echo(markdown(report))
    else:
        print_evaluation(report)


def _settings(everything: bool, sample: int, kinds: str | None, rephrased: Path | None, **asked: Any) -> Any:
    import sample_data
    from retrieval.evaluation import Settings

    names = tuple(name.strip() for name in kinds.split(",")) if kinds else ()
    lines = rephrased or Path(sample_data.__file__).with_name("rephrased.json")
    return Settings(sample=None if everything else sample, kinds=names, rephrased=lines, **asked)


# ---------------------------------------------------------------------- tables


def tables(report: Report) -> list[Table]:
    """What a report holds, as tables of text; parts that were not measured are left out."""
    found = ["kind", "by", "queries", "R@1", "R@10", "MRR"]
    made: list[Table] = []
    for heading, rows in (("Copies", report.copies), ("Dialogue", report.dialogue)):
        if rows:
            cells = [[r.kind, r.by, f"{r.queries:,}", *map(_share, (r.r1, r.r10, r.mrr))] for r in rows]
            made.append((heading, found, cells))
    if report.detection:
        columns = ["by", "queries", "absent", "µAP", "threshold", "precision", "recall"]
        cells = [
            [d.by, f"{d.queries:,}", f"{d.absent:,}", *map(_share, (d.micro_ap, d.threshold, d.precision, d.recall))]
            for d in report.detection
        ]
        made.insert(1 if report.copies else 0, ("Copies told from strangers", columns, cells))
    if report.neighbours:
        columns = ["by", "queries", "same page", "same book"]
        cells = [[n.by, f"{n.queries:,}", _share(n.same_page), _share(n.same_book)] for n in report.neighbours]
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
    asked = "every panel asks" if report.settings.sample is None else f"sample {report.settings.sample:,}"
    return (
        f"{report.panels:,} panels, {report.panels_with_dialogue:,} with dialogue, encoder {report.encoder}, "
        f"{asked}, seed {report.settings.seed}, {duration(report.seconds)}"
    )


def markdown(report: Report) -> str:
    """The tables in Markdown, with what they were measured on above."""
    parts = [_summary(report)]
    for heading, columns, rows in tables(report):
        lines = ["| " + " | ".join(cells) + " |" for cells in (columns, ["---"] * len(columns), *rows)]
        parts += [f"**{heading}**", "\n".join(lines)]
    parts += [f"Note: {note}" for note in report.notes]
    return "\n\n".join(parts)


def print_evaluation(report: Report) -> None:
    """The tables for people."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    out = console()
    out.print(f"{report.index}: {_summary(report)}")
    for heading, columns, rows in tables(report):
        table = Grid(box=SIMPLE_HEAD, pad_edge=False, title=heading, title_justify="left")
        words = {"kind", "by", "view", "verdict"}
        for name in columns:
            table.add_column(name, justify="left" if name in words else "right", no_wrap=True)
        before = None
        for cells in rows:
            if columns[0] == "kind" and before not in (None, cells[0]):
                table.add_section()
            before = cells[0]
            table.add_row(*cells)
        out.print(table)
    for note in report.notes:
        out.print(f"note: {note}")


# -------------------------------------------------------------------- progress


def _progress(quiet: bool, stream: TextIO | None = None) -> AbstractContextManager[Callable[[Progress], None]]:
    return shown(quiet, stream, _look, partial(CountedLines, look=_look), "opening")


def _look(progress: Progress) -> Shown:
    return Shown(progress.stage, progress.total, progress.done, describe(progress))


def describe(progress: Progress) -> str:
    """One line: how many, rate, time left."""
    parts = [f"{progress.done:,}/{progress.total:,}", f"{progress.per_second:.1f}/s"]
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)
