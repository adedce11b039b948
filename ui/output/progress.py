"""Progress of long work on standard error: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TextIO

from retrieval.progress import Progress, ProgressCallback, no_progress
from ui.output.terminal import one_line

LINE_EVERY = 10.0
"""Seconds between two lines of a stage in a log: few enough lines to read, often enough to see that work goes on."""

BAR_WIDTH = 24
"""Columns of the bar: leaves room for the text in a terminal of 100 columns."""

_TITLES = {
    "scan": "scanning",
    "compare": "comparing",
    "calibrate int8": "calibrating int8",
    "encode": "encoding",
    "read": "reading dialogue",
    "index": "indexing",
    "train": "training",
    "validate": "validating",
    "region basis": "computing the basis of region vectors",
}
"""Titles of stages; a stage without one is shown by its name."""


class ProgressLine(NamedTuple):
    """One moment of long work, as it is shown. total: None while unknown."""

    title: str
    total: int | None
    done: int
    text: str


def progress_line(progress: Progress) -> ProgressLine:
    """Return the line that shows a progress report."""
    title = _TITLES.get(progress.stage, progress.stage)
    return ProgressLine(title, progress.total or None, progress.done, progress_text(progress))


def progress_text(progress: Progress) -> str:
    """Return the known ones of count, detail, rate and time left: `2/5 pages  8 panels  0.5 pages/s  6 s left`."""
    parts = [_count(progress), progress.detail, _rate(progress)]
    if progress.seconds_left is not None and not _complete(progress):
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(part for part in parts if part)


def _count(progress: Progress) -> str:
    if not progress.unit:
        return ""  # a single step
    if progress.total:
        return f"{progress.done:,}/{progress.total:,} {progress.unit}"
    return f"{progress.done:,} {progress.unit}" if progress.done else ""


def _rate(progress: Progress) -> str:
    return f"{progress.rate:.1f} {progress.unit}/s" if progress.rate and progress.total and progress.unit else ""


def _complete(progress: Progress) -> bool:
    return bool(progress.total) and progress.done >= progress.total


def duration(seconds: float) -> str:
    """Return a duration as 1:05:09, 5:09 or 9 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def progress_display(quiet: bool = False, stream: TextIO | None = None) -> Iterator[ProgressCallback]:
    """Give a callback that shows progress on `stream` (standard error): a bar on a terminal, plain lines elsewhere.

    quiet: show nothing. The bar disappears when the block ends.
    """
    out = stream or sys.stderr
    if quiet:
        yield no_progress
    elif out.isatty():
        with _bar(out) as callback:
            yield callback
    else:
        yield PlainProgress(out)


class PlainProgress:
    """Progress as lines of text: the start of a stage, its end, and one every ten seconds between."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._stage = ""
        self._printed = ""
        self._next = time.monotonic() + LINE_EVERY

    def __call__(self, progress: Progress) -> None:
        begins = progress.stage != self._stage and not progress.done
        self._stage = progress.stage
        if begins or _complete(progress) or time.monotonic() >= self._next:
            self._print(progress)

    def _print(self, progress: Progress) -> None:
        self._next = time.monotonic() + LINE_EVERY
        line = progress_line(progress)
        text = f"{line.title}: {line.text}" if line.text else line.title
        if text != self._printed:
            print(one_line(text), file=self._out, flush=True)
            self._printed = text


@contextmanager
def _bar(out: TextIO) -> Iterator[ProgressCallback]:
    """Give a callback that shows one bar, that of the current stage."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.fields[text]}", markup=False),
    )
    with Bars(*columns, console=Console(file=out), transient=True) as bars:
        task = bars.add_task("starting", total=None, text="")

        def show(progress: Progress) -> None:
            line = progress_line(progress)
            bars.update(task, description=line.title, completed=line.done, text=one_line(line.text))
            bars.tasks[0].total = line.total  # `update` cannot make it unknown again

        yield show
