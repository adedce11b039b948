"""Progress: one display for all long work."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest

import ui.output.progress as display
from retrieval.progress import Progress
from ui.output.progress import duration, progress_display, progress_line, progress_text


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("scan", 1234, 0, "pages", 99.0), "1,234 pages"),
        (Progress("scan"), ""),
        (Progress("grouping", 0, 1), ""),
        (Progress("encode", 2, 8, "pages", 0.5, "9 panels, 2.2 panels/s"),
         "2/8 pages  9 panels, 2.2 panels/s  0.5 pages/s  12 s left"),
        (Progress("encode", 8, 8, "pages", 0.5), "8/8 pages  0.5 pages/s"),
        (Progress("index", 0, 0, "vectors", 0.0, "training the picture index"), "training the picture index"),
        (Progress("index", 10, 3000, "vectors", 0.0, "filling the picture index"),
         "10/3,000 vectors  filling the picture index"),
    ],
)  # fmt: skip
def test_a_report_shows_what_is_known(progress: Progress, text: str) -> None:
    """Count, detail, rate and time left; a single step has its title only."""
    assert progress_text(progress) == text


def test_a_stage_has_a_title() -> None:
    """A verb for the stages of builds and trainings, else the stage's own name; no total means an endless bar."""
    assert progress_line(Progress("scan", 5, 0, "pages"))[:3] == ("scanning", None, 5)
    assert progress_line(Progress("laying out", 5, 600, "iterations"))[:3] == ("laying out", 600, 5)


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.4, 59, 61, 3909)] == ["0 s", "59 s", "1:01", "1:05:09"]


def test_lines_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of a stage, its end, and one line every ten seconds between; none twice."""
    now = [100.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    with progress_display(stream=out) as progress:
        for done in range(1, 26):
            progress(Progress("scan", done, 0, "pages"))
            now[0] += 1.0
        progress(Progress("encode", 1, 3, "pages"))
        progress(Progress("encode", 3, 3, "pages", 0.0, "4 panels"))
        progress(Progress("encode", 3, 3, "pages", 0.0, "4 panels"))
        progress(Progress("index", 0, 0, "vectors", 0.0, "checking the picture index"))
        progress(Progress("index", 0, 0, "vectors", 0.0, "checking the dialogue index"))
    assert out.getvalue().splitlines() == [
        "scanning: 11 pages",
        "scanning: 21 pages",
        "encoding: 3/3 pages  4 panels",
        "indexing: checking the picture index",
    ]


def test_quiet_shows_nothing() -> None:
    for out in (io.StringIO(), Terminal()):
        with progress_display(quiet=True, stream=out) as progress:
            progress(Progress("encode", 3, 3, "pages"))
        assert out.getvalue() == ""


def test_a_bar_on_a_terminal() -> None:
    """It shows the current stage and disappears at the end, also when the work fails; markup of names is text."""
    out = Terminal()
    with suppress(ZeroDivisionError), progress_display(stream=out) as progress:
        progress(Progress("encode", 2, 4, "pages", 1.0, "[bold]x"))
        progress(Progress("index", 0, 0, "vectors", 0.0, "checking the picture index"))
        raise ZeroDivisionError
    shown = out.getvalue()
    assert "indexing" in shown
    assert "checking the picture index" in shown
    assert shown.endswith("\x1b[2K")
