"""The command `panelseek evaluate`."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from retrieval.progress import Progress, ProgressCallback
from ui.cli.aliases import RenamedOption
from ui.output.progress import CountedLines, Shown, duration, shown
from ui.output.tables import console

if TYPE_CHECKING:
    from retrieval.evaluation import Report, Settings

Table = tuple[str, list[str], list[list[str]]]
"""A heading, the names of the columns, and the cells row by row."""


@click.command()
@click.option(
    "--sample", type=click.IntRange(1), default=300, show_default=True, help="Query with N panels for each part."
)
@click.option("--all", "everything", is_flag=True, help="Use every panel as a query.")
@click.option(
    "--query-book",
    "query_books",
    cls=RenamedOption,
    formerly=["--query-books"],
    multiple=True,
    metavar="PATTERN",
    help="Use only panels of matching books as queries; may be repeated.",
)
@click.option("--annotated", is_flag=True, help="Use only hand-annotated panels as queries.")
@click.option("--only", type=click.Choice(["distortions", "dialogue", "neighbours"]), help="Measure only this part.")
@click.option(
    "--distortions",
    cls=RenamedOption,
    formerly=["--kinds"],
    metavar="NAME,...",
    help="Measure only these distortions and text queries.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed all random draws.")
@click.option(
    "--baselines/--no-baselines",
    cls=RenamedOption,
    formerly=["--peers"],
    formerly_off=["--no-peers"],
    default=True,
    show_default=True,
    help="Also run baselines.",
)
@click.option("--untrained", is_flag=True, help="Run an untrained network as a baseline even if the encoder is large.")
@click.option(
    "--rephrased", type=click.Path(path_type=Path), help="Read rephrased lines here.  [default: the sample comics']"
)
@click.option("--device", help="Run the encoder on cpu, cuda or mps.  [default: the fastest available]")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown tables instead of text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def evaluate(folder: Path, device: str | None, quiet: bool, as_markdown: bool, as_json: bool, **options: Any) -> None:
    """Measure how well an index finds its own panels.

    Queries are distorted panels, their words in full or in part, and the panels themselves; by default search, by
    exact search and by baselines.
    """
    from retrieval import PanelIndex
    from retrieval.errors import UsageError
    from retrieval.evaluation import evaluate as measure

    if as_markdown and as_json:
        raise UsageError("--markdown and --json exclude each other", hint="leave one out")
    settings = _settings(**options)
    try:
        with PanelIndex.open(folder, device=device) as index, _progress(quiet) as progress:
            report = measure(index, settings, progress)
    except KeyboardInterrupt:
        click.echo("\nstopped; nothing was written, an evaluation starts again from its beginning", err=True)
        raise SystemExit(130) from None
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    elif as_markdown:
        click.echo(markdown(report))
    else:
        print_evaluation(report)


def _settings(
    everything: bool, sample: int, distortions: str | None, rephrased: Path | None, **options: Any
) -> Settings:
    import sample_data
    from retrieval.evaluation import Settings

    names = tuple(name.strip() for name in distortions.split(",")) if distortions else ()
    lines = rephrased or Path(sample_data.__file__).with_name("rephrased.json")
    return Settings(sample=None if everything else sample, distortions=names, rephrased=lines, **options)


# ---------------------------------------------------------------------- tables


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


# -------------------------------------------------------------------- progress


def _progress(quiet: bool, stream: TextIO | None = None) -> AbstractContextManager[ProgressCallback]:
    return shown(quiet, stream, _look, partial(CountedLines, look=_look), "opening")


def _look(progress: Progress) -> Shown:
    return Shown(progress.stage, progress.total, progress.done, describe(progress))


def describe(progress: Progress) -> str:
    """Return one line: count, rate, time left."""
    parts = [f"{progress.done:,}/{progress.total:,} {progress.unit}", f"{progress.rate:.1f}/s"]
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)
