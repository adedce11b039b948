"""Panel detection: a page -> the boxes of its panels in reading order, with a confidence."""

from __future__ import annotations

from index_builder.panels.detector import DETECTOR_VERSION, PanelDetection, detect_panels
from index_builder.panels.order import reading_order
from index_builder.panels.rects import long_side

__all__ = ["DETECTOR_VERSION", "PanelDetection", "detect_panels", "long_side", "reading_order"]
