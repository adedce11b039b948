"""The seams of a build: page executors, tasks without absolute paths, and the id that joins folder and catalog."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from index_builder import repair_index
from index_builder.decode.decode import decode_page
from index_builder.decode.executors import InlineExecutor, PageExecutor, make_executor
from index_builder.decode.records import DecodedPage, DecodeError, DecodeResult, DecodeSettings, PageTask
from index_builder.decode.workers import WorkerPool
from index_builder.options import BuildOptions
from index_builder.plan.plan import Plan
from index_builder.plan.scan import scan_books
from index_builder.session import BuildSession
from index_builder.write import CatalogWriter, WritableIndex, writer_lock
from retrieval import PanelIndex
from retrieval.books import DEFAULT_LIMITS
from retrieval.errors import IndexDamaged
from retrieval.progress import no_progress
from retrieval.records import View
from retrieval.search.index_encoder import load_by_name
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from retrieval.store.vectors import VectorStore
from tests.building.library import build, cbz, content, drawn, page, plain, put, speckled, stage1
from tests.conftest import GridEncoder


def various(lib: Path) -> None:
    """Fill a folder with pages of several kinds, two of them unreadable."""
    for n in range(6):
        page(lib / "A" / str(n), n, [f"text {n}", "", "", ""])
    put(lib / "A" / "damaged.png", b"\x89PNG\r\n\x1a\n damaged")
    cbz(lib / "b.cbz", {"1.png": drawn(10), "1.json": stage1(["x", "", "", ""]), "2.png": b"not an image"})
    put(lib / "single.png", speckled(3))


def tasks(lib: Path, index: Path, **options: Any) -> list[PageTask]:
    """Return the tasks that a first build of a folder plans."""
    with CatalogWriter.create(catalog_url(index)) as catalog:
        plan = Plan()
        try:
            assert list(scan_books(plan, [lib], catalog, BuildOptions(**options)))
            return [job.task for job in plan.read()]
        finally:
            plan.close()


# --------------------------------------------------------------------- executors


def comparable(result: DecodeResult) -> Any:
    """Return all that a result has, with bytes in place of arrays."""
    if isinstance(result, DecodeError):
        return result
    panels = [
        (panel.input.image.tobytes(), panel.input.text, panel.input.box, panel.detected, panel.thumbnail)
        for panel in result.panels or ()
    ]
    return (result.digest, result.width, result.height, panels, result.warnings, result.ocr_engine)


def test_all_executors_give_the_same_results_in_order(lib: Path, index: Path) -> None:
    """This process, one worker and two workers return equal results in the order of the tasks."""
    various(lib)
    index.mkdir()
    planned = tasks(lib, index)
    settings = DecodeSettings({1: lib}, DEFAULT_LIMITS)
    results = []
    for workers in (0, 1, 2):
        with make_executor(workers, settings) as executor:
            assert isinstance(executor, WorkerPool if workers else InlineExecutor)
            found = list(executor.decode(enumerate(planned)))
        assert [tag for tag, _ in found] == list(range(len(planned)))
        results.append([comparable(result) for _, result in found])
    assert results[0] == results[1] == results[2]
    kinds = [isinstance(result, DecodeError) for result in results[0]]
    assert kinds.count(True) == 2
    assert kinds.count(False) == 8


def test_digests_without_decoding(lib: Path) -> None:
    """A task for the digest alone returns the digest of the decoded page."""
    put(lib / "1.png", speckled(1))
    settings = DecodeSettings({1: lib}, DEFAULT_LIMITS)
    whole = decode_page(PageTask(1, "", "1.png", None, None, False), settings)
    digest = decode_page(PageTask(1, "", "1.png", None, None, False, digest_only=True), settings)
    assert isinstance(whole, DecodedPage)
    assert isinstance(digest, DecodedPage)
    assert (digest.digest, digest.panels) == (whole.digest, None)


class ReversedExecutor:
    """Decodes all tasks, the last one first, and returns the results in the order of the tasks."""

    def __init__(self, settings: DecodeSettings, decoded: list[str]) -> None:
        self._settings = settings
        self._decoded = decoded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def decode(self, tasks: Iterable[tuple[Any, PageTask]]) -> Iterator[tuple[Any, DecodeResult]]:
        pairs = list(tasks)
        results = []
        for tag, task in reversed(pairs):
            self._decoded.append(f"{task.book}/{task.name}")
            results.append((tag, decode_page(task, self._settings)))
        yield from reversed(results)


def build_reversed(lib: Path, index: Path, decoded: list[str]) -> None:
    def executors(_: int, settings: DecodeSettings) -> PageExecutor:
        return ReversedExecutor(settings, decoded)

    options = BuildOptions(workers=0, ocr=False)
    with writer_lock(index), CatalogWriter.create(catalog_url(index)) as catalog:
        opened = WritableIndex(index, catalog)
        session = BuildSession(opened, options, GridEncoder(), None, no_progress, load_by_name, executors)
        session.run([lib])


def test_an_executor_of_its_own(lib: Path, index: Path) -> None:
    """The order in which an executor decodes leaves no trace: rows, row numbers and vector bytes are the same."""
    various(lib)
    decoded: list[str] = []
    build_reversed(lib, index, decoded)
    usual = index.with_name("usual.index")
    build(lib, usual)
    assert (len(decoded), decoded[-1]) == (10, "/single.png")  # the first page of the plan was decoded last
    assert content(index) == content(usual)
    assert rows(index) == rows(usual)
    for view in View:
        assert vectors(index, view) == vectors(usual, view)
    page(lib / "A" / "2", 50)  # a later build, which hashes pages too
    build_reversed(lib, index, decoded)
    build(lib, usual)
    assert content(index) == content(usual)
    assert rows(index) == rows(usual)


def rows(index: Path) -> list[tuple[Any, ...]]:
    """Return ids, numbers and vector rows of all panels."""
    with Catalog.open(catalog_url(index)) as catalog, catalog.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id, page_id, number, vector_row FROM panel ORDER BY id")
        return [tuple(row) for row in found]


def vectors(index: Path, view: View) -> bytes:
    stored = VectorStore(index / "vectors")
    return stored.read(view, np.arange(stored.rows())).tobytes()


# ------------------------------------------------------------------------- tasks


@pytest.mark.parametrize("source", ["folder", "book.cbz", "image.png"])
def test_a_task_has_no_absolute_path(lib: Path, index: Path, tmp_path: Path, source: str) -> None:
    """A pickled task names its source by id and its book by the path below: another machine may have it elsewhere."""
    various(lib / "folder")
    cbz(lib / "book.cbz", {"1.png": drawn(1)})
    page(lib / "image", 2)
    index.mkdir()
    planned = tasks(lib / source, index)
    assert len(planned) == {"folder": 10, "book.cbz": 1, "image.png": 1}[source]
    for task in planned:
        data = pickle.dumps(task)
        for path in (lib / source, lib, tmp_path):
            assert os.fsencode(path) not in data
        assert not Path(task.book).is_absolute()
    moved = tmp_path / "elsewhere" / "comics"
    moved.parent.mkdir()
    shutil.move(lib, moved)
    settings = DecodeSettings({1: moved / source}, DEFAULT_LIMITS)
    decoded = [decode_page(task, settings) for task in planned]
    assert sum(isinstance(result, DecodedPage) for result in decoded) == {"folder": 8}.get(source, 1)


# ---------------------------------------------------------------------- index id


def test_an_index_has_one_id(lib: Path, index: Path) -> None:
    """The id is in the folder and in the catalog, survives a second build, and differs between indexes."""
    put(lib / "1.png", plain(10))
    build(lib, index)
    first = index_id(index)
    assert len(first) == 32
    assert (index / "index_id").read_text() == f"{first}\n"
    put(lib / "2.png", plain(90))
    build(lib, index)
    assert index_id(index) == first
    assert (index / "index_id").read_text() == f"{first}\n"
    other = index.with_name("other.index")
    build(lib, other)
    assert index_id(other) != first


def index_id(index: Path) -> str:
    with Catalog.open(catalog_url(index)) as catalog:
        return catalog.settings().index_id


def test_a_folder_of_another_index_is_refused(lib: Path, index: Path) -> None:
    """A catalog restored into the folder of another index is refused by readers and writers, and nothing changes."""
    put(lib / "1.png", plain(10))
    build(lib, index)
    other = index.with_name("other.index")
    build(lib, other)
    own, foreign = index_id(index), index_id(other)
    shutil.copy(other / "index_id", index / "index_id")
    before = {path: path.read_bytes() for path in index.rglob("*.f16")}
    sentence = rf"my\.index: the folder belongs to index {foreign}, its catalog to index {own}\nrestore folder and"
    for use in (lambda: PanelIndex.open(index), lambda: build(lib, index), lambda: repair_index(index)):
        with pytest.raises(IndexDamaged, match=sentence):
            use()
    assert {path: path.read_bytes() for path in index.rglob("*.f16")} == before
    assert (index / "index_id").read_text().strip() == foreign
