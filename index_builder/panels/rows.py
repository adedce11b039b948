"""Height repair: panels of a row become as tall as their neighbours.

A balloon or caption that runs into the gutter, or a plain sky, hides the edge of a panel and leaves its box too short.
The neighbours in the row show the real height.
"""

from __future__ import annotations

from index_builder.panels.rects import Rect, intersection_area, long_side

_SAME_LINE = 0.012  # two edges are aligned if they differ by less, as a fraction of the reference side
_MIN_HEIGHT = 0.35  # height of a box, as a fraction of its neighbour's, from which it may be part of a panel
_MAX_GAP = 0.1  # largest gap between neighbours, as a fraction of the page's shorter side


def extend_to_rows(rects: list[Rect], shape: tuple[int, ...]) -> list[Rect]:
    """Return the rectangles in the same order, short ones extended if that covers no other panel.

    shape: (H, W) of the page in working pixels.
    """
    tolerance, max_gap = _SAME_LINE * long_side(shape), _MAX_GAP * min(shape[:2])
    extended = list(rects)
    for i, rect in enumerate(rects):
        others = [*extended[:i], *extended[i + 1 :]]
        for other in others:
            taller = _match_height(rect, other, tolerance, max_gap)
            if taller is not None and not any(
                intersection_area(taller, o) for o in others if not intersection_area(rect, o)
            ):
                rect = extended[i] = taller
    return extended


def _match_height(rect: Rect, other: Rect, tolerance: float, max_gap: float) -> Rect | None:
    """Return `rect` extended to the height of its neighbour `other`; None unless one edge of both is aligned."""
    left, top, right, bottom = rect
    gap = max(other[0] - right, left - other[2])
    if not 0 <= gap <= max_gap or bottom - top < _MIN_HEIGHT * (other[3] - other[1]):
        return None
    if abs(bottom - other[3]) <= tolerance and top > other[1] + tolerance:
        return left, other[1], right, bottom
    if abs(top - other[1]) <= tolerance and bottom < other[3] - tolerance:
        return left, top, right, other[3]
    return None
