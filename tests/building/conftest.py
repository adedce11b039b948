"""Fixtures of the tests of building."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import pytest
from sqlalchemy import update

from benchmarks.durability.shim import compile_shim
from index_builder.write import CatalogWriter
from retrieval.store.ann.ivfpq import IvfPq
from retrieval.store.catalog.tables import SourceRow
from retrieval.store.layout import catalog_url
from tests.building.library import build, page, put, speckled
from tests.building.nursery import Nursery

PAGES, PANELS = 48, 192
MANY = 280
"""Panels of the index with FAISS files: the fewest that IVF-PQ takes, and some."""


@pytest.fixture(scope="session", autouse=True)
def one_faiss_thread() -> Iterator[None]:
    """Training tiny indexes is quicker without threads that wait for each other."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    """An empty folder for comics."""
    folder = tmp_path / "comics"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Where the index goes; nothing is there yet."""
    return tmp_path / "my.index"


@pytest.fixture
def big(lib: Path) -> Path:
    """48 pages, 192 panels: enough comics to be interrupted in."""
    for n in range(PAGES):
        page(lib / f"book {n % 3}" / str(n), n, [f"page {n}", f"word{n} here", "", ""])
    return lib


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 280 pictures in `comics` and their IVF-PQ `my.index`, made once; change only copies."""
    folder = tmp_path_factory.mktemp("many")
    for n in range(MANY):
        put(folder / "comics" / f"{n}.png", speckled(n))
    build(folder / "comics", folder / "my.index", page_is_panel=True, index_kind="ivfpq", thumbnails=False)
    return folder


@pytest.fixture
def nursery(index: Path, tmp_path: Path) -> Iterator[Nursery]:
    """Builds into `index` in processes that may be stopped."""
    builds = Nursery(index, tmp_path / "log")
    yield builds
    builds.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled library that records calls and makes them fail."""
    library = compile_shim(tmp_path_factory.mktemp("shim"))
    if library is None:
        pytest.skip("recording calls needs Linux and a C compiler")
    return library


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors each training of an index saw."""
    seen: list[int] = []
    real = IvfPq.build

    def counting(content: Any, files: Any) -> Any:
        seen.append(content.count)
        return real(content, files)

    monkeypatch.setattr(IvfPq, "build", counting)
    return seen


@pytest.fixture
def grown(many: Path, tmp_path: Path) -> Path:
    """Return a copy of the index with FAISS files, and of its comics in `comics`, which may be changed."""
    folder = tmp_path / "grown"
    shutil.copytree(many, folder)
    path = str((folder / "comics").resolve())
    with CatalogWriter.open(catalog_url(folder / "my.index")) as catalog, catalog.engine.begin() as connection:
        connection.execute(update(SourceRow).values(path=path))  # through the writer, which keeps checksums
    return folder
