"""Lettering as an engine reads it: lines, and balloons made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from retrieval.records import Box

_UPRIGHT = 1.5
"""A line taller than this many widths runs from top to bottom."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of lettering. corners: (x, y) in page pixels, clockwise from where reading begins; score: 0-1."""

    corners: tuple[tuple[float, float], ...]
    text: str
    score: float

    @property
    def box(self) -> Box:
        """The upright box around the line."""
        xs, ys = zip(*self.corners, strict=True)
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    @property
    def length(self) -> float:
        """Along the writing, in page pixels."""
        return max(self._sides())

    @property
    def height(self) -> float:
        """Across the writing, in page pixels: letters with a little air around them."""
        return min(self._sides())

    @property
    def slant(self) -> float:
        """Degrees between the line and the nearer of horizontal and vertical, 0-45."""
        (ax, ay), (bx, by) = self.corners[:2]
        turned = abs(math.degrees(math.atan2(by - ay, bx - ax))) % 90
        return min(turned, 90 - turned)

    @property
    def vertical(self) -> bool:
        """Whether it runs from top to bottom."""
        return self.box.h > _UPRIGHT * self.box.w

    def _sides(self) -> tuple[float, float]:
        a, b, c, d = self.corners
        return (math.dist(a, b) + math.dist(c, d)) / 2, (math.dist(b, c) + math.dist(d, a)) / 2

    def as_row(self) -> list[Any]:
        """Ready for JSON, and back with `from_row`."""
        return [[[round(x, 1), round(y, 1)] for x, y in self.corners], self.text, round(self.score, 4)]

    @classmethod
    def from_row(cls, row: list[Any]) -> Line:
        corners, text, score = row
        return cls(tuple((float(x), float(y)) for x, y in corners), str(text), float(score))


def around(boxes: list[Box]) -> Box:
    """The smallest box that holds all of them; there is at least one."""
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.x + b.w for b in boxes), max(b.y + b.h for b in boxes)
    return Box(left, top, right - left, bottom - top)
