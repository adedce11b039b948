"""Confidence of a panel detection: the worst of three signs of gutters in the wrong place.

`benchmarks/panel_detector.py` measures how many wrong pages a low confidence catches, and how many right ones.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from index_builder.panels.rects import Rect, intersection_area
from index_builder.panels.segment import frame_coverage

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_CONFIDENCE = 0.5
"""Confidence, 0-1, below which a detection counts as low-confidence. Each sign reaches it at its limit below."""

_MAX_GUTTER = 0.35  # share of a panel's box that is gutter; more is a loose figure, or half a panel with its margin
_MAX_OVERLAP = 0.005  # share of the page that lies in two boxes; more is a panel cut in two, or an inset
_MAX_UNFRAMED = 0.6  # share of a panel's inner rim without drawing


def detection_confidence(rects: list[Rect], content: NDArray[np.uint8]) -> tuple[float, str]:
    """Return the confidence of `rects`, 0-1, and the strongest sign against them as a sentence part.

    content: (H, W) mask, 1 for drawing and 0 for gutter. A sign that is absent gives 1, a sign at its limit 0.5, and
    a sign at twice its limit 0. Without rectangles the confidence is 0.
    """
    if not rects:
        return 0.0, "no panels stand out"
    worst, reason = max((amount / limit, reason) for amount, limit, reason in _signs(rects, content))
    return max(0.0, 1 - (1 - MIN_CONFIDENCE) * worst), reason


def _signs(rects: list[Rect], content: NDArray[np.uint8]) -> list[tuple[float, float, str]]:
    """Return (amount, limit, reason) of each sign; amounts and limits are shares, 0-1."""
    gutter = max(1 - float(content[top:bottom, left:right].mean()) for left, top, right, bottom in rects)
    overlap = sum(intersection_area(a, b) for a, b in itertools.combinations(rects, 2)) / content.size
    unframed = 1 - min(frame_coverage(rect, content) for rect in rects)
    return [
        (gutter, _MAX_GUTTER, "much of a panel is gutter"),
        (overlap, _MAX_OVERLAP, "panels overlap"),
        (unframed, _MAX_UNFRAMED, "the edges of a panel are not drawn"),
    ]
