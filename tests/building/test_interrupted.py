"""A build may die at any moment; the next one goes on where it stopped and ends with the same index."""

from __future__ import annotations

import io
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from index_builder.write import CatalogWriter, derive, encode
from retrieval import PanelIndex, verify_index
from retrieval.errors import IndexDamaged
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.fulltext import SqliteFullText
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore
from tests.building.conftest import PANELS
from tests.building.library import answers, build, content, page, panels, put, same_as_clean, speckled
from tests.building.nursery import Nursery
from tests.conftest import GridEncoder

IN_FLIGHT = 16 + 3
"""Whole pages of four panels are added until a batch of 16 is full."""


def tidy(index: Path) -> None:
    """One generation, no vectors beyond the last named one, nothing half-written."""
    with Catalog.open(catalog_url(index)) as catalog:
        named, generation = catalog.panels.last_vector_row() + 1, catalog.settings().generation
    assert VectorStore(index / "vectors").rows() == named
    assert [p.name for p in (index / "generations").iterdir()] == [str(generation)]
    assert not list(index.rglob("*.partial"))


def test_killed_at_ten_random_moments(big: Path, index: Path, nursery: Nursery) -> None:
    """kill -9 ten times, then to the end: a clean build's content and hits; each kill costs at most a batch."""
    dice = random.Random(11)
    for _ in range(10):
        nursery.start(big)
        time.sleep(dice.uniform(0.0, 0.3))
        nursery.stop()
    nursery.finish(big)
    assert PANELS <= nursery.encoded() <= PANELS + 10 * IN_FLIGHT
    tidy(index)
    same_as_clean(big, index)


def test_killed_while_pages_change(big: Path, index: Path, nursery: Nursery) -> None:
    """Killed again and again while pages change, go and come: the end is what is there at the end."""
    dice = random.Random(23)
    nursery.finish(big)
    for round_ in range(5):
        page(big / "book 0" / "0", 100 + round_, ["another", "", "", ""])
        page(big / "book 1" / f"new {round_}", 200 + round_)
        for path in (big / "book 2").glob(f"{2 + 3 * round_}.*"):
            path.unlink()
        nursery.start(big, per_commit=4)
        time.sleep(dice.uniform(0.0, 0.15))
        nursery.stop()
    page(big / "book 1" / "last", 300)  # so that the next build has a generation to write
    nursery.finish(big)
    clean = index.with_name("clean.index")
    build(big, clean)
    assert [row for row in content(index) if not row[9]] == content(clean)
    assert answers(index, ["another", "here"]) == answers(clean, ["another", "here"])
    tidy(index)


def _workers(pid: int) -> list[psutil.Process]:
    for _ in range(1000):
        found = psutil.Process(pid).children(recursive=True)
        if len(found) >= 2:
            return found
        time.sleep(0.01)
    raise AssertionError("the build started no workers")


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)], ids=["kill -9", "Ctrl-C"])
def test_stopped_with_workers(big: Path, index: Path, nursery: Nursery, how: signal.Signals, status: int) -> None:
    """Stopped while worker processes decode: none is left behind, and the next build goes on where this one was."""
    nursery.start(big, workers=2)
    workers = _workers(nursery.pid)
    while nursery.encoded() < 2 * 16:
        time.sleep(0.005)
    assert nursery.stop(how) == status
    assert not any("done" in line for line in nursery.said)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
    nursery.finish(big)
    assert nursery.encoded() <= PANELS + IN_FLIGHT
    tidy(index)
    same_as_clean(big, index)


def test_ctrl_c_at_random_moments(big: Path, index: Path, nursery: Nursery) -> None:
    """Ctrl-C five times is no worse than kill -9."""
    dice = random.Random(31)
    for _ in range(5):
        nursery.start(big)
        time.sleep(dice.uniform(0.02, 0.15))
        if nursery.stop(signal.SIGINT) == 130:
            assert nursery.said == ["interrupted"]
    nursery.finish(big)
    assert PANELS <= nursery.encoded() <= PANELS + 5 * IN_FLIGHT
    tidy(index)
    same_as_clean(big, index)


def test_a_first_build_that_was_killed_says_so(big: Path, index: Path, nursery: Nursery) -> None:
    """An index whose first build did not end is refused with what to do, and the lock is free."""
    nursery.start(big)
    while nursery.encoded() < 2 * 16:
        time.sleep(0.005)
    nursery.stop()
    with pytest.raises(IndexDamaged, match="first build was interrupted\\nrun the same `panelseek build` again"):
        PanelIndex.open(index)
    nursery.finish(big)
    with PanelIndex.open(index) as opened:
        assert opened.info()["panels"] == PANELS


class Stopped(Exception):
    """Stands for the moment a process dies."""


def stop_at(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, call: int = 1, *, after: bool = False) -> None:
    """Raise at the n-th call of `target.name`, before or after it did its work."""
    real, calls = getattr(target, name), []

    def stopping(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == call and not after:
            raise Stopped
        result = real(*args, **more)
        if len(calls) == call:
            raise Stopped
        return result

    monkeypatch.setattr(target, name, stopping)


POINTS = [
    (VectorStore, "append", False),
    (VectorStore, "append", True),
    (Thumbnails, "put", True),
    (CatalogWriter, "write_pages", False),
    (CatalogWriter, "write_pages", True),
    (Thumbnails, "remove", True),
    (CatalogWriter, "replace_skipped", False),
    (derive, "write_generation", False),
    (derive, "write_generation", True),
    (CatalogWriter, "switch_generation", False),
    (derive, "prune_generations", False),
    (CatalogWriter, "checkpoint", False),
]


@pytest.mark.parametrize(("target", "name", "after"), POINTS, ids=[f"{n}-{a}" for _, n, a in POINTS])
def test_stopped_at_every_step_of_a_first_build(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, target: Any, name: str, after: bool
) -> None:
    """Wherever the first build stops, the second one ends with the index of a clean build."""
    for n in range(3):
        page(lib / str(n), n, [f"page {n}", "", "", ""])
    with monkeypatch.context() as patch:
        patch.setattr(encode, "_PANELS_PER_COMMIT", 4)
        stop_at(patch, target, name, after=after)
        with pytest.raises(Stopped):
            build(lib, index, batch_size=4)
    build(lib, index)
    tidy(index)
    same_as_clean(lib, index)


@pytest.mark.parametrize(
    ("target", "name", "after"),
    [
        pytest.param(
            *point,
            id=f"{point[1]}-{point[2]}",
        )
        for point in POINTS
    ],
)
def test_stopped_at_every_step_of_a_later_build(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, target: Any, name: str, after: bool
) -> None:
    """Wherever a later build stops, the index answers meanwhile, and the next build makes the new pages findable."""
    for n in range(2):
        page(lib / str(n), n, [f"page {n}", "", "", ""])
    build(lib, index)
    page(lib / "2", 2, ["page 2", "", "", ""])
    page(lib / "1", 9, ["redrawn", "", "", ""])
    with monkeypatch.context() as patch:
        stop_at(patch, target, name, after=after)
        with pytest.raises(Stopped):
            build(lib, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="page 0")[0].panel.page_path == "0.png"
    build(lib, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="page 2")[0].panel.page_path == "2.png"
        assert opened.search(text="redrawn")[0].panel.page_path == "1.png"
    tidy(index)
    same_as_clean(lib, index)


def test_stopped_after_a_page_came_back(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is back is searched, also where the build that saw its return did not end."""
    for n in range(2):
        put(lib / f"{n}.png", speckled(n))
    build(lib, index, page_is_panel=True)
    (lib / "1.png").rename(lib.parent / "1.png")
    build(lib, index, page_is_panel=True)
    (lib.parent / "1.png").rename(lib / "1.png")
    with monkeypatch.context() as patch:
        stop_at(patch, derive, "write_generation")
        with pytest.raises(Stopped):
            build(lib, index, page_is_panel=True)
    build(lib, index, page_is_panel=True)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert len(opened.search(panel=panels(index)[0].id)) == 2


@pytest.mark.parametrize("name", ["write_settings", "_text"])
def test_stopped_while_the_catalog_is_made(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A build killed in its first instant leaves nothing that stops the next one."""
    page(lib / "1", 1)
    with monkeypatch.context() as patch:
        if name == "write_settings":
            stop_at(patch, CatalogWriter, "write_settings")
        else:
            stop_at(patch, SqliteFullText, "create")
        with pytest.raises(Stopped):
            build(lib, index)
    assert build(lib, index).panels == 4


def test_thumbnails_of_an_unnamed_tail_are_not_shown(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thumbnail stored by a killed build is not shown for the panel that gets its row later."""
    put(lib / "1.png", speckled(1))
    with monkeypatch.context() as patch:
        stop_at(patch, CatalogWriter, "write_pages")
        with pytest.raises(Stopped):
            build(lib, index, page_is_panel=True)
    put(lib / "1.png", speckled(2))
    build(lib, index, page_is_panel=True, thumbnails=False)
    with PanelIndex.open(index) as opened:
        (panel,) = opened.browse()
        shown = np.asarray(Image.open(io.BytesIO(opened.thumbnail(panel))).convert("RGB"), np.int16)
        assert np.abs(shown - np.asarray(opened.panel_image(panel))).mean() < 25


@pytest.mark.parametrize(
    "torn",
    [
        0,
        18,
        17,
    ],
)
def test_a_torn_tail_is_cut_off(lib: Path, index: Path, torn: int) -> None:
    """Vectors that no panel names, and half a vector, go with the next build; verify calls them no damage."""
    page(lib / "1", 1)
    build(lib, index)
    for path in (index / "vectors").glob("*.f16"):
        with path.open("ab") as file:
            file.write(b"\1" * (1024 * 3 + torn))
    verdict = verify_index(index, encoder=GridEncoder())
    assert verdict.problems == ()
    assert "3 vectors at the end have no panel" in verdict.notes[0]
    page(lib / "2", 2)
    build(lib, index)
    tidy(index)
    same_as_clean(lib, index)


def test_leftover_generations_are_removed(lib: Path, index: Path) -> None:
    """Old and half-written generations are cleaned up by the next build, even when it has nothing else to do."""
    page(lib / "1", 1)
    build(lib, index)
    put(index / "generations" / "7.partial" / "x", b"")
    put(index / "generations" / "0" / "manifest.json", b"{}")
    build(lib, index)
    tidy(index)
