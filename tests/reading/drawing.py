"""Small images and comic pages, drawn by the tests that need them."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image


def picture_bytes(kind: str = "PNG", size: tuple[int, int] = (6, 4), mode: str = "RGB", **save: object) -> bytes:
    """Return an encoded image of one colour."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **save)
    return buffer.getvalue()


PNG = picture_bytes()


def drawn_page(
    boxes: Iterable[tuple[int, int, int, int]],
    size: tuple[int, int] = (800, 1200),
    gutter: tuple[int, int, int] = (255, 255, 255),
    frame: tuple[int, int, int] = (0, 0, 0),
) -> np.ndarray:
    """Return a page (H, W, 3) with noisy images in `boxes` (x, y, w, h) on a plain gutter."""
    random = np.random.default_rng(7)
    page = np.empty((size[1], size[0], 3), np.uint8)
    page[:] = gutter
    for x, y, w, h in boxes:
        blocks = random.integers(60, 200, (h // 20 + 1, w // 20 + 1, 3), np.uint8)
        page[y : y + h, x : x + w] = frame
        page[y + 3 : y + h - 3, x + 3 : x + w - 3] = blocks.repeat(20, 0).repeat(20, 1)[: h - 6, : w - 6]
    return page
