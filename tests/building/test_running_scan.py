"""A first build begins with the pages of the first books, while later books are not scanned yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from index_builder import session
from index_builder.plan import running_scan, scan
from index_builder.plan.plan import Plan
from index_builder.plan.running_scan import RunningScan
from index_builder.report import StageTimer
from index_builder.write import encode
from retrieval.progress import Progress
from tests.building.library import build, cbz, drawn, page, put, same_as_clean, stage1
from tests.building.test_interrupted import Stopped, stop_at, tidy
from tests.conftest import GridEncoder

BOOKS = 8


@pytest.fixture
def books(lib: Path) -> Path:
    """Books of two pages, one with a damaged file, and folders between them."""
    for n in range(BOOKS):
        pages = {f"{k}.png": drawn(2 * n + k) for k in range(2)}
        notes = {f"{k}.json": stage1([f"page {2 * n + k}", "", "", ""]) for k in range(2)}
        cbz(lib / f"book {n}.cbz", {**pages, **(notes if n % 2 else {})})
    put(lib / "book 3.cbr", b"Rar!\x1a\x07\x00 damaged")
    page(lib / "folder" / "1", 90, ["here", "", "", ""])
    return lib


@pytest.fixture
def interleaved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Begin with the pages when more than two are known; return the events of scanning and encoding."""
    events: list[str] = []
    monkeypatch.setattr(session, "LATER_PAGES", 2)
    monkeypatch.setattr(running_scan, "AHEAD", 0.0)
    monkeypatch.setattr(encode, "_PANELS_PER_COMMIT", 8)
    book, encoded = scan._SourceScan._book, GridEncoder.encode

    def scanned(self: Any, found: Any) -> None:
        events.append(found.relative)
        book(self, found)

    def noted(self: GridEncoder, panels: Any, **more: Any) -> Any:
        events.append("encode")
        return encoded(self, panels, **more)

    monkeypatch.setattr(scan._SourceScan, "_book", scanned)
    monkeypatch.setattr(GridEncoder, "encode", noted)
    return events


def test_pages_are_encoded_before_the_scan_ends(books: Path, index: Path, interleaved: list[str]) -> None:
    """The index, its skipped files and the counts of the report are those of a build that scans first."""
    reports: list[Progress] = []
    report = build(books, index, progress=reports.append)
    scanned = [n for n, event in enumerate(interleaved) if event != "encode"]
    assert interleaved.index("encode") < scanned[-5]
    assert len(scanned) == BOOKS + 1
    assert (report.pages, report.pages_new, report.encoded) == (2 * BOOKS + 1, 2 * BOOKS + 1, 8 * BOOKS + 4)
    assert [path for path, _ in report.skipped] == [str(books / "book 3.cbr")]
    same_as_clean(books, index)


def test_progress_has_a_total_when_all_books_are_known(books: Path, index: Path, interleaved: list[str]) -> None:
    reports: list[Progress] = []
    build(books, index, progress=reports.append)
    stages = [each.stage for each in reports]
    assert "scan" not in stages[stages.index("encode") :]
    totals = [each.total for each in reports if each.stage == "encode"]
    assert set(totals) == {0, 2 * BOOKS + 1}
    assert totals == sorted(totals)
    assert [each.done for each in reports if each.stage == "encode"][-1] == 2 * BOOKS + 1


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_stopped_meanwhile_the_next_build_finds_the_other_books(
    books: Path, index: Path, interleaved: list[str], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, GridEncoder, "encode", batch)
        with pytest.raises(Stopped):
            build(books, index)
    build(books, index)
    tidy(index)
    same_as_clean(books, index)


def test_a_later_build_knows_all_places_before_it_begins(books: Path, index: Path, interleaved: list[str]) -> None:
    """A page that moved from the last book to a new first one keeps its panels: nothing is encoded again."""
    build(books, index)
    interleaved.clear()
    (books / "folder").rename(books / "a new first folder")
    report = build(books, index)
    assert (report.pages_moved, report.encoded) == (1, 0)
    page(books / "0", 91)
    interleaved.clear()
    build(books, index)
    assert interleaved.index("encode") == len(interleaved) - 1


def test_text_is_read_later_while_books_are_still_scanned(
    books: Path, index: Path, interleaved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More unread pages than that are known early: the pictures of all books come first."""
    passes: list[str] = []
    written = session.BuildSession._write_pass

    def noted(self: Any, writer: Any, running: Any, stage: str, *more: Any) -> None:
        passes.append(stage)
        written(self, writer, running, stage, *more)

    monkeypatch.setattr(session.BuildSession, "_write_pass", noted)
    report = build(books, index, ocr="auto")
    assert passes == ["encode", "read"]
    assert interleaved.index("encode") < len(interleaved) - BOOKS
    assert report.ocr.pages == BOOKS


def test_the_scan_takes_a_part_of_the_time_until_the_number_of_pages_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each step, the pages get four times as long as all steps took."""
    plan, now = Plan(), [0.0]
    monkeypatch.setattr("index_builder.plan.running_scan.time.monotonic", lambda: now[0])

    def steps() -> Iterator[None]:
        for _ in range(5):
            now[0] += 1.0
            for _ in range(100):
                plan.add(FakeJob(plan.jobs))  # type: ignore[arg-type]
            yield

    running = RunningScan(plan, steps(), nullcontext, lambda _: None)
    known, numbers = [], []
    for job in running.jobs():
        now[0] += 0.1
        known.append(plan.jobs)
        numbers.append(job.number)  # type: ignore[attr-defined]
    assert known == sorted(known)
    assert known[0] == 100
    assert known.index(500) < 250
    assert numbers == list(range(500))
    plan.close()


def test_jobs_are_those_of_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty books add nothing, a plan may grow while it is read, and reading again gives the same."""
    monkeypatch.setattr(running_scan, "AHEAD", 0.0)
    plan, timer, seen = Plan(), StageTimer(), list[int]()

    def steps() -> Iterator[None]:
        for count in (0, 2, 0, 700, 1):
            for _ in range(count):
                plan.add(FakeJob(plan.jobs))  # type: ignore[arg-type]
            yield

    running = RunningScan(plan, steps(), lambda: timer.stage("scan"), seen.append)
    running.until(lambda: plan.jobs > 0)
    assert (seen, running.finished) == ([0, 2], False)
    assert [job.number for job in running.jobs()] == list(range(703))  # type: ignore[attr-defined]
    assert (seen, running.finished) == ([0, 2], True)
    assert [job.number for job in running.jobs()] == list(range(703))  # type: ignore[attr-defined]
    plan.close()


class FakeJob:
    """As much of a job as a plan looks at."""

    previous = None

    def __init__(self, number: int) -> None:
        self.number = number
        self.task = self
        self.annotation = None
        self.annotations = ()


def test_a_stage_inside_another_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 4.0, 10.0, 11.0, 12.0])
    monkeypatch.setattr("index_builder.report.time.perf_counter", lambda: next(now))
    timer = StageTimer(started=0.0)
    with timer.stage("decode"), timer.stage("scan"):
        pass
    with timer.stage("decode"):
        pass
    assert timer.seconds == {"scan": 3.0, "decode": 8.0}
