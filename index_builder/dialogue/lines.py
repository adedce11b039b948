"""OCR lines of a page, and the result of one OCR run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from retrieval.records import Box

_VERTICAL = 1.5
"""Height divided by width from which a line is a column."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. corners: (x, y) in page pixels, clockwise from the start of the text; score: 0-1."""

    corners: tuple[tuple[float, float], ...]
    text: str
    score: float

    @property
    def box(self) -> Box:
        """Return the axis-aligned box around the line."""
        xs, ys = zip(*self.corners, strict=True)
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    @property
    def length(self) -> float:
        """Return the extent along the text in page pixels."""
        return max(self._sides())

    @property
    def height(self) -> float:
        """Return the extent across the text in page pixels: letters with a little leading."""
        return min(self._sides())

    @property
    def slant(self) -> float:
        """Return the angle between the line and the nearer axis in degrees, 0-45."""
        (ax, ay), (bx, by) = self.corners[:2]
        angle = abs(math.degrees(math.atan2(by - ay, bx - ax))) % 90
        return min(angle, 90 - angle)

    @property
    def vertical(self) -> bool:
        """Return True for a column, which runs from top to bottom."""
        return self.box.h > _VERTICAL * self.box.w

    def _sides(self) -> tuple[float, float]:
        a, b, c, d = self.corners
        return (math.dist(a, b) + math.dist(c, d)) / 2, (math.dist(b, c) + math.dist(d, a)) / 2

    def as_row(self) -> list[Any]:
        """Return the line as a JSON array, coordinates rounded to 0.1 pixels; `from_row` is the inverse."""
        return [[[round(x, 1), round(y, 1)] for x, y in self.corners], self.text, round(self.score, 4)]

    @classmethod
    def from_row(cls, row: list[Any]) -> Line:
        """Create a line from the JSON array of `as_row`."""
        corners, text, score = row
        return cls(tuple((float(x), float(y)) for x, y in corners), str(text), float(score))


@dataclass(frozen=True, slots=True)
class OcrResult:
    """OCR lines of one page.

    page_sha256: of the bytes of the page file. engine: name as returned by `engine_name`.
    seconds: engine time, 0 if the lines come from the cache.
    """

    page_sha256: bytes
    engine: str
    lines: tuple[Line, ...]
    seconds: float
    from_cache: bool = False


def enclosing_box(boxes: list[Box]) -> Box:
    """Return the smallest box around all `boxes`, of which there is at least one."""
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.x + b.w for b in boxes), max(b.y + b.h for b in boxes)
    return Box(left, top, right - left, bottom - top)
