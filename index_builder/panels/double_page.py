"""Double pages: two pages in one image, read one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from index_builder.panels.rects import Rect

_ASPECT_RATIO = (1.15, 1.8)
"""Width divided by height of an image that may show two pages side by side."""

_MAX_OFF_CENTRE = 0.03
"""Largest distance of the fold from the middle, as a fraction of the width."""

_MIN_FOLD = 1.3
"""Smallest gap at the fold, as a multiple of gutters and of the margin: two margins meet there."""


def split_double_page(rects: Sequence[Rect], width: int, height: int) -> tuple[list[Rect], list[Rect]] | None:
    """Return the panels of the left and of the right page; None if the image shows a single page."""
    if not _ASPECT_RATIO[0] * height <= width <= _ASPECT_RATIO[1] * height:
        return None
    left = [rect for rect in rects if rect[2] <= width * (0.5 + _MAX_OFF_CENTRE)]
    right = [rect for rect in rects if rect[0] >= width * (0.5 - _MAX_OFF_CENTRE)]
    if not left or not right or len(left) + len(right) != len(rects):
        return None
    ends, begins = max(rect[2] for rect in left), min(rect[0] for rect in right)
    margin = (min(rect[0] for rect in left) + width - max(rect[2] for rect in right)) / 2
    gap = max([margin, *_median_gutter(left), *_median_gutter(right)])
    if begins - ends < _MIN_FOLD * gap or abs((ends + begins) / 2 - width / 2) > _MAX_OFF_CENTRE * width:
        return None
    return left, right


def _median_gutter(rects: Sequence[Rect]) -> list[float]:
    """Return the median gutter width of one page, both directions together; [] if it has no gutters."""
    gaps = [*_gaps(rects, 0), *_gaps(rects, 1)]
    return [median(gaps)] if gaps else []


def _gaps(rects: Sequence[Rect], axis: int) -> list[int]:
    """Return the widths of the bands across `axis` that no panel touches."""
    gaps: list[int] = []
    end = None
    for rect in sorted(rects, key=lambda rect: rect[axis]):
        if end is not None and rect[axis] > end:
            gaps.append(rect[axis] - end)
        end = rect[axis + 2] if end is None else max(end, rect[axis + 2])
    return gaps
