"""The commands `map` and `lookalikes`: overviews of a whole library, made on request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ui.cli.options import index_option, json_option, quiet_option
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval import PanelIndex
    from retrieval.overview.lookalike_groups import Group

_MAX_GROUPS = 20
"""Groups printed without --all."""


@click.command("map")
@index_option
@quiet_option
@json_option
def panel_map(folder: Path, quiet: bool, as_json: bool) -> None:
    """Lay out all panels on a map, similar ones near each other.

    The web app shows the map. It is made once per generation, by this command or when the map is first
    opened.
    """
    from retrieval import PanelIndex
    from retrieval.overview.panel_map import load_panel_map, make_panel_map
    from ui.output.progress import duration, progress_display

    started = time.monotonic()
    with PanelIndex.open(folder) as index, progress_display(quiet) as progress:
        ready = load_panel_map(index)
        count = len((ready or make_panel_map(index, progress)).ids)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        print_json({"panels": count, "made": ready is None, "seconds": seconds})
    elif ready is None:
        echo(f"map: {count:,} panels, made in {duration(seconds)}")
    else:
        echo(f"map: {count:,} panels, already up to date")


@click.command()
@index_option
@click.option("--all", "everything", is_flag=True, help=f"Print every group, not only the first {_MAX_GROUPS}.")
@quiet_option
@json_option
def lookalikes(folder: Path, everything: bool, quiet: bool, as_json: bool) -> None:
    """Find the same drawing in different books.

    Finds reprints, other scans and mirrored panels. The scan runs once per generation. Pairs rejected in the web app
    are excluded.
    """
    from retrieval import PanelIndex
    from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
    from ui.output.progress import progress_display

    with PanelIndex.open(folder) as index:
        groups = load_lookalikes(index)
        if groups is None:
            with progress_display(quiet) as progress:
                groups = make_lookalikes(index, progress)
        if as_json:
            print_json({"groups": [_group_as_list(index, group) for group in groups]})
        else:
            _print_groups(index, groups if everything else groups[:_MAX_GROUPS], len(groups))


def _group_as_list(index: PanelIndex, group: Group) -> list[dict[str, Any]]:
    """Return the panels of a group, ready for JSON."""
    from retrieval.overview.lookalike_groups import with_panels

    return [
        {
            "panel_id": each.panel.id,
            "book": each.panel.book,
            "page": each.panel.page_number,
            "panel": each.panel.number,
            "box": each.panel.box.as_list(),
            "page_path": each.panel.page_path,
            "likeness": round(each.overlap, 4),
            "mirrored": each.mirrored,
        }
        for each in with_panels(index, group)
    ]


def _print_groups(index: PanelIndex, groups: list[Group], total: int) -> None:
    for number, group in enumerate(groups, 1):
        echo(f"group {number}:")
        for each in _group_as_list(index, group):
            mirrored = ", mirrored" if each["mirrored"] else ""
            place = f"{each['book']}, page {each['page']}, panel {each['panel']}"
            echo(f"  {each['panel_id']:>8}  {each['likeness']:>4.0%}  {place}{mirrored}")
    if total > len(groups):
        echo(f"and {total - len(groups):,} more (all of them with --all)")
    if not total:
        echo("no panel appears in more than one book")
