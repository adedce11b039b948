"""Decoding side by side gives what decoding one after the other gives, and survives the crash of a worker."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from index_builder.decode.executors import PageExecutor, make_executor
from index_builder.decode.records import DecodedPage, DecodeError, DecodeSettings, PageTask
from retrieval.books import DEFAULT_LIMITS
from tests.building.library import build, cbz, content, drawn, page, put, speckled, stage1


class Fatal:
    """Takes the process down that unpickles it, as a decoder does that runs out of memory."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return os._exit, (1,)


def task(name: str, book: Any = "") -> PageTask:
    return PageTask(1, book, name, None, None, False)


def executor(pages: Path, workers: int = 2) -> PageExecutor:
    """Return an executor for the pages of one source, each of which is one panel."""
    return make_executor(workers, DecodeSettings({1: pages}, DEFAULT_LIMITS, page_is_panel=True, thumbnails=False))


@pytest.fixture
def pages(lib: Path) -> Path:
    for n in range(30):
        put(lib / f"{n}.png", speckled(n))
    return lib


def test_workers_give_the_same_index(lib: Path, index: Path) -> None:
    """Two workers, one, and none at all: the same content, notes and skipped files in the same order."""
    for n in range(6):
        page(lib / "a" / str(n), n, [f"text {n}", "", "", ""])
    put(lib / "b" / "1.png", b"\x89PNG\r\n\x1a\n damaged")
    put(lib / "b" / "2.png", drawn(9))
    put(lib / "b" / "2.json", b"[]")
    cbz(lib / "c.cbz", {"1.png": drawn(10), "1.json": stage1(["x", "", "", ""]), "2.png": b"no picture"})
    reports = []
    for workers in (0, 1, 2):
        folder = index.with_name(f"{workers}.index")
        reports.append((build(lib, folder, workers=workers), content(folder)))
    first, said = reports[0]
    assert len(said) == 6 * 4 + 4 + 4
    for report, rows in reports[1:]:
        assert rows == said
        assert (report.skipped, report.warnings) == (first.skipped, first.warnings)


def test_order_is_kept(pages: Path) -> None:
    """Results come in the order of the tasks, whichever page is ready first."""
    with executor(pages) as decoder:
        found = [(tag, type(out)) for tag, out in decoder.decode((n, task(f"{n}.png")) for n in range(30))]
    assert found == [(n, DecodedPage) for n in range(30)]


def test_only_a_few_pages_are_in_flight(pages: Path) -> None:
    """Tasks are taken as results are: what is decoded ahead does not grow with the library."""
    taken = []

    def tasks() -> Any:
        for n in range(30):
            taken.append(n)
            yield n, task(f"{n}.png")

    with executor(pages) as decoder:
        results = decoder.decode(tasks())
        ahead = []
        for done, _ in enumerate(results, 1):
            ahead.append(len(taken) - done)
    assert max(ahead) <= 8


def test_a_crash_costs_one_page(pages: Path) -> None:
    """A page that takes its worker down is named; every other page is decoded, in order."""
    books: list[Any] = [""] * 20
    books[3] = books[11] = Fatal()
    with executor(pages) as decoder:
        found = dict(decoder.decode((n, task(f"{n}.png", book)) for n, book in enumerate(books)))
    assert list(found) == list(range(20))
    failed = {n: out.reason for n, out in found.items() if isinstance(out, DecodeError)}
    assert set(failed) == {3, 11}
    assert all("crashed" in reason and "--workers" in reason for reason in failed.values())


def test_a_crash_while_nobody_waits(pages: Path) -> None:
    """The same where the worker dies while the encoder is busy with pages that are done."""
    books: list[Any] = [""] * 20
    books[6] = Fatal()
    with executor(pages) as decoder:
        found = {}
        for tag, out in decoder.decode((n, task(f"{n}.png", book)) for n, book in enumerate(books)):
            found[tag] = out
            if tag == 0:
                time.sleep(1.5)
    assert [n for n, out in found.items() if isinstance(out, DecodeError)] == [6]
    assert list(found) == list(range(20))


def test_workers_end_with_the_decoder(pages: Path) -> None:
    """Leaving the decoder in the middle leaves no process behind."""
    import psutil

    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with executor(pages) as decoder:
        next(decoder.decode((n, task(f"{n}.png")) for n in range(30)))
        started = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
        workers = [p for p in started if "resource_tracker" not in " ".join(p.cmdline())]
        assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []
