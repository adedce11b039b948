"""Numbers, texts and boxes parsed from files that may hold anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from index_builder.annotations.records import Point
from retrieval.records import Box

FourNumbers = tuple[float, float, float, float]


def parse_number(value: Any, *, allow_text: bool = False) -> float | None:
    """Return a finite float, or None if the value is no number (true and false are none).

    allow_text: also accept a string that holds a number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str) if allow_text else (int, float)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def parse_four_numbers(value: Any, *, allow_text: bool = False) -> FourNumbers | None:
    """Return the four finite numbers of a list, or None if it is something else."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [parse_number(item, allow_text=allow_text) for item in value]
    a, b, c, d = numbers
    return None if a is None or b is None or c is None or d is None else (a, b, c, d)


def parse_size(width: Any, height: Any) -> tuple[float, float] | None:
    """Return a page size whose sides are above 0, or None."""
    w, h = parse_number(width, allow_text=True), parse_number(height, allow_text=True)
    return (w, h) if w is not None and h is not None and w > 0 and h > 0 else None


def parse_size_pair(sides: Any) -> tuple[float, float] | None:
    """Return the page size in a list [width, height], or None."""
    return parse_size(*sides) if isinstance(sides, list) and len(sides) == 2 else None


def parse_direction(value: Any) -> str | None:
    """Return "ltr" or "rtl", or None if the value is something else."""
    return value if value in ("ltr", "rtl") else None


def parse_text(value: Any) -> str | None:
    """Return the cleaned text of a string or of a list of strings, or None if the value is neither."""
    if isinstance(value, list):
        value = " ".join(part for item in value if (part := parse_text(item) or ""))
    return clean_text(value) if isinstance(value, str) else None


def clean_text(text: str) -> str:
    """Strip a text, unify its line ends, and replace characters that databases and tokenizers refuse."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def join_texts(parts: Sequence[str | None]) -> str:
    """Join the parts that are not empty with a space."""
    return " ".join(part for part in parts if part)


def box_of_corners(left: float, top: float, right: float, bottom: float) -> Box:
    """Return the box between two opposite corners, in either order."""
    x, y = min(left, right), min(top, bottom)
    return Box(x, y, max(left, right) - x, max(top, bottom) - y)


def bounding_box(points: Sequence[Point]) -> Box:
    """Return the smallest box around at least one point."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return box_of_corners(min(xs), min(ys), max(xs), max(ys))


def numbered_objects(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a list with their positions from 1; other items are skipped, other values are empty."""
    for number, item in enumerate(value if isinstance(value, list) else (), start=1):
        if isinstance(item, dict):
            yield number, item
