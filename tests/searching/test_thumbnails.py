"""Thumbnails: bounded in size, stored by vector row, and empty for readers if the file is damaged."""

from __future__ import annotations

import io
import sqlite3
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
