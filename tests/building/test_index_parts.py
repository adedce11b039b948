"""An ANN index has a part for each range of vector rows; a build writes only the parts that change."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder import repair_index
from index_builder.write import generation_writer
from retrieval import PanelIndex, verify_index
from retrieval.records import View
from retrieval.store.ann import ivfpq
from retrieval.store.ann.training import MAX_LISTS, default_nprobe, list_count
from retrieval.store.id_sets import as_mask
from retrieval.store.vectors import VectorStore
from tests.building.library import build, put, speckled
from tests.building.test_growing import OPTIONS, manifest
from tests.conftest import GridEncoder, QuarterEncoder

ROWS = 64


@pytest.fixture
def parts(grown: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """280 panels, of which 64 at a time are one part: five parts, the last with 24."""
    monkeypatch.setattr(ivfpq, "PART_ROWS", ROWS)
    shutil.rmtree(grown / "my.index" / "generations")
    build(grown / "comics", grown / "my.index", **OPTIONS)
    return grown


def files(index: Path, view: str = "picture") -> dict[str, tuple[int, bytes]]:
    """Return inode and content of each FAISS file of a view."""
    paths = sorted(index.glob(f"generations/*/{view}.*.faiss"))
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in paths}


def changed(before: dict[str, tuple[int, bytes]], now: dict[str, tuple[int, bytes]]) -> set[str]:
    """Return the names of the files that were written; all others are the same files as before."""
    return {name.split(".")[1] for name in now if before.get(name, (0, b""))[0] != now[name][0]}


def candidates(index: Path, count: int, effort: int, allowed: np.ndarray | None = None) -> list[set[int]]:
    """Return the ids that the picture index gives for 20 panels."""
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        view = opened.generation.views[View.PICTURE]
        assert view.ann is not None
        queries = VectorStore(index / "vectors").read("picture", np.asarray(view.rows[::14]))
        return [set(ids.tolist()) for ids in view.ann.search(queries, count, effort, allowed)]


@pytest.mark.parametrize(("count", "effort"), [(1, 1), (10, 3), (100, 5), (400, 99)])
def test_parts_find_what_one_index_finds(parts: Path, monkeypatch: pytest.MonkeyPatch, count: int, effort: int) -> None:
    """With the same training, and the same number of candidates from all parts together, also with a filter."""
    index, allowed = parts / "my.index", np.arange(1, 280, 3)
    assert len(files(index)) == 6
    in_parts = candidates(index, count, effort), candidates(index, count, effort, allowed)
    monkeypatch.setattr(ivfpq, "PART_ROWS", 10**6)
    shutil.rmtree(index / "generations")
    build(parts / "comics", index, **OPTIONS)
    assert len(files(index)) == 2
    assert (candidates(index, count, effort), candidates(index, count, effort, allowed)) == in_parts
    assert all(len(found) <= count for found in in_parts[0])
    assert all(found <= set(allowed.tolist()) for found in in_parts[1])


@pytest.mark.parametrize(
    "ids", [np.arange(1, 280, 3), np.arange(280, 0, -7), np.array([5])], ids=["third", "down", "1"]
)
def test_many_ids_are_a_mask(parts: Path, monkeypatch: pytest.MonkeyPatch, ids: np.ndarray) -> None:
    """A filter of many ids, in any order, is a mask of bits for FAISS, and finds what a set of few ids finds."""
    index = parts / "my.index"
    as_set = candidates(index, 50, 5, ids)
    masks: list[Any] = []
    monkeypatch.setattr(ivfpq, "as_mask", lambda wanted: masks.append(as_mask(wanted)) or masks[-1])
    monkeypatch.setattr(ivfpq, "_MANY_IDS", 0)
    assert candidates(index, 50, 5, ids) == as_set
    assert np.flatnonzero(masks[0]).tolist() == sorted(ids.tolist())
    assert any(as_set)


def test_a_new_page_changes_the_last_part_only(parts: Path, trained: list[int]) -> None:
    index = parts / "my.index"
    before = files(index)
    put(parts / "comics" / "new.png", speckled(1000))
    build(parts / "comics", index, **OPTIONS)
    assert trained == []
    assert changed(before, files(index)) == {"00004"}
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    assert found(index, speckled(1000)) == "new.png"


def test_pages_that_go_change_their_part_only(parts: Path, trained: list[int]) -> None:
    """A changed page gets a new row: it goes from its part and comes to the last one."""
    index = parts / "my.index"
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        pages = {panel.vector_row: panel.page_path for panel in opened.browse(k=280)}
    before = files(index)
    (parts / "comics" / pages[70]).unlink()
    put(parts / "comics" / pages[130], speckled(1001))
    build(parts / "comics", index, **OPTIONS)
    assert trained == []
    assert changed(before, files(index)) == {"00001", "00002", "00004"}
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    assert found(index, speckled(1001)) == pages[130]


def test_a_part_may_end_and_another_begin(parts: Path, trained: list[int]) -> None:
    """All panels of one part go, and more than the last part can take come."""
    index = parts / "my.index"
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        pages = {panel.vector_row: panel.page_path for panel in opened.browse(k=280)}
    for row in range(ROWS, 2 * ROWS):
        (parts / "comics" / pages[row]).unlink()
    for n in range(50):
        put(parts / "comics" / f"new {n}.png", speckled(1000 + n))
    build(parts / "comics", index, **OPTIONS)
    assert trained == []
    assert [name.split(".")[1] for name in files(index)] == ["00000", "00002", "00003", "00004", "00005", "trained"]
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    assert found(index, speckled(1049)) == "new 49.png"


def test_regions_are_in_the_part_of_their_panel(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivfpq, "PART_ROWS", 32)
    for n in range(60):
        put(lib / f"{n}.png", speckled(n))
    build(lib, index, QuarterEncoder(), **OPTIONS)
    before = files(index)
    assert len(before) == 3
    put(lib / "new.png", speckled(1000))
    build(lib, index, QuarterEncoder(), **OPTIONS)
    assert changed(before, files(index)) == {"00001"}
    assert manifest(index)["vectors"] == 5 * 61
    assert verify_index(index, encoder=QuarterEncoder()).problems == ()


def test_without_links_files_are_copied(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have no hard links."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("retrieval.files.os.link", refuse)
    index = parts / "my.index"
    before = files(index)
    put(parts / "comics" / "new.png", speckled(1000))
    build(parts / "comics", index, **OPTIONS)
    now = files(index)
    assert {name for name in now if now[name][1] != before[name][1]} == {"picture.00004.faiss"}
    assert verify_index(index, encoder=GridEncoder()).problems == ()


@pytest.mark.parametrize("name", ["trained", "00001", "00004"])
def test_a_damaged_part_is_found_and_mended(parts: Path, name: str) -> None:
    """Also one that a build would only have linked; repair makes all parts from the vectors."""
    index = parts / "my.index"
    (path,) = index.glob(f"generations/*/picture.{name}.faiss")
    data = bytearray(path.read_bytes())
    data[-40] ^= 255
    path.write_bytes(data)
    (problem,) = verify_index(index, encoder=GridEncoder()).problems
    assert Path(problem.path).name == path.name
    repair_index(index)
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    put(parts / "comics" / "new.png", speckled(1000))
    build(parts / "comics", index, **OPTIONS)
    assert verify_index(index, encoder=GridEncoder()).problems == ()


# ------------------------------------------------------------------ large indexes


@pytest.fixture
def large(parts: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same index, of a size from which only new vectors are compared and recall is measured now and then."""
    monkeypatch.setattr(generation_writer, "_ALWAYS_COMPARED", 100)
    monkeypatch.setattr(generation_writer, "_ALWAYS_MEASURED", 100)
    return parts


def test_a_large_index_is_measured_again_when_enough_changed(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, measured = large / "my.index", list[View]()
    real = generation_writer._ViewWriter._measure_recall

    def noted(self: Any, view: Any) -> dict[str, Any]:
        measured.append(view.view)
        return real(self, view)

    monkeypatch.setattr(generation_writer._ViewWriter, "_measure_recall", noted)
    pending = []
    for n in range(4):
        for k in range(5):
            put(large / "comics" / f"new {n} {k}.png", speckled(1000 + 10 * n + k))
        build(large / "comics", index, **OPTIONS)
        pending.append(manifest(index)["changed_since_measured"])
        assert manifest(index)["recall_at_10"] > 0
    assert pending == [5, 10, 0, 5]
    assert measured.count(View.PICTURE) == 1


def test_a_large_index_leaves_out_new_damaged_panels(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors that were damaged between their writing and the generation are not derived from."""
    index = large / "my.index"
    real, asked = VectorStore.damaged, list[int]()

    def noted(self: VectorStore, rows: Any, *more: Any) -> Any:
        asked.extend(rows.tolist())
        return real(self, rows, *more)

    monkeypatch.setattr(VectorStore, "damaged", noted)
    put(large / "comics" / "new.png", speckled(1000))
    append = VectorStore.append

    def spoilt(self: VectorStore, first: int, encoded: Any) -> list[bytes]:
        sums = append(self, first, encoded)
        path = index / "vectors" / "picture-00000.f16"
        data = bytearray(path.read_bytes())
        data[-3] ^= 0x11
        path.write_bytes(data)
        return sums

    monkeypatch.setattr(VectorStore, "append", spoilt)
    report = build(large / "comics", index, **OPTIONS)
    assert asked == [280]
    assert any("damaged" in text for _, text in report.warnings)
    assert manifest(index)["panels"] == 280


def found(index: Path, picture: bytes) -> str:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        (hit,) = opened.search(image=picture, k=1)
        assert hit.score == pytest.approx(1, abs=1e-3)
        return hit.panel.page_path


def test_parts_of_another_size_are_made_again(parts: Path, monkeypatch: pytest.MonkeyPatch, trained: list[int]) -> None:
    """A part stands for a range of rows: files of another size must not be linked."""
    index = parts / "my.index"
    monkeypatch.setattr(ivfpq, "PART_ROWS", 3 * ROWS)
    put(parts / "comics" / "new.png", speckled(1000))
    build(parts / "comics", index, **OPTIONS)
    assert trained == [281, 281]
    assert len(files(index)) == 3
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_the_number_of_lists_searched_grows_slowly() -> None:
    """A sixteenth of few lists and a thirty-second of many; never fewer for more lists."""
    assert [default_nprobe(lists) for lists in (1, 16, 256, 1024, 2048, 4096)] == [1, 16, 16, 64, 64, 128]
    searched = [default_nprobe(lists) for lists in range(1, MAX_LISTS + 1)]
    assert searched == sorted(searched)
    assert list_count(10**9) == MAX_LISTS
