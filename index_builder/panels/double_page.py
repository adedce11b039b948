"""Two pages in one picture: the panels of one page are read before those of the other."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from index_builder.panels.rects import Rect

_WIDE = (1.15, 1.8)
"""Width in heights of a picture that may be two pages side by side."""

_MIDDLE = 0.03
"""How far from the middle, in widths, the pages may meet."""

_WIDER = 1.3
"""The gap between pages is two margins: so many times as wide as gutters, and as a margin."""


def halves(rects: Sequence[Rect], width: int, height: int) -> tuple[list[Rect], list[Rect]] | None:
    """The panels of the left and the right page, None where the picture is one page. Rects are (x0, y0, x1, y1)."""
    if not _WIDE[0] * height <= width <= _WIDE[1] * height:
        return None
    left = [rect for rect in rects if rect[2] <= width * (0.5 + _MIDDLE)]
    right = [rect for rect in rects if rect[0] >= width * (0.5 - _MIDDLE)]
    if not left or not right or len(left) + len(right) != len(rects):
        return None
    ends, begins = max(rect[2] for rect in left), min(rect[0] for rect in right)
    margin = (min(rect[0] for rect in left) + width - max(rect[2] for rect in right)) / 2
    usual = max([margin, *_gutters(left), *_gutters(right)])
    if begins - ends < _WIDER * usual or abs((ends + begins) / 2 - width / 2) > _MIDDLE * width:
        return None
    return left, right


def _gutters(rects: Sequence[Rect]) -> list[float]:
    """The usual gap between the panels of one page, across and down; [] where there are none."""
    gaps = [*_gaps(rects, 0), *_gaps(rects, 1)]
    return [median(gaps)] if gaps else []


def _gaps(rects: Sequence[Rect], axis: int) -> list[int]:
    """Widths of the lines along an axis that no panel crosses."""
    found, end = [], None
    for rect in sorted(rects, key=lambda rect: rect[axis]):
        if end is not None and rect[axis] > end:
            found.append(rect[axis] - end)
        end = rect[axis + 2] if end is None else max(end, rect[axis + 2])
    return found
