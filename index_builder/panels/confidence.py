"""How far the panels found on a page can be trusted: signs that gutters were misread, the worst of which decides.

How many wrong pages that catches, and how many right ones with them, is measured by `benchmarks/panel_finder.py`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from index_builder.panels.rects import Rect, overlap
from index_builder.panels.segment import framing

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOUBT = 0.5
"""Below this confidence panels are doubtful."""

_LEAK = 0.35  # share of a panel's box that gutter fills: a figure, or half a panel, with its surroundings
_OVERLAP = 0.005  # share of the page on which two boxes lie: a panel cut through, or an inset
_UNFRAMED = 0.6  # share of a panel's inner rim that shows no drawing


def confidence(rects: list[Rect], content: NDArray[np.uint8]) -> tuple[float, str]:
    """How far `rects` can be trusted, 0-1, and what speaks against them most, in words.

    `content` is (H, W), 1 where the page is drawn on and 0 in gutters. Each sign counts as a fraction of what is too
    much of it: nothing of it is 1, as much as that 0.5, and twice as much 0. Without any panel there is nothing to
    trust: 0.
    """
    if not rects:
        return 0.0, "no panels stand out"
    worst, reason = max((amount / much, reason) for amount, much, reason in _signs(rects, content))
    return max(0.0, 1 - (1 - DOUBT) * worst), reason


def _signs(rects: list[Rect], content: NDArray[np.uint8]) -> list[tuple[float, float, str]]:
    """(amount, what is too much of it, what it means) of each sign, all shares 0-1."""
    leaks = max(1 - float(content[top:bottom, left:right].mean()) for left, top, right, bottom in rects)
    shared = sum(overlap(one, other) for one, other in itertools.combinations(rects, 2)) / content.size
    unframed = 1 - min(framing(rect, content) for rect in rects)
    return [
        (leaks, _LEAK, "much of a panel is gutter"),
        (shared, _OVERLAP, "panels lie over each other"),
        (unframed, _UNFRAMED, "the edges of a panel are not drawn"),
    ]
