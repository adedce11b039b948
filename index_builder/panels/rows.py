"""Panels of a row made as tall as their neighbours where something of the gutter's colour hides their edge.

A balloon or a caption that runs into the gutter, or a plain sky, leaves a box too short; the row shows how tall it is.
"""

from __future__ import annotations

from index_builder.panels.rects import Rect, long_side, overlap

_ALIKE = 0.012  # edges that differ less, as a fraction of the page's longer side, are one line
_TALL = 0.35  # a box at least this tall beside its neighbour may be a part of a panel
_BESIDE = 0.1  # neighbours are at most this far apart, as a fraction of the page's shorter side


def completed(rects: list[Rect], shape: tuple[int, ...]) -> list[Rect]:
    """The rectangles of a page of `shape` (H, W), in the same order, short ones grown where nothing is in the way."""
    near, far = _ALIKE * long_side(shape), _BESIDE * min(shape[:2])
    grown = list(rects)
    for place, rect in enumerate(rects):
        others = [*grown[:place], *grown[place + 1 :]]
        for other in others:
            taller = _as_tall(rect, other, near, far)
            if taller is not None and not any(overlap(taller, o) for o in others if not overlap(rect, o)):
                rect = grown[place] = taller
    return grown


def _as_tall(rect: Rect, other: Rect, near: float, far: float) -> Rect | None:
    """`rect` with the top or bottom of a neighbour whose other edge it shares; None where they are no such row."""
    left, top, right, bottom = rect
    apart = max(other[0] - right, left - other[2])
    if not 0 <= apart <= far or bottom - top < _TALL * (other[3] - other[1]):
        return None
    if abs(bottom - other[3]) <= near and top > other[1] + near:
        return left, other[1], right, bottom
    if abs(top - other[1]) <= near and bottom < other[3] - near:
        return left, top, right, other[3]
    return None
