"""A page -> pictures in which an engine finds the lettering: at reading size, long strips in overlapping pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2

from index_builder.dialogue.assignment import common
from index_builder.dialogue.lines import Line
from index_builder.panels.rects import long_side
from retrieval.records import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES = (1200, 2000)
"""Pixels along the longer side of an ordinary page: a smaller page is enlarged, a larger one reduced."""

_ENLARGE = 2.0  # at most: beyond that there are no more letters to see, only larger blur
_PIECE = 2400  # pixels of the longest side that is read at once
_SHARED = 480  # pixels that two pieces share, along the longest side: more than a line of lettering
_RIM = 3  # pixels: a line this near to a cut goes on behind it
_SAME = 0.6  # of the smaller of two lines is shared: they are one, seen in two pieces

Read = Callable[["NDArray[np.uint8]"], Sequence[Line]]


class Piece(NamedTuple):
    """Part of a page in reading pixels: left, top, right, bottom."""

    left: int
    top: int
    right: int
    bottom: int


def read_page_lines(page: NDArray[np.uint8], read: Read) -> list[Line]:
    """All lines of a page (H, W, 3) uint8 RGB, in page pixels, each once."""
    scale = reading_scale(page.shape)
    picture = _resized(page, scale)
    found: list[Line] = []
    for piece in pieces(picture.shape[1], picture.shape[0]):
        part = picture[piece.top : piece.bottom, piece.left : piece.right]
        lines = [_moved(line, piece.left, piece.top) for line in read(part)]
        found += [line for line in lines if not _cut(line, piece, picture.shape)]
    return [_scaled(line, 1 / scale) for line in without_twins(found)]


def reading_scale(shape: tuple[int, ...]) -> float:
    """What a page is enlarged by before it is read."""
    side = long_side(shape)
    return min(_ENLARGE, max(SIZES[0] / side, 1.0)) if side < SIZES[0] else min(1.0, SIZES[1] / side)


def pieces(width: int, height: int) -> Iterator[Piece]:
    """Pieces that cover a picture, along its longer side; neighbours share a strip."""
    along = max(width, height)
    starts = [0] if along <= _PIECE else range(0, along - _SHARED, _PIECE - _SHARED)
    for start in starts:
        end = min(along, start + _PIECE)
        yield Piece(0, start, width, end) if height >= width else Piece(start, 0, end, height)


def without_twins(lines: Sequence[Line]) -> list[Line]:
    """Lines that were seen in two pieces stand once; the longer reading stays."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda found: -found.length):
        if not any(_same(line.box, other.box) for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda found: (found.box.y, found.box.x))


def _same(a: Box, b: Box) -> bool:
    return common(a, b) > _SAME * min(a.w * a.h, b.w * b.h)


def _cut(line: Line, piece: Piece, shape: tuple[int, ...]) -> bool:
    """Whether the edge of a piece, where it is not the edge of the page, cuts the line: its neighbour has it whole."""
    box = line.box
    return (
        (piece.top > 0 and box.y <= piece.top + _RIM)
        or (piece.left > 0 and box.x <= piece.left + _RIM)
        or (piece.bottom < shape[0] and box.y + box.h >= piece.bottom - _RIM)
        or (piece.right < shape[1] and box.x + box.w >= piece.right - _RIM)
    )


def _resized(page: NDArray[np.uint8], scale: float) -> NDArray[Any]:
    if scale == 1.0:
        return page
    size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
    picture: NDArray[Any] = cv2.resize(page, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return picture


def _moved(line: Line, x: float, y: float) -> Line:
    return replace(line, corners=tuple((cx + x, cy + y) for cx, cy in line.corners))


def _scaled(line: Line, scale: float) -> Line:
    return replace(line, corners=tuple((x * scale, y * scale) for x, y in line.corners))
