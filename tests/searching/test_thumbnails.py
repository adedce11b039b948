"""Thumbnails: bounded in size, stored by vector row, and empty for readers if the file is damaged."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.images.thumbnail import SIDE, encode_thumbnail
from retrieval.store.thumbnails import Thumbnails


@pytest.mark.parametrize("size", [(640, 480), (100, 2000), (3000, 10), (320, 320), (5, 7), (1, 1)])
def test_the_longest_side_is_bounded(size: tuple[int, int]) -> None:
    """At most 320 px, never enlarged, of the same shape; the image itself is unchanged."""
    image = Image.new("RGB", size, (200, 10, 10))
    small = Image.open(io.BytesIO(encode_thumbnail(image)))
    assert small.format == "WEBP"
    assert max(small.size) == min(SIDE, max(size))
    assert small.width / small.height == pytest.approx(size[0] / size[1], rel=0.2) or min(small.size) == 1
    assert image.size == size
    assert np.abs(np.asarray(small.convert("RGB")).mean((0, 1)) - (200, 10, 10)).max() < 12


def test_stored_by_row(tmp_path: Path) -> None:
    """Thumbnails are stored, replaced and removed by row; missing ones are None."""
    store = Thumbnails(tmp_path)
    assert (store.get(1), store.stored_rows()) == (None, set())
    store.remove([1])
    store.put([(1, b"one"), (2, b"two")])
    store.put([(2, b"TWO"), (3, b"three")])
    assert (store.get(1), store.get(2), store.get(4)) == (b"one", b"TWO", None)
    store.remove([1, 9])
    assert (store.get(1), store.stored_rows()) == (None, {2, 3})
    store.clear()
    assert store.get(2) is None


def test_keypoints_go_where_their_thumbnails_go(tmp_path: Path) -> None:
    """They are stored, copied, replaced and removed with the thumbnail of their row."""
    store = Thumbnails(tmp_path)
    store.put([(1, b"one"), (2, b"two"), (3, b"three")], [(1, b"k1"), (2, b"k2"), (3, b"k3")])
    assert store.get_keypoints([1, 2, 9]) == {1: b"k1", 2: b"k2"}
    store.copy([(1, 7), (2, 8)])
    store.put([(2, b"TWO")])
    store.remove([3])
    assert store.read_keypoints(range(10)) == {1: b"k1", 7: b"k1", 8: b"k2"}
    assert store.keypoint_rows() == {1, 7, 8}
    store.truncate(7)
    assert (store.keypoint_rows(), store.stored_rows()) == ({1}, {1, 2})


def test_a_file_of_an_earlier_release_has_no_keypoints(tmp_path: Path) -> None:
    """It is read as before, and gets keypoints with the next thumbnails."""
    store = Thumbnails(tmp_path)
    store.put([(1, b"one")])
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("DROP TABLE keypoints")
    assert (store.get_keypoints([1]), store.read_keypoints([1]), store.keypoint_rows()) == ({}, {}, set())
    assert store.get(1) == b"one"
    store.put([(2, b"two")], [(2, b"k2")])
    assert store.get_keypoints([1, 2]) == {2: b"k2"}


def test_damaged_keypoints_count_as_missing(tmp_path: Path) -> None:
    """Altered and exchanged ones do; their thumbnails stay."""
    store = Thumbnails(tmp_path)
    store.put([(n, b"webp") for n in range(4)], [(n, b"k%d" % n) for n in range(4)])
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("UPDATE keypoints SET packed = x'00' WHERE row = 0")
        file.execute("UPDATE keypoints SET row = 9 WHERE row = 1")
        file.execute("UPDATE keypoints SET row = 1 WHERE row = 2")
    assert store.get_keypoints(range(10)) == {3: b"k3"}
    assert set(store.get_many(range(10))) == {0, 1, 2, 3}


def test_a_damaged_file_reads_as_empty(tmp_path: Path) -> None:
    """`get` returns None, `stored_rows` raises, and the file can be written again."""
    store = Thumbnails(tmp_path)
    store.put([(1, b"one")])
    store.clear()
    store.path.write_bytes(b"x" * 4096)
    assert store.get(1) is None
    with pytest.raises(sqlite3.DatabaseError):
        store.stored_rows()
    store.clear()
    store.put([(1, b"one")])
    assert store.get(1) == b"one"
