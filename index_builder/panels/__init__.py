"""A page -> the boxes of its panels in reading order, and how far they can be trusted."""

from __future__ import annotations

from index_builder.panels.detector import FINDER, Outcome, examine, find_panels
from index_builder.panels.order import reading_order

__all__ = ["FINDER", "Outcome", "examine", "find_panels", "reading_order"]
