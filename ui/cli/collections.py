"""The command `collections`: named collections of panels, kept with an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ui.cli.options import PATH, index_option, json_option, quiet_option
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from retrieval.collections import KeptPanel


@click.group(invoke_without_command=True)
@index_option
@json_option
@click.pass_context
def collections(context: click.Context, folder: Path, as_json: bool) -> None:
    """List named collections of panels, change them, or export one.

    Collections are kept in the index folder. A build does not change them, and moved comics stay in them.
    """
    if context.invoked_subcommand is not None:
        if context.get_parameter_source("folder") is click.core.ParameterSource.COMMANDLINE:
            context.default_map = {name: {"folder": folder} for name in collections.commands}
        return
    from retrieval.collections import Collections
    from retrieval.store.layout import existing_index

    found = Collections(existing_index(folder)).summaries()
    if as_json:
        print_json({"collections": [{"name": each.name, "panels": each.panels} for each in found]})
    elif not found:
        echo("no collections yet; make one with `panelseek collections add NAME ID`")
    for each in [] if as_json else found:
        echo(f"{each.name}: {_counted(each.panels)}")


@collections.command()
@click.argument("name")
@index_option
@json_option
def show(name: str, folder: Path, as_json: bool) -> None:
    """List the panels of the collection NAME."""
    from retrieval import PanelIndex
    from retrieval.collections import kept_panels

    with PanelIndex.open(folder) as index:
        found = kept_panels(index, name)
    if as_json:
        print_json({"panels": [_as_dict(kept) for kept in found]})
        return
    for kept in found:
        echo(_line(kept))


@collections.command()
@click.argument("name")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1))
@index_option
def add(name: str, ids: tuple[int, ...], folder: Path) -> None:
    """Add panels to the collection NAME, which is made if it is missing. `search` lists the ids."""
    from retrieval import PanelIndex
    from retrieval.collections import add_panels

    with PanelIndex.open(folder) as index:
        new = add_panels(index, name, ids)
    echo(f"{name}: {_counted(new)} added")


@collections.command("remove")
@click.argument("name")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1))
@index_option
def remove_panels(name: str, ids: tuple[int, ...], folder: Path) -> None:
    """Take panels out of the collection NAME."""
    from retrieval.collections import Collections
    from retrieval.store.layout import existing_index

    echo(f"{name}: {_counted(Collections(existing_index(folder)).remove(name, ids))} taken out")


@collections.command()
@click.argument("name")
@click.argument("new")
@index_option
def rename(name: str, new: str, folder: Path) -> None:
    """Give the collection NAME the name NEW."""
    from retrieval.collections import Collections
    from retrieval.store.layout import existing_index

    Collections(existing_index(folder)).rename(name, new)
    echo(f"{name} is now {new}")


@collections.command()
@click.argument("name")
@index_option
def delete(name: str, folder: Path) -> None:
    """Delete the collection NAME. Its panels stay in the index."""
    from retrieval.collections import Collections
    from retrieval.store.layout import existing_index

    echo(f"{name}: deleted, with {_counted(Collections(existing_index(folder)).delete(name))}")


@collections.command()
@click.argument("name")
@click.argument("out", type=PATH)
@index_option
@quiet_option
@json_option
def export(name: str, out: Path, folder: Path, quiet: bool, as_json: bool) -> None:
    """Write the collection NAME to OUT: a .zip of pictures with a table, a .csv or a .json.

    The table has book, page, panel, box, text and file of each panel.
    """
    from retrieval import PanelIndex
    from retrieval.collections import export_collection
    from ui.output.progress import progress_display

    with PanelIndex.open(folder) as index, progress_display(quiet) as progress:
        exported = export_collection(index, name, out, progress)
    for panel, reason in exported.left_out:
        echo(f"left out: {panel}: {reason}", err=True)
    if as_json:
        left_out = [{"panel": panel, "reason": reason} for panel, reason in exported.left_out]
        print_json({"path": str(exported.path), "panels": exported.panels, "left_out": left_out})
    else:
        echo(f"{exported.path}: {_counted(exported.panels)}")


def _counted(count: int) -> str:
    return f"{count:,} panel{'' if count == 1 else 's'}"


def _line(kept: KeptPanel) -> str:
    """Return a panel in one line, with its dialogue or why it has none."""
    member, panel = kept.member, kept.panel
    place = (panel.book, panel.page_number, panel.number) if panel else (member.book, member.page, member.number)
    text = " ".join(panel.dialogue.split()) if panel else "(no longer in the index)"
    number = panel.id if panel else "-"
    return f"{number:>8}  {place[0]}, page {place[1]}, panel {place[2]}  {text}".rstrip()


def _as_dict(kept: KeptPanel) -> dict[str, object]:
    member, panel = kept.member, kept.panel
    return {
        "panel_id": panel.id if panel else None,
        "book": panel.book if panel else member.book,
        "page": panel.page_number if panel else member.page,
        "panel": panel.number if panel else member.number,
        "box": (panel.box if panel else member.box).as_list(),
        "dialogue": panel.dialogue if panel else None,
        "page_path": panel.page_path if panel else None,
    }
