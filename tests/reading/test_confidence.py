"""Detection confidence: high for clear grids, and each sign of misplaced gutters is named."""

from __future__ import annotations

import numpy as np
import pytest

from index_builder.panels import detect_panels
from index_builder.panels.confidence import detection_confidence
from index_builder.panels.rects import Rect
from tests.reading.drawing import drawn_page

GRID = [(x, y, 350, 350) for y in (40, 420, 800) for x in (40, 410)]


def drawn(*rects: Rect) -> np.ndarray:
    """Return a (100, 100) content mask in which these rectangles are filled."""
    content = np.zeros((100, 100), np.uint8)
    for left, top, right, bottom in rects:
        content[top:bottom, left:right] = 1
    return content


def test_a_clear_grid() -> None:
    """Separate framed panels full of drawing have a high confidence."""
    detection = detect_panels(drawn_page(GRID))
    assert detection.confidence > 0.9
    assert not detection.low_confidence


@pytest.mark.parametrize(
    ("rects", "content", "expected", "reason"),
    [
        ([(0, 0, 40, 100), (60, 0, 100, 100)], drawn((0, 0, 40, 100), (60, 0, 100, 100)), 1.0, ""),
        # 10 x 2 of 10,000 pixels lie in both boxes: 0.002, the limit is 0.005
        ([(0, 0, 51, 10), (49, 0, 100, 10)], drawn((0, 0, 100, 10)), 0.8, "panels overlap"),
        ([(0, 0, 60, 100), (40, 0, 100, 100)], drawn((0, 0, 100, 100)), 0.0, "panels overlap"),
        # a quarter of the box is gutter, the limit is 0.35; its rim is drawn
        ([(0, 0, 100, 100)], drawn((0, 0, 100, 100)) - drawn((25, 25, 75, 75)), 1 - 0.125 / 0.35, "is gutter"),
        ([(0, 0, 100, 100)], drawn((40, 40, 60, 60)), 0.0, "is gutter"),
        ([], drawn(), 0.0, "no panels stand out"),
    ],
)
def test_signs(rects: list[Rect], content: np.ndarray, expected: float, reason: str) -> None:
    """Each sign counts relative to its limit, and the worst one decides."""
    confidence, strongest = detection_confidence(rects, content)
    assert confidence == pytest.approx(expected)
    assert reason in strongest


@pytest.mark.parametrize(("width", "low_confidence"), [(800, False), (600, True)])
def test_one_large_panel_stands_for_its_page(width: int, low_confidence: bool) -> None:
    """A page that is nearly one panel is not indexed twice, even if the confidence is low."""
    page = drawn_page([(0, 0, width, 1050)])
    page[1080:1100, 60:740] = page[1100:1180, 380:420] = 0  # a figure without a frame
    detection = detect_panels(page)
    assert len(detection.boxes) == 2
    assert detection.confidence < 0.5
    assert detection.low_confidence is low_confidence
