"""Tiles of a page for the OCR engine: the page is resized to a legible size, and long strips overlap in tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2

from index_builder.dialogue.assignment import intersection_area
from index_builder.dialogue.lines import Line
from index_builder.panels import long_side
from retrieval.records import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_SIDE, MAX_SIDE = 1200, 2000
"""Pixels of the page's reference side: a smaller page is enlarged for OCR, a larger one reduced."""

_MAX_ENLARGEMENT = 2.0  # more adds blur, no detail
_TILE_SIDE = 2400  # longest side of a tile in pixels
_OVERLAP = 480  # pixels that two tiles share: more than the length of a line of lettering
_CUT_MARGIN = 3  # pixels from a tile's edge within which a line is cut off
_SAME_LINE = 0.6  # share of the smaller of two lines from which they are the same line, seen in two tiles

Recognize = Callable[["NDArray[np.uint8]"], Sequence[Line]]
"""Returns the lines of an image, (H, W, 3) uint8 RGB, in its pixels."""


class Tile(NamedTuple):
    """Part of the resized page: left, top, right, bottom in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def recognize_tiles(page: NDArray[np.uint8], recognize: Recognize) -> list[Line]:
    """Return all lines of a page, (H, W, 3) uint8 RGB, in page pixels and without duplicates."""
    scale = ocr_scale(page.shape)
    image = _resize(page, scale)
    lines: list[Line] = []
    for tile in tiles(image.shape[1], image.shape[0]):
        part = image[tile.top : tile.bottom, tile.left : tile.right]
        shifted = [_shift(line, tile.left, tile.top) for line in recognize(part)]
        lines += [line for line in shifted if not _is_cut(line, tile, image.shape)]
    return [_rescale(line, 1 / scale) for line in drop_duplicates(lines)]


def ocr_scale(shape: tuple[int, ...]) -> float:
    """Return the factor by which a page of `shape` (H, W, ...) is resized for OCR."""
    side = long_side(shape)
    return min(_MAX_ENLARGEMENT, max(MIN_SIDE / side, 1.0)) if side < MIN_SIDE else min(1.0, MAX_SIDE / side)


def tiles(width: int, height: int) -> Iterator[Tile]:
    """Yield overlapping tiles that cover an image along its longer side."""
    side = max(width, height)
    starts = [0] if side <= _TILE_SIDE else range(0, side - _OVERLAP, _TILE_SIDE - _OVERLAP)
    for start in starts:
        end = min(side, start + _TILE_SIDE)
        yield Tile(0, start, width, end) if height >= width else Tile(start, 0, end, height)


def drop_duplicates(lines: Sequence[Line]) -> list[Line]:
    """Return the lines from top to bottom, each once; the longer one of two duplicates is kept."""
    unique: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.length):
        if not any(_are_same(line.box, other.box) for other in unique):
            unique.append(line)
    return sorted(unique, key=lambda line: (line.box.y, line.box.x))


def _are_same(a: Box, b: Box) -> bool:
    return intersection_area(a, b) > _SAME_LINE * min(a.w * a.h, b.w * b.h)


def _is_cut(line: Line, tile: Tile, shape: tuple[int, ...]) -> bool:
    """Return True if an inner edge of a tile cuts the line; the neighbouring tile shows it whole."""
    box = line.box
    return (
        (tile.top > 0 and box.y <= tile.top + _CUT_MARGIN)
        or (tile.left > 0 and box.x <= tile.left + _CUT_MARGIN)
        or (tile.bottom < shape[0] and box.y + box.h >= tile.bottom - _CUT_MARGIN)
        or (tile.right < shape[1] and box.x + box.w >= tile.right - _CUT_MARGIN)
    )


def _resize(page: NDArray[np.uint8], scale: float) -> NDArray[Any]:
    if scale == 1.0:
        return page
    size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
    image: NDArray[Any] = cv2.resize(page, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return image


def _shift(line: Line, x: float, y: float) -> Line:
    return replace(line, corners=tuple((cx + x, cy + y) for cx, cy in line.corners))


def _rescale(line: Line, scale: float) -> Line:
    return replace(line, corners=tuple((x * scale, y * scale) for x, y in line.corners))
