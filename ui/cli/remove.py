"""The command `remove`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from retrieval.errors import UsageError
from ui.cli.options import PATH, index_option, json_option
from ui.output.terminal import echo, one_line, print_json


@click.command()
@click.argument("source", type=PATH)
@index_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def remove(source: Path, folder: Path, yes: bool, as_json: bool) -> None:
    """Remove a SOURCE from an index.

    Its panels, dialogue, thumbnails and vectors are removed. The comics are not touched.
    """
    from index_builder import remove_source
    from ui.output.tables import holdings

    if not yes and not _confirmed(source, folder):
        echo("nothing was removed", err=True)
        return
    found = remove_source(source, folder)
    if as_json:
        print_json(found.as_dict())
    else:
        echo(f"removed: {found.source}: {holdings(found.books, found.pages, found.panels)}")


def _confirmed(source: Path, folder: Path) -> bool:
    """Ask for confirmation. Raises `UsageError` without a terminal to ask on."""
    from index_builder import source_content
    from ui.output.tables import holdings

    held = source_content(source, folder)
    if not sys.stdin.isatty():
        raise UsageError("removing a source needs a confirmation", held.source, "run it on a terminal, or add --yes")
    question = f"Remove {held.source} with {holdings(held.books, held.pages, held.panels)}?"
    return click.confirm(f"{one_line(question)} The comics are not touched", err=True)
