"""Vectors on disk: float16 in files of a fixed number of rows, read by row, cut to any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.store.vectors import VectorStore
from tests.searching.synthetic import clustered

ROW = 2 * DIMENSION


def encoded(count: int, seed: int) -> PanelEmbeddings:
    picture, dialogue, fused = (clustered(count, seed + n) for n in range(3))
    return PanelEmbeddings(picture, dialogue, fused, np.ones((count, 3), np.float32))


@pytest.fixture
def vectors(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path / "vectors", shard_rows=10)


def sizes(vectors: VectorStore, view: str = "picture") -> list[int]:
    return [path.stat().st_size for path in sorted(vectors.folder.glob(f"{view}-*.f16"))]


def test_rows_across_files(vectors: VectorStore) -> None:
    """Rows appended in pieces are in files of ten and are read in any order, to the precision of float16."""
    data, first = encoded(37, 1), 0
    for count in (1, 9, 3, 20, 4):
        part = slice(first, first + count)
        vectors.append(
            first, PanelEmbeddings(data.picture[part], data.dialogue[part], data.fused[part], data.gate[part])
        )
        first += count
    assert vectors.rows() == 37
    assert sizes(vectors) == [10 * ROW, 10 * ROW, 10 * ROW, 7 * ROW]
    rows = np.random.default_rng(1).permutation(37)
    for view in View:
        read = vectors.read(view, rows)
        assert np.abs(read - data.view(view)[rows]).max() < 1e-3
        assert np.linalg.norm(read, axis=1) == pytest.approx(1, abs=1e-6)
    assert vectors.read(View.FUSED, np.array([], np.int64)).shape == (0, DIMENSION)
    assert np.array_equal(
        vectors.read(View.FUSED, np.array([5, 5])), vectors.read(View.FUSED, np.array([5])).repeat(2, 0)
    )


def test_blocks_are_the_rows_in_order(vectors: VectorStore) -> None:
    """Rows read in blocks equal those read at once."""
    vectors.append(0, encoded(25, 2))
    rows = np.array([24, 3, 3, 11, 0, 19, 20])
    parts = list(vectors.blocks(View.PICTURE, rows, size=3))
    assert [start for start, _ in parts] == [0, 3, 6]
    assert np.array_equal(np.concatenate([p for _, p in parts]), vectors.read(View.PICTURE, rows))


def test_the_format_is_plain(vectors: VectorStore) -> None:
    """Little-endian float16, row after row, no header: readable without this library."""
    data = encoded(12, 3)
    vectors.append(0, data)
    raw = np.fromfile(vectors.folder / "dialogue-00001.f16", "<f2").reshape(-1, DIMENSION)
    assert np.array_equal(raw, data.dialogue[10:].astype(np.float16))


def test_zero_rows_stay_zero(vectors: VectorStore) -> None:
    """A zero row is read as zeros, not as NaN."""
    zeros = np.zeros((2, DIMENSION), np.float32)
    vectors.append(0, PanelEmbeddings(zeros, zeros, zeros, np.ones((2, 3), np.float32)))
    assert not vectors.read(View.PICTURE, np.array([0, 1])).any()


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 20, 24, 25])
def test_truncate_across_files(vectors: VectorStore, rows: int) -> None:
    """After a cut to any length the remaining rows are unchanged, and rows can be appended."""
    data = encoded(25, 4)
    vectors.append(0, data)
    vectors.truncate(rows)
    assert vectors.rows() == rows
    assert sum(sizes(vectors)) == rows * ROW
    vectors.append(rows, encoded(7, 5))
    assert vectors.rows() == rows + 7
    kept = vectors.read(View.FUSED, np.arange(rows))
    assert np.abs(kept - data.fused[:rows]).max(initial=0) < 1e-3
    assert np.abs(vectors.read(View.FUSED, np.arange(rows, rows + 7)) - encoded(7, 5).fused).max() < 1e-3


@pytest.mark.parametrize("torn", [1, ROW - 1, ROW, 3 * ROW + 5])
def test_a_torn_tail(vectors: VectorStore, torn: int) -> None:
    """An incomplete tail in one view, or in a file of its own, is cut off."""
    vectors.append(0, encoded(20, 6))
    (vectors.folder / "picture-00002.f16").write_bytes(b"\1" * torn)
    assert vectors.rows() == 20
    vectors.truncate(20)
    assert sizes(vectors) == [10 * ROW, 10 * ROW]
    vectors.append(20, encoded(3, 7))
    assert np.abs(vectors.read(View.PICTURE, np.array([22])) - encoded(3, 7).picture[2]).max() < 1e-3


def test_missing_rows_are_damage(vectors: VectorStore) -> None:
    """Fewer vectors than the catalog names: the error has both numbers, the view and a hint; nothing is cut."""
    vectors.append(0, encoded(25, 8))
    path = vectors.folder / "dialogue-00002.f16"
    path.write_bytes(path.read_bytes()[: 2 * ROW])
    assert vectors.rows() == 22
    with pytest.raises(
        IndexDamaged,
        match=r"vectors: the folder has 22 dialogue vectors; the catalog names 25\nrun `panelseek verify --repair`",
    ):
        vectors.truncate(25)
    with pytest.raises(
        IndexDamaged,
        match=r"dialogue-00002\.f16: the file has 2 vectors; at least 5 were expected\nrun `panelseek verify --repair`",
    ):
        vectors.read(View.DIALOGUE, np.array([24]))
    path.unlink()
    with pytest.raises(IndexDamaged, match=r"dialogue-00002\.f16: the file is missing"):
        VectorStore(vectors.folder, 10).read(View.DIALOGUE, np.array([24]))
    assert np.isfinite(vectors.read(View.DIALOGUE, np.array([19]))).all()


def test_a_reader_sees_what_is_appended(vectors: VectorStore) -> None:
    """A reader whose files are mapped already reads rows that were appended later."""
    data = encoded(8, 9)
    vectors.append(0, data)
    reader = VectorStore(vectors.folder, shard_rows=10)
    before = reader.read(View.PICTURE, np.array([0]))
    vectors.append(8, encoded(9, 10))
    assert np.abs(reader.read(View.PICTURE, np.array([16])) - encoded(9, 10).picture[8]).max() < 1e-3
    assert np.array_equal(reader.read(View.PICTURE, np.array([0])), before)
