"""Reading order of rectangles."""

from __future__ import annotations

import itertools

from index_builder.panels.rects import Rect

_MAX_OVERLAP = 0.25
"""Largest overlap at a cut between rows or columns, as a fraction of the shortest side. Slanted panels overlap."""


def reading_order(rects: list[Rect], *, right_to_left: bool = False) -> list[Rect]:
    """Sort rectangles into reading order: rows first, then columns, recursively.

    If neither cut is clean, the cleaner one is taken.
    """
    if len(rects) <= 1:
        return rects
    rows, columns = _best_cut(rects, 1), _best_cut(rects, 0)
    by_rows = rows[0] <= _MAX_OVERLAP or (columns[0] > _MAX_OVERLAP and rows[0] <= columns[0])
    first, second = (rows if by_rows else columns)[1:]
    if right_to_left and not by_rows:
        first, second = second, first
    return [rect for part in (first, second) for rect in reading_order(part, right_to_left=right_to_left)]


def _best_cut(rects: list[Rect], axis: int) -> tuple[float, list[Rect], list[Rect]]:
    """Return (overlap, first part, second part) of the cleanest cut along `axis` (0: columns, 1: rows).

    overlap: as a fraction of the shortest side, 0 or less if a straight line separates the parts.
    """
    ordered = sorted(rects, key=lambda r: (r[axis] + r[axis + 2], r))
    side = min(r[axis + 2] - r[axis] for r in rects)
    ends = itertools.accumulate((r[axis + 2] for r in ordered), max)
    starts = [*itertools.accumulate((r[axis] for r in reversed(ordered)), min)][-2::-1]
    overlaps = [(end - start) / side for end, start in zip(ends, starts, strict=False)]
    cut = overlaps.index(min(overlaps))
    return overlaps[cut], ordered[: cut + 1], ordered[cut + 1 :]
