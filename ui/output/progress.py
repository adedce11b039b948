"""Progress on a terminal (a bar) and in a log (a line now and then), both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from index_builder import Progress

_LINE_EVERY = 10.0
"""Seconds between two lines in a log."""

_STAGES = {"scan": "looking", "compare": "comparing", "encode": "encoding", "index": "indexing"}


class Shown(NamedTuple):
    """What a bar shows of one moment; `total` None where it is not known."""

    title: str
    total: int | None
    done: int
    text: str


@contextmanager
def shown(
    quiet: bool,
    stream: TextIO | None,
    look: Callable[[Any], Shown],
    lines: Callable[[TextIO], Callable[[Any], None]],
    first: str,
    width: int = 28,
) -> Iterator[Callable[[Any], None]]:
    """A callback for long work: a bar on a terminal, `lines` in a log, nothing when quiet. The bar, called `first`
    until there is something to show, closes when the work ends, however it ends.
    """
    out = stream or sys.stderr
    if quiet:
        yield lambda _: None
    elif out.isatty():
        yield from _bar(out, look, first, width)
    else:
        yield lines(out)


def build_progress(quiet: bool, stream: TextIO | None = None) -> AbstractContextManager[Callable[[Progress], None]]:
    """The callback for `build_index`."""
    return shown(quiet, stream, _look, _Lines, "looking")


def _look(progress: Progress) -> Shown:
    if progress.stage == "index":
        return Shown(_STAGES["index"], progress.vectors_total or None, progress.vectors_done, describe(progress))
    total = progress.pages_total if progress.stage in ("compare", "encode") else None
    return Shown(_STAGES[progress.stage], total, progress.pages_done, describe(progress))


class CountedLines:
    """Plain lines for work of a known length: the last of a stage, and one every ten seconds before."""

    def __init__(self, out: TextIO, look: Callable[[Any], Shown], *, at_once: bool = False) -> None:
        self._out = out
        self._look = look
        self._next = 0.0 if at_once else time.monotonic() + _LINE_EVERY

    def __call__(self, progress: Any) -> None:
        moment = self._look(progress)
        if moment.total is not None and moment.done < moment.total and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY
        print(f"{moment.title}: {moment.text}", file=self._out, flush=True)


class _Lines:
    """Plain lines: the first and last of a stage, and one every ten seconds between."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._stage = "scan"  # a look at the library is over in moments, unless it is large
        self._next = time.monotonic() + _LINE_EVERY
        self._said = (0, 0)

    def __call__(self, progress: Progress) -> None:
        moment = (progress.pages_done, progress.panels_done)
        last = progress.stage == "encode" and progress.pages_done == progress.pages_total and moment != self._said
        if progress.stage == self._stage and not last and time.monotonic() < self._next:
            return
        self._stage, self._next, self._said = progress.stage, time.monotonic() + _LINE_EVERY, moment
        print(f"{_STAGES[progress.stage]}: {describe(progress)}", file=self._out, flush=True)


def _bar(out: TextIO, look: Callable[[Any], Shown], first: str, width: int) -> Iterator[Callable[[Any], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=width), TextColumn("{task.fields[text]}"))
    with Bar(*columns, console=Console(file=out), transient=True) as bar:
        task = bar.add_task(first, total=None, text="")

        def show(progress: Any) -> None:
            moment = look(progress)
            bar.update(task, description=moment.title, total=moment.total, completed=moment.done, text=moment.text)

        yield show


def describe(progress: Progress) -> str:
    """One line: pages, panels, rate, time left."""
    if progress.stage == "scan":
        return f"{progress.pages_done:,} pages found"
    if progress.stage == "compare":
        return f"{progress.pages_done:,}/{progress.pages_total:,} pages with what the index knows"
    if progress.stage == "index":
        counted = f"  {progress.vectors_done:,}/{progress.vectors_total:,} vectors" if progress.vectors_total else ""
        return progress.detail + counted
    if not progress.pages_total:
        return "no new or changed pages"
    parts = [f"{progress.pages_done:,}/{progress.pages_total:,} pages", f"{progress.panels_done:,} panels"]
    parts.append(f"{progress.panels_per_second:.1f} panels/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """1:05:09, 5:09 or 9 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
