"""Assignment of text boxes to panels, for OCR text and for annotated text boxes without a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from index_builder.panels import reading_order
from retrieval.records import Box

_NEARLY_ALL = 0.9
"""Fraction of the largest overlap from which another panel counts as equally good. Insets share all of their area."""


class HasBox(Protocol):
    """An item with a box in page pixels, such as a balloon or an annotated text."""

    @property
    def box(self) -> Box: ...


Item = TypeVar("Item", bound=HasBox)


def find_panel(box: Box, panels: Sequence[Box]) -> int | None:
    """Return the index of the panel with the largest overlap, else of the nearest one; None without panels.

    Of panels with about the same overlap, the smallest is returned: text in an inset does not belong to the panel
    around it.
    """
    if not panels:
        return None
    overlaps = [intersection_area(box, panel) for panel in panels]
    largest = max(overlaps)
    if largest <= 0:
        return min(range(len(panels)), key=lambda i: (box_distance(box, panels[i]), i))
    candidates = [i for i, overlap in enumerate(overlaps) if overlap >= _NEARLY_ALL * largest]
    return min(candidates, key=lambda i: (panels[i].w * panels[i].h, i))


def assign_to_panels(
    items: Sequence[Item], panels: Sequence[Box], *, right_to_left: bool = False
) -> list[tuple[Item, ...]]:
    """Return the items of each panel in reading order; all boxes are in page pixels.

    Every item is assigned to exactly one panel. Items with equal boxes keep their order. Without panels the result is
    empty.
    """
    assigned: list[list[Item]] = [[] for _ in panels]
    for item in items:
        index = find_panel(item.box, panels)
        if index is not None:
            assigned[index].append(item)
    return [tuple(sort_by_reading_order(group, right_to_left=right_to_left)) for group in assigned]


def sort_by_reading_order(items: Sequence[Item], *, right_to_left: bool = False) -> list[Item]:
    """Sort items into reading order; items with equal boxes keep their order."""
    by_rect: dict[tuple[int, int, int, int], list[Item]] = {}
    for item in items:
        by_rect.setdefault(_to_rect(item.box), []).append(item)
    ordered = reading_order(sorted(by_rect), right_to_left=right_to_left)
    return [item for rect in ordered for item in by_rect[rect]]


def intersection_area(a: Box, b: Box) -> float:
    """Return the area in square pixels that lies in both boxes."""
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(0.0, w) * max(0.0, h)


def box_distance(a: Box, b: Box) -> float:
    """Return the distance between two boxes in pixels, 0 if they touch."""
    w = max(a.x, b.x) - min(a.x + a.w, b.x + b.w)
    h = max(a.y, b.y) - min(a.y + a.h, b.y + b.h)
    return float((max(0.0, w) ** 2 + max(0.0, h) ** 2) ** 0.5)


def _to_rect(box: Box) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in whole pixels, at least one pixel wide and high."""
    left, top = round(box.x), round(box.y)
    return left, top, max(left + 1, round(box.x + box.w)), max(top + 1, round(box.y + box.h))
