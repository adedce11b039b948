"""Rectangles of working pixels, and what sizes are measured by."""

from __future__ import annotations

Rect = tuple[int, int, int, int]
"""left, top, right, bottom in working pixels; right and bottom lie outside."""


def long_side(shape: tuple[int, ...]) -> float:
    """The longer side of an ordinary page of this width: what sizes are measured by, also on long strips."""
    return min(max(shape[:2]), 1.5 * min(shape[:2]))


def area(r: Rect) -> int:
    return max(0, r[2] - r[0]) * max(0, r[3] - r[1])


def overlap(a: Rect, b: Rect) -> int:
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def union(a: Rect, b: Rect) -> Rect:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
