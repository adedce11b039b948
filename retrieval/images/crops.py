"""Crops of panels from the image of their page, the same when building and when searching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieval.records import Box

if TYPE_CHECKING:
    from PIL import Image

Edges = tuple[int, int, int, int]
"""left, top, right, bottom in whole page pixels, right and bottom excluded."""

_PILLOW_WARNING_PIXELS = 80_000_000
"""Pixels above which Pillow's own crop warns of a decompression bomb; our limit was checked on reading the page."""


def crop(page: Image.Image, box: Box) -> Image.Image | None:
    """Return the panel's pixels, or None if the box covers no pixel of the page."""
    edges = crop_box_xywh(box, page.width, page.height)
    if edges is None:
        return None
    left, top, right, bottom = edges
    if (right - left) * (bottom - top) > _PILLOW_WARNING_PIXELS:
        from PIL import Image

        return Image.fromarray(np.asarray(page)[top:bottom, left:right])
    return page.crop(edges)


def crop_box_xywh(box: Box, width: int, height: int) -> Edges | None:
    """Return the pixels of a box in page pixels, or None if it covers no pixel of the page.

    The box is clamped by `Box.on_page`; edges are then rounded half to even, as Pillow's crop does.
    """
    clamped = box.on_page(width, height)
    if clamped is None:
        return None
    right, bottom = clamped.x + clamped.w, clamped.y + clamped.h
    return _edges(round(clamped.x), round(clamped.y), round(right), round(bottom))


def crop_box_2d(box_2d: Sequence[float], width: int, height: int) -> Edges | None:
    """Return the pixels of a box [y1, x1, y2, x2] on a 0..1000 page, or None if it covers no pixel of the page.

    Each edge is scaled, truncated toward zero, then clamped. Reproduces the crops that the published VLM loader gave
    the encoder in training, which the golden tests compare. Annotated boxes become pixels when they are read.
    """
    y1, x1, y2, x2 = box_2d
    left, right = (min(max(int(x / 1000 * width), 0), width) for x in (x1, x2))
    top, bottom = (min(max(int(y / 1000 * height), 0), height) for y in (y1, y2))
    return _edges(left, top, right, bottom)


def _edges(left: int, top: int, right: int, bottom: int) -> Edges | None:
    return (left, top, right, bottom) if right > left and bottom > top else None
