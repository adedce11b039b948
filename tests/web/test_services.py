"""Jobs that visitors start, and what they may build, without a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_builder import build_index
from index_builder.build import writer_lock
from retrieval import PanelIndex
from retrieval.errors import IndexDamaged, UsageError
from retrieval.progress import Progress, ProgressCallback
from tests.conftest import GridEncoder
from tests.web.library import draw_library
from ui.web.build import markup
from ui.web.build.handlers import BuildService, progress_text, stage_name
from ui.web.shell.jobs import Job


def test_one_job_at_a_time() -> None:
    """A second start is refused while the first is at work; progress and the result can be looked at."""
    job, go_on = Job(str), threading.Event()

    def work(progress: ProgressCallback) -> str:
        progress(Progress("counting", 3, 4, detail="slowly"))
        go_on.wait(10)
        return "counted"

    assert job.status().state == "idle"
    assert job.start(work)
    assert not job.start(work)
    while not job.status().progress.stage:
        pass
    now = job.status()
    assert (now.state, now.share, now.count) == ("running", 0.75, "3 of 4")
    assert now.progress == Progress("counting", 3, 4, detail="slowly")
    go_on.set()
    job.wait(10)
    assert (job.status().state, job.result) == ("done", "counted")
    assert job.start(lambda progress: None)
    job.wait(10)


def test_a_job_that_fails_or_is_stopped_has_a_status() -> None:
    """Our own errors become their sentence; others say where to look; stopping takes effect at the next step."""
    job = Job(lambda error: f"said: {error}")

    def fail(_: ProgressCallback) -> None:
        raise UsageError("not like this")

    def crash(_: ProgressCallback) -> None:
        raise ZeroDivisionError("secret detail")

    def long(progress: ProgressCallback) -> None:
        while True:
            progress(Progress("going on"))

    for work, state, problem in ((fail, "failed", "said: not like this"), (crash, "failed", "failed unexpectedly")):
        job.start(work)
        job.wait(10)
        assert job.status().state == state
        assert problem in job.status().problem
    assert "secret" not in job.status().problem
    job.start(long)
    job.stop()
    job.wait(10)
    assert job.status().state == "stopped"


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[BuildService]:
    """An index of nearly nothing, and a root that holds a library."""
    draw_library(tmp_path / "roots" / "mine" / "comics")
    (tmp_path / "first" / "A").mkdir(parents=True)
    page = next((tmp_path / "roots").rglob("*.png"))
    (tmp_path / "first" / "A" / "1.png").write_bytes(page.read_bytes())
    build_index(
        [tmp_path / "first"], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False, page_is_panel=True
    )
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        yield BuildService(index, [tmp_path / "roots" / "mine"])


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
def test_nothing_outside_the_roots_can_be_named(
    builder: BuildService, tmp_path: Path, root: object, path: object
) -> None:
    """Neither listed nor built: climbing, absolute, linked, no folder, no such root."""
    (tmp_path / "roots" / "mine" / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="does not exist here"):
        builder.folders(root, path)
    with pytest.raises(UsageError, match="does not exist here"):
        builder.start(root, path)
    assert builder.job.status().state == "idle"


def test_without_roots_nothing_may_be_built(builder: BuildService) -> None:
    closed = BuildService(builder._index, [])
    assert not closed.allowed
    with pytest.raises(UsageError):
        closed.start(0, "")


def test_folders_are_listed_in_order(builder: BuildService, tmp_path: Path) -> None:
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


def test_a_build_that_is_stopped_goes_on(builder: BuildService) -> None:
    """Stopped at its first step nothing is lost; started again the books are found without opening the index anew."""
    builder.start(0, "comics")
    builder.job.stop()
    builder.job.wait(30)
    assert builder.job.status().state in ("stopped", "done")
    builder.start(0, "comics")
    builder.job.wait(60)
    assert builder.job.status().state == "done"
    assert {book.title for book in builder._index.books()} >= {"A", "Harbour", "Orchard"}
    assert builder._index.catalog.settings().build_options["page_is_panel"] is True  # as it was built before
    assert "Pages: " in markup.progress(builder.job.status(), builder.job.result)


def test_paths_in_errors_begin_at_the_root(builder: BuildService, tmp_path: Path) -> None:
    """Below it a path helps; above it visitors must not see."""
    below = tmp_path / "roots" / "mine" / "comics" / "a.cbz"
    assert builder._describe_error(UsageError("it is damaged", below)) == "mine/comics/a.cbz: it is damaged."
    assert builder._describe_error(IndexDamaged("a file is gone", builder._index.folder)) == "A file is gone."


def test_the_progress_of_a_build_in_words() -> None:
    encoding = Progress("encode", 12, 40, "pages", detail="96 panels, 3.1 a second, 9 s left")
    assert (stage_name(encoding), progress_text(encoding)) == (
        "Reading and encoding pages",
        "12 of 40 pages, 96 panels, 3.1 a second, 9 s left",
    )
    assert progress_text(Progress("scan", 1200, 0, "pages")) == "1,200 pages"
    assert progress_text(Progress("index", 1, 2, detail="training")) == "Training"
    assert progress_text(Progress("load")) == ""


def test_a_build_that_cannot_start_names_no_path(builder: BuildService, tmp_path: Path) -> None:
    """A sentence, without where things lie above the roots."""
    with writer_lock(builder._index.folder):
        builder.start(0, "comics")
        builder.job.wait(30)
    assert "another build is writing" in builder.job.status().problem.lower()
    assert str(tmp_path) not in builder.job.status().problem
