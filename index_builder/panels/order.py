"""The order in which panels are read."""

from __future__ import annotations

import itertools

from index_builder.panels.rects import Rect

_SLACK = 0.25  # overlap, as a fraction of the shortest side, that does not spoil a row or column


def reading_order(rects: list[Rect], *, right_to_left: bool = False) -> list[Rect]:
    """Rows first, then columns, again inside each part; where neither is clean, along the cleaner of both."""
    if len(rects) <= 1:
        return rects
    rows, columns = _division(rects, 1), _division(rects, 0)
    by_rows = rows[0] <= _SLACK or (columns[0] > _SLACK and rows[0] <= columns[0])
    first, second = (rows if by_rows else columns)[1:]
    if right_to_left and not by_rows:
        first, second = second, first
    return [rect for part in (first, second) for rect in reading_order(part, right_to_left=right_to_left)]


def _division(rects: list[Rect], axis: int) -> tuple[float, list[Rect], list[Rect]]:
    """The cleanest split in two along an axis (0: columns, 1: rows).

    Its overlap comes first, as a fraction of the shortest side: 0 or less when a line passes between.
    """
    ordered = sorted(rects, key=lambda r: (r[axis] + r[axis + 2], r))
    side = min(r[axis + 2] - r[axis] for r in rects)
    ends = itertools.accumulate((r[axis + 2] for r in ordered), max)
    starts = [*itertools.accumulate((r[axis] for r in reversed(ordered)), min)][-2::-1]
    overlaps = [(end - start) / side for end, start in zip(ends, starts, strict=False)]
    place = overlaps.index(min(overlaps))
    return overlaps[place], ordered[: place + 1], ordered[place + 1 :]
