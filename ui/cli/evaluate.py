"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrieval.errors import UsageError
from ui.cli.options import (
    PATH,
    GroupedCommand,
    device_option,
    encoder_option,
    index_option,
    json_option,
    quiet_option,
)
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval.evaluation import Settings

_GROUPS = {
    "Queries": ("sample", "everything", "query_books", "annotated", "rephrased", "seed"),
    "Measurements": ("only", "distortions", "baselines", "untrained"),
    "Index and output": ("folder", "encoder", "device", "quiet", "as_markdown", "as_json"),
}


@click.command(cls=GroupedCommand, groups=_GROUPS)
@index_option
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    metavar="N",
    help="Query with N panels for each part.",
)
@click.option("--all", "everything", is_flag=True, help="Use every panel as a query.")
@click.option(
    "--query-book",
    "query_books",
    multiple=True,
    metavar="PATTERN",
    help="Use only panels of matching books as queries; may be repeated.",
)
@click.option("--annotated", is_flag=True, help="Use only hand-annotated panels as queries.")
@click.option(
    "--only", type=click.Choice(["distortions", "dialogue", "relevance", "neighbours"]), help="Measure only this part."
)
@click.option("--distortions", metavar="NAME,...", help="Measure only these distortions and text queries.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Seed all random draws."
)
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Also run baselines.")
@click.option("--untrained", is_flag=True, help="Run an untrained network as a baseline even if the encoder is large.")
@click.option(
    "--rephrased", type=PATH, metavar="FILE", help="Read rephrased lines here.  [default: the sample comics']"
)
@encoder_option
@device_option
@quiet_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown tables instead of text.")
@json_option
def evaluate(
    folder: Path,
    encoder: str | None,
    device: str | None,
    quiet: bool,
    as_markdown: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure how well an index finds its own panels.

    Queries are distorted panels, their words in full or in part, and the panels themselves; by default search, by
    exact search and by baselines.
    """
    from retrieval import PanelIndex
    from retrieval.evaluation import evaluate as measure
    from ui.output.evaluation_tables import markdown, print_evaluation
    from ui.output.progress import progress_display

    if as_markdown and as_json:
        raise UsageError("--markdown and --json exclude each other", hint="leave one out")
    settings = _settings(**options)
    try:
        with PanelIndex.open(folder, encoder=encoder, device=device) as index, progress_display(quiet) as progress:
            report = measure(index, settings, progress)
    except KeyboardInterrupt:
        echo("", "stopped; an evaluation writes nothing and cannot be resumed", err=True)
        raise SystemExit(130) from None
    if as_json:
        print_json(report.as_dict())
    elif as_markdown:
        echo(*markdown(report).split("\n"))
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
