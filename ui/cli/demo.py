"""The command `demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ui.cli.options import FOLDER, host_option, port_option
from ui.cli.serve import serve
from ui.output.terminal import echo

if TYPE_CHECKING:
    from retrieval import PanelIndex

DEMO_INDEX = "panelseek-demo.index"


@click.command()
@click.option(
    "--index",
    "folder",
    type=FOLDER,
    default=DEMO_INDEX,
    show_default=True,
    help="Build the index in this folder.",
)
@click.option(
    "--serve/--no-serve", "start_web_app", default=True, show_default=True, help="Start the web app afterwards."
)
@host_option
@port_option
@click.pass_context
def demo(context: click.Context, folder: Path, start_web_app: bool, host: str, port: int) -> None:
    """Build and search the sample comics, then start the web app.

    Downloads nothing: it uses the built-in encoder `small`.
    """
    from index_builder import build_index
    from retrieval import PanelIndex
    from sample_data import COMICS
    from ui.output.progress import progress_display
    from ui.output.tables import print_report

    with progress_display() as progress:
        report = build_index([COMICS], folder, encoder="small", index_kind="ivfpq", progress=progress)
    print_report(report)
    with PanelIndex.open(folder) as index:
        _show_examples(index)
    if start_web_app:
        context.invoke(serve, folder=folder, host=host, port=port)


def _show_examples(index: PanelIndex) -> None:
    """Print one search by words and one by image, each with the command that does it."""
    from sample_data import QUERY_IMAGE, QUERY_TEXT
    from ui.output.tables import print_hits

    examples: tuple[tuple[str, dict[str, Any]], ...] = (
        (f'--text "{QUERY_TEXT}"', {"text": QUERY_TEXT}),
        (f"--image {_relative(QUERY_IMAGE)}", {"image": QUERY_IMAGE}),
    )
    for options, query in examples:
        echo("", f"$ panelseek search --index {index.folder} {options} -k 3")
        print_hits(index.search(**query, k=3))


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
