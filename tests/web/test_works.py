"""Long work that visitors start, and what they may build, tried without the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_builder import build_index
from index_builder.build import writer_lock
from retrieval import PanelIndex
from retrieval.errors import UsageError
from tests.conftest import GridEncoder
from tests.web.library import draw_library
from ui.web.build import markup
from ui.web.build.handlers import Builder
from ui.web.shell.jobs import Job


def test_one_piece_of_work_at_a_time() -> None:
    """A second start is refused while the first is at work; progress and the result can be looked at."""
    job, go_on = Job(str), threading.Event()

    def work(job: Job) -> str:
        job.told("counting", 3, 4, "slowly")
        go_on.wait(10)
        return "counted"

    assert job.moment().state == "idle"
    assert job.start(work)
    assert not job.start(work)
    while not job.moment().stage:
        pass
    now = job.moment()
    assert (now.state, now.stage, now.share, now.text) == ("running", "counting", 0.75, "slowly")
    go_on.set()
    job.wait(10)
    assert (job.moment().state, job.result) == ("done", "counted")
    assert job.start(lambda job: None)
    job.wait(10)


def test_work_that_fails_or_is_stopped_says_so() -> None:
    """Our own errors become their sentence; others say where to look; stopping takes effect at the next step."""
    job = Job(lambda error: f"said: {error}")

    def fail(_: Job) -> None:
        raise UsageError("not like this")

    def crash(_: Job) -> None:
        raise ZeroDivisionError("secret detail")

    def long(job: Job) -> None:
        while True:
            job.told("going on", 0, 0)

    for work, state, problem in ((fail, "failed", "said: not like this"), (crash, "failed", "not known yet")):
        job.start(work)
        job.wait(10)
        assert job.moment().state == state
        assert problem in job.moment().problem
    assert "secret" not in job.moment().problem
    job.start(long)
    job.stop()
    job.wait(10)
    assert job.moment().state == "stopped"


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Builder]:
    """An index of nearly nothing, and a root that holds a library."""
    draw_library(tmp_path / "roots" / "mine" / "comics")
    (tmp_path / "first" / "A").mkdir(parents=True)
    page = next((tmp_path / "roots").rglob("*.png"))
    (tmp_path / "first" / "A" / "1.png").write_bytes(page.read_bytes())
    build_index(
        [tmp_path / "first"], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False, page_is_panel=True
    )
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        yield Builder(index, [tmp_path / "roots" / "mine"])


@pytest.mark.parametrize(
    ("root", "path"),
    [
        (0, ".."),
        (0, "../.."),
        (0, "/etc"),
        (0, "comics/../../.."),
        (0, "link"),
        (0, "comics/Harbour/001.png"),
        (0, "nowhere"),
        (0, "a\0b"),
        (0, ["comics"]),
        (0, "x" * 5000),
        (1, ""),
        (-1, ""),
        ("0; rm", ""),
        (None, ""),
    ],
)
def test_nothing_outside_the_roots_can_be_named(builder: Builder, tmp_path: Path, root: object, path: object) -> None:
    """Neither listed nor built: climbing, absolute, linked, no folder, no such root."""
    (tmp_path / "roots" / "mine" / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="no such folder here"):
        builder.folders(root, path)
    with pytest.raises(UsageError, match="no such folder here"):
        builder.start(root, path)
    assert builder.job.moment().state == "idle"


def test_without_roots_nothing_may_be_built(builder: Builder) -> None:
    closed = Builder(builder._index, [])
    assert not closed.allowed
    with pytest.raises(UsageError):
        closed.start(0, "")


def test_folders_are_listed_in_order(builder: Builder, tmp_path: Path) -> None:
    """Natural order; hidden ones, files and links are no folders."""
    base = tmp_path / "roots" / "mine"
    for name in ("Vol 10", "Vol 2", ".hidden"):
        (base / name).mkdir()
    (base / "a.cbz").write_bytes(b"")
    (base / "link").symlink_to(base / "Vol 2")
    found = builder.folders()
    assert (found.roots, found.path, found.files) == (("mine",), "", 1)
    assert found.folders == ("comics", "Vol 2", "Vol 10")
    assert builder.folders(0, "comics").path == "comics"


def test_a_build_that_is_stopped_goes_on(builder: Builder) -> None:
    """Stopped at its first step nothing is lost; started again the books are found without opening the index anew."""
    builder.start(0, "comics")
    builder.job.stop()
    builder.job.wait(30)
    assert builder.job.moment().state in ("stopped", "done")
    builder.start(0, "comics")
    builder.job.wait(60)
    assert builder.job.moment().state == "done"
    assert {book.title for book in builder._index.books()} >= {"A", "Harbour", "Orchard"}
    assert builder._index.catalog.setting("last_build")["options"]["page_is_panel"] is True  # as it was built before
    assert "Pages: " in markup.progress(builder.job.moment(), builder.job.result)


def test_another_build_and_unusable_folders_are_said(builder: Builder, tmp_path: Path) -> None:
    """A sentence each, without where things lie above the roots."""
    with writer_lock(builder._index.folder):
        builder.start(0, "comics")
        builder.job.wait(30)
    assert "another build is writing this index" in builder.job.moment().problem.lower()
    assert str(tmp_path) not in builder.job.moment().problem
