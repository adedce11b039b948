"""Rectangles in working pixels, and the page side that sizes are relative to."""

from __future__ import annotations

Rect = tuple[int, int, int, int]
"""left, top, right, bottom in working pixels; right and bottom are exclusive."""


def long_side(shape: tuple[int, ...]) -> float:
    """Return the reference side in pixels of an image of `shape` (H, W, ...).

    The longer side, but at most 1.5 times the shorter one. Sizes on a long strip are therefore relative to its width.
    """
    return min(max(shape[:2]), 1.5 * min(shape[:2]))


def area(r: Rect) -> int:
    """Return the area in square pixels, 0 for an empty rectangle."""
    return max(0, r[2] - r[0]) * max(0, r[3] - r[1])


def intersection_area(a: Rect, b: Rect) -> int:
    """Return the area in square pixels that lies in both rectangles."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def union(a: Rect, b: Rect) -> Rect:
    """Return the smallest rectangle that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
