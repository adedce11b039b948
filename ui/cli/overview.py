"""The commands `map` and `lookalikes`: what is made on request from a whole library."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ui.output.progress import CountedLines, Shown, duration, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval import PanelIndex


class Stage(NamedTuple):
    """A moment of long work: what is being done, how much of how much, and how long this stage has taken."""

    name: str
    done: int
    total: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        return self.seconds / self.done * (self.total - self.done) if self.done else None


class Stages:
    """Turns `told(stage, done, of)` into `Stage` records with the time of each stage."""

    def __init__(self, tell: Callable[[Stage], None]) -> None:
        self._tell = tell
        self._name, self._since = "", 0.0

    def __call__(self, name: str, done: int, total: int) -> None:
        if name != self._name:
            self._name, self._since = name, time.monotonic()
        self._tell(Stage(name, done, total, time.monotonic() - self._since))


@contextmanager
def _progress(quiet: bool) -> Iterator[Stages]:
    with shown(quiet, None, _look, partial(CountedLines, look=_look), "reading vectors") as tell:
        yield Stages(tell)


def _look(stage: Stage) -> Shown:
    left = "" if stage.seconds_left is None or stage.done >= stage.total else f"  {duration(stage.seconds_left)} left"
    return Shown(stage.name, stage.total, stage.done, f"{stage.done:,}/{stage.total:,}{left}")


_quiet = click.option("--quiet", is_flag=True, help="No progress.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


@click.command("map")
@_quiet
@_as_json
def make_map(folder: Path, quiet: bool, as_json: bool) -> None:
    """Lay out all panels in two dimensions, similar ones near each other, for the page's map.

    Done once for each generation; the page does the same when its map is first opened.
    """
    from retrieval import PanelIndex

    started = time.monotonic()
    with PanelIndex.open(folder) as index, _progress(quiet) as told:
        ready = index.panel_map() is not None
        found = index.panel_map(told)
    assert found is not None
    said = {"panels": len(found.ids), "made": not ready, "seconds": round(time.monotonic() - started, 1)}
    if as_json:
        click.echo(json.dumps(said))
    else:
        was = "was there already" if ready else f"made in {duration(said['seconds'])}"
        click.echo(f"map of {len(found.ids):,} panels: {was}")


@click.command()
@click.option("--all", "everything", is_flag=True, help="Print every group, not only the first 20.")
@_quiet
@_as_json
def lookalikes(folder: Path, everything: bool, quiet: bool, as_json: bool) -> None:
    """Find panels of several books that show the same: reprints, other scans, mirrored ones.

    Looked for once in each generation; what was said on the page not to be the same is left out.
    """
    from retrieval import PanelIndex

    with PanelIndex.open(folder) as index:
        with _progress(quiet) as told:
            groups = index.lookalikes(told) or []
        if as_json:
            click.echo(json.dumps({"groups": [_group(index, group) for group in groups]}, ensure_ascii=False, indent=1))
        else:
            _print(index, groups if everything else groups[:20], len(groups))


def _group(index: PanelIndex, group: dict[int, tuple[float, bool]]) -> list[dict[str, Any]]:
    from retrieval.overview.lookalikes import with_panels

    return [
        {
            "panel_id": alike.panel.id,
            "book": alike.panel.book,
            "page": alike.panel.page_number,
            "panel": alike.panel.number,
            "box": alike.panel.box.as_list(),
            "source": alike.panel.page_path,
            "likeness": round(alike.overlap, 4),
            "mirrored": alike.mirrored,
        }
        for alike in with_panels(index, group)
    ]


def _print(index: PanelIndex, groups: list[dict[int, tuple[float, bool]]], of: int) -> None:
    for number, group in enumerate(groups, 1):
        click.echo(f"group {number}:")
        for each in _group(index, group):
            mirrored = ", mirrored" if each["mirrored"] else ""
            place = f"{each['book']}, page {each['page']}, panel {each['panel']}"
            click.echo(f"  {each['panel_id']:>8}  {each['likeness']:>4.0%}  {place}{mirrored}")
    if of > len(groups):
        click.echo(f"and {of - len(groups):,} more (all of them with --all)")
    if not of:
        click.echo("no panel of one book shows the same as one of another")
