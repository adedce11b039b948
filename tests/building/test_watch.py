"""An index that is kept up to date: one build for each burst of changes, once the files are quiet."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

import index_builder.watch as watching
from index_builder import WatchEvent, watch_sources
from index_builder.write import writer_lock
from retrieval.errors import SourceError, UsageError
from tests.building.library import by_place, cbz, page, put, speckled
from tests.conftest import GridEncoder

PATIENCE = 60.0


class Watched:
    """A watch in a thread, and its events."""

    def __init__(self) -> None:
        self.events: Queue[WatchEvent] = Queue()
        self.encoder = GridEncoder()

    def next(self, name: str) -> WatchEvent:
        """Return the next event of a name, after skipping others."""
        end = time.monotonic() + PATIENCE
        while True:
            event = self.events.get(timeout=max(0.1, end - time.monotonic()))
            if event.event == name:
                return event

    def quiet(self, seconds: float) -> bool:
        """Return True if nothing more is built for a while."""
        try:
            return self.events.get(timeout=seconds).kind == "changed"
        except Empty:
            return True


@contextmanager
def watched(*sources: Path, index: Path, **options: Any) -> Iterator[Watched]:
    found, stop = Watched(), threading.Event()
    chosen = {"debounce": 0.3, "workers": 0, "page_is_panel": True, "thumbnails": False, "ocr": False} | options
    thread = threading.Thread(
        target=watch_sources,
        args=(sources, index),
        kwargs={"on_event": found.events.put, "stop": stop, "encoder": found.encoder, **chosen},
    )
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("poll_interval", [None, 0.2])
def test_changes_are_built_when_files_are_quiet(lib: Path, index: Path, poll_interval: float | None) -> None:
    """The first build comes at once; then new, moved and removed books, each burst one build, also by polling."""
    put(lib / "a" / "1.png", speckled(1))
    with watched(lib, index=index, poll_interval=poll_interval) as watch:
        report = watch.next("built").report
        assert report is not None
        assert report.pages_new == 1
        cbz(lib / "b.cbz", {f"{n}.png": speckled(10 + n) for n in range(3)})
        put(lib / "a" / "2.png", speckled(2))
        assert str(lib) in watch.next("changed").paths[0]
        report = watch.next("built").report
        assert report is not None
        assert (report.pages_new, report.pages_unchanged) == (4, 1)
        (lib / "a").rename(lib / "c")
        (lib / "b.cbz").unlink()
        report = watch.next("built").report
        assert report is not None
        if report.pages_moved == 0:  # a slow machine saw the two apart
            report = watch.next("built").report
        assert report is not None
        assert report.pages == 2
        assert watch.encoder.encoded == 5
        assert watch.quiet(1.0)
    assert {source for source, _ in by_place(index)} == {"c/1.png", "c/2.png"}


def test_a_copy_in_progress_is_not_read_half(lib: Path, index: Path) -> None:
    """An archive that arrives piece by piece is built once, whole."""
    put(lib / "a" / "1.png", speckled(1))
    whole = cbz(lib.parent / "b.cbz", {f"{n}.png": speckled(10 + n) for n in range(5)}).read_bytes()
    with watched(lib, index=index, debounce=1.5) as watch:
        watch.next("built")
        with (lib / "b.cbz").open("wb") as file:
            for start in range(0, len(whole), len(whole) // 6):
                file.write(whole[start : start + len(whole) // 6])
                file.flush()
                time.sleep(0.3)
        report = watch.next("built").report
        assert report is not None
        assert (report.pages_new, report.skipped) == (5, ())


def test_damage_and_a_busy_index_are_survived(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged archive is named and read once it is whole; a build that fails now is tried again later."""
    monkeypatch.setattr(watching, "RETRY", 0.5)
    put(lib / "a" / "1.png", speckled(1))
    good = cbz(lib.parent / "b.cbz", {"1.png": speckled(2)}).read_bytes()
    with watched(lib, index=index) as watch:
        watch.next("built")
        put(lib / "b.cbz", good[:40])
        report = watch.next("built").report
        assert report is not None
        assert [Path(path).name for path, _ in report.skipped] == ["b.cbz"]
        with writer_lock(index):
            put(lib / "b.cbz", good)
            failed = watch.next("failed")
            assert "another build is writing" in failed.message
            assert (failed.path is not None, bool(failed.hint)) == (True, True)
        report = watch.next("built").report
        assert report is not None
        assert (report.pages, report.skipped) == (2, ())


def test_a_source_that_goes_and_comes_back(lib: Path, index: Path) -> None:
    """A missing folder changes nothing; when it is back, what changed in it is built. So is a file."""
    put(lib / "a" / "1.png", speckled(1))
    single = cbz(lib.parent / "single.cbz", {"1.png": speckled(2)})
    with watched(lib, single, index=index) as watch:
        watch.next("built")
        lib.rename(lib.with_name("away"))
        report = watch.next("built").report
        assert report is not None
        assert (report.pages, report.pages_missing) == (2, 0)
        put(lib.with_name("away") / "a" / "2.png", speckled(3))
        lib.with_name("away").rename(lib)
        report = watch.next("built").report
        assert report is not None
        assert (report.pages, report.pages_new) == (3, 1)
        cbz(single.with_name("other"), {"1.png": speckled(2), "2.png": speckled(4)}).replace(single)
        report = watch.next("built").report
        assert report is not None
        assert (report.pages, report.pages_new) == (4, 1)


def test_an_index_inside_its_source(lib: Path) -> None:
    """Writing an index that lies among the comics is no change of the comics."""
    put(lib / "a" / "1.png", speckled(1))
    with watched(lib, index=lib / "my.index") as watch:
        watch.next("built")
        assert watch.quiet(2.0)


def test_bad_usage(lib: Path, index: Path) -> None:
    """Errors that no waiting can fix are raised at once."""
    events: list[WatchEvent] = []
    with pytest.raises(SourceError, match="no such file or folder"):
        watch_sources([lib / "nowhere"], index)
    for wrong in ({"debounce": -1}, {"poll_interval": 0.0}, {"batch_size": 0}):
        with pytest.raises(UsageError):
            watch_sources([lib], index, on_event=events.append, **wrong)  # type: ignore[arg-type]
    assert events == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_cleanly(lib: Path, index: Path, how: signal.Signals) -> None:
    """One line of JSON for each event; Ctrl-C, or the end of a service, leaves a whole index and status 0."""
    page(lib / "1", 1, ["hello", "", "", ""])
    command = [
        sys.executable,
        "-m",
        "ui.cli",
        "watch",
        str(lib),
        "--index",
        str(index),
        "--encoder",
        "small",
        "--json",
    ]
    with subprocess.Popen(
        [*command, "--quiet", "--debounce", "0.2", "--workers", "0", "--no-ocr"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        event = json.loads(running.stdout.readline())
        assert (event["event"], event["report"]["pages_new"]) == ("built", 1)
        running.send_signal(how)
        _, message = running.communicate(timeout=PATIENCE)
    assert (running.returncode, message) == (0, "stopped; what was written is kept\n")
