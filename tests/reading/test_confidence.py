"""Confidence in found panels: clear grids are trusted, and each sign of misread gutters is named."""

from __future__ import annotations

import numpy as np
import pytest

from index_builder.panels import examine
from index_builder.panels.confidence import confidence
from index_builder.panels.rects import Rect
from tests.reading.drawing import drawn_page

GRID = [(x, y, 350, 350) for y in (40, 420, 800) for x in (40, 410)]


def drawn(*rects: Rect) -> np.ndarray:
    """(100, 100) content with these rectangles drawn full."""
    content = np.zeros((100, 100), np.uint8)
    for left, top, right, bottom in rects:
        content[top:bottom, left:right] = 1
    return content


def test_a_clear_grid() -> None:
    """Framed panels full of drawing, apart from each other, are trusted."""
    outcome = examine(drawn_page(GRID))
    assert outcome.confidence > 0.9
    assert not outcome.doubtful


@pytest.mark.parametrize(
    ("rects", "content", "trust", "reason"),
    [
        ([(0, 0, 40, 100), (60, 0, 100, 100)], drawn((0, 0, 40, 100), (60, 0, 100, 100)), 1.0, ""),
        # 10 x 2 of 10,000 pixels lie in both: 0.002 of the 0.005 that are too much
        ([(0, 0, 51, 10), (49, 0, 100, 10)], drawn((0, 0, 100, 10)), 0.8, "panels lie over each other"),
        ([(0, 0, 60, 100), (40, 0, 100, 100)], drawn((0, 0, 100, 100)), 0.0, "panels lie over each other"),
        # a quarter of the box is gutter, of the 0.35 that are too much; its rim is drawn on
        ([(0, 0, 100, 100)], drawn((0, 0, 100, 100)) - drawn((25, 25, 75, 75)), 1 - 0.125 / 0.35, "is gutter"),
        ([(0, 0, 100, 100)], drawn((40, 40, 60, 60)), 0.0, "is gutter"),
        ([], drawn(), 0.0, "no panels stand out"),
    ],
)
def test_signs(rects: list[Rect], content: np.ndarray, trust: float, reason: str) -> None:
    """Each sign counts as a fraction of what is too much of it, and the worst one decides."""
    found, why = confidence(rects, content)
    assert found == pytest.approx(trust)
    assert reason in why


@pytest.mark.parametrize(("width", "doubtful"), [(800, False), (600, True)])
def test_one_large_panel_stands_for_its_page(width: int, doubtful: bool) -> None:
    """A page that is nearly one panel is not kept twice, whatever is thought of what else was found."""
    page = drawn_page([(0, 0, width, 1050)])
    page[1080:1100, 60:740] = page[1100:1180, 380:420] = 0  # a figure without a frame
    outcome = examine(page)
    assert len(outcome.boxes) == 2
    assert outcome.confidence < 0.5
    assert outcome.doubtful is doubtful
