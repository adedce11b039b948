"""Vectors on disk: float16 in files of a fixed number of rows, read by row, cut without a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings
from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.store.vectors import VectorStore
from tests.searching.synthetic import clustered

ROW = 2 * DIMENSION


def encoded(count: int, seed: int) -> PanelEmbeddings:
    picture, dialogue, fused = (clustered(count, seed + n) for n in range(3))
    return PanelEmbeddings(picture, dialogue, fused, np.ones((count, 3), np.float32))


@pytest.fixture
def shards(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path / "vectors", shard_rows=10)


def sizes(shards: VectorStore, view: str = "picture") -> list[int]:
    return [path.stat().st_size for path in sorted(shards.folder.glob(f"{view}-*.f16"))]


def test_rows_across_files(shards: VectorStore) -> None:
    """Rows appended in pieces lie in files of ten and are read in any order, to float16's precision."""
    data, first = encoded(37, 1), 0
    for count in (1, 9, 3, 20, 4):
        part = slice(first, first + count)
        shards.append(
            first, PanelEmbeddings(data.picture[part], data.dialogue[part], data.fused[part], data.gate[part])
        )
        first += count
    assert shards.rows() == 37
    assert sizes(shards) == [10 * ROW, 10 * ROW, 10 * ROW, 7 * ROW]
    rows = np.random.default_rng(1).permutation(37)
    for view in View:
        read = shards.read(view, rows)
        assert np.abs(read - data.view(view)[rows]).max() < 1e-3
        assert np.linalg.norm(read, axis=1) == pytest.approx(1, abs=1e-6)
    assert shards.read(View.FUSED, np.array([], np.int64)).shape == (0, DIMENSION)
    assert np.array_equal(
        shards.read(View.FUSED, np.array([5, 5])), shards.read(View.FUSED, np.array([5])).repeat(2, 0)
    )


def test_blocks_are_the_rows_in_order(shards: VectorStore) -> None:
    """Read in blocks, the rows are the same as at once."""
    shards.append(0, encoded(25, 2))
    rows = np.array([24, 3, 3, 11, 0, 19, 20])
    parts = list(shards.blocks(View.PICTURE, rows, size=3))
    assert [start for start, _ in parts] == [0, 3, 6]
    assert np.array_equal(np.concatenate([p for _, p in parts]), shards.read(View.PICTURE, rows))


def test_the_format_is_plain(shards: VectorStore) -> None:
    """Little-endian float16, row after row, no header: readable without this library."""
    data = encoded(12, 3)
    shards.append(0, data)
    raw = np.fromfile(shards.folder / "dialogue-00001.f16", "<f2").reshape(-1, DIMENSION)
    assert np.array_equal(raw, data.dialogue[10:].astype(np.float16))


def test_empty_rows_stay_empty(shards: VectorStore) -> None:
    """A branch that gave zeros is read as zeros, not as not-a-number."""
    zeros = np.zeros((2, DIMENSION), np.float32)
    shards.append(0, PanelEmbeddings(zeros, zeros, zeros, np.ones((2, 3), np.float32)))
    assert not shards.read(View.PICTURE, np.array([0, 1])).any()


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 20, 24, 25])
def test_truncate_across_files(shards: VectorStore, rows: int) -> None:
    """Cut to any length, the rows that stay are the same, the others are gone, and appending goes on from there."""
    data = encoded(25, 4)
    shards.append(0, data)
    shards.truncate(rows)
    assert shards.rows() == rows
    assert sum(sizes(shards)) == rows * ROW
    shards.append(rows, encoded(7, 5))
    assert shards.rows() == rows + 7
    kept = shards.read(View.FUSED, np.arange(rows))
    assert np.abs(kept - data.fused[:rows]).max(initial=0) < 1e-3
    assert np.abs(shards.read(View.FUSED, np.arange(rows, rows + 7)) - encoded(7, 5).fused).max() < 1e-3


@pytest.mark.parametrize("torn", [1, ROW - 1, ROW, 3 * ROW + 5])
def test_a_torn_tail(shards: VectorStore, torn: int) -> None:
    """What a crash left, in one view or in a file of its own, is cut off."""
    shards.append(0, encoded(20, 6))
    (shards.folder / "picture-00002.f16").write_bytes(b"\1" * torn)
    assert shards.rows() == 20
    shards.truncate(20)
    assert sizes(shards) == [10 * ROW, 10 * ROW]
    shards.append(20, encoded(3, 7))
    assert np.abs(shards.read(View.PICTURE, np.array([22])) - encoded(3, 7).picture[2]).max() < 1e-3


def test_missing_rows_are_damage(shards: VectorStore) -> None:
    """Fewer vectors than are named: both numbers, the view and what to do; nothing is cut."""
    shards.append(0, encoded(25, 8))
    path = shards.folder / "dialogue-00002.f16"
    path.write_bytes(path.read_bytes()[: 2 * ROW])
    assert shards.rows() == 22
    with pytest.raises(IndexDamaged, match="22 dialogue vectors and the catalog names 25: restore"):
        shards.truncate(25)
    with pytest.raises(IndexDamaged, match=r"dialogue-00002\.f16 holds 2 vectors where at least 5"):
        shards.read(View.DIALOGUE, np.array([24]))
    path.unlink()
    with pytest.raises(IndexDamaged, match=r"dialogue-00002\.f16 is missing"):
        VectorStore(shards.folder, 10).read(View.DIALOGUE, np.array([24]))
    assert np.isfinite(shards.read(View.DIALOGUE, np.array([19]))).all()


def test_a_reader_sees_what_is_appended(shards: VectorStore) -> None:
    """A second reader, with its files mapped already, reads rows that were written later."""
    data = encoded(8, 9)
    shards.append(0, data)
    reader = VectorStore(shards.folder, shard_rows=10)
    before = reader.read(View.PICTURE, np.array([0]))
    shards.append(8, encoded(9, 10))
    assert np.abs(reader.read(View.PICTURE, np.array([16])) - encoded(9, 10).picture[8]).max() < 1e-3
    assert np.array_equal(reader.read(View.PICTURE, np.array([0])), before)
