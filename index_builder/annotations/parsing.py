"""Numbers, words and boxes out of files that may hold anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from index_builder.annotations.records import Point
from retrieval.records import Box

Four = tuple[float, float, float, float]


def number(value: Any, *, written: bool = False) -> float | None:
    """A finite float, or None (true and false are not numbers here). `written`: a string that is a number will do."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str) if written else (int, float)):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def four(value: Any, *, written: bool = False) -> Four | None:
    """Four finite numbers, or None."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    found = [number(side, written=written) for side in value]
    a, b, c, d = found
    return None if a is None or b is None or c is None or d is None else (a, b, c, d)


def size_of(width: Any, height: Any) -> tuple[float, float] | None:
    """A page size above 0, or None."""
    w, h = number(width, written=True), number(height, written=True)
    return (w, h) if w is not None and h is not None and w > 0 and h > 0 else None


def words(value: Any) -> str | None:
    """The words in a string, or in a list of them; None where there is neither."""
    if isinstance(value, list):
        value = " ".join(part for item in value if (part := words(item) or ""))
    return clean(value) if isinstance(value, str) else None


def clean(text: str) -> str:
    """Stripped, with plain line ends, and without what no database or tokenizer takes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def joined(parts: Sequence[str | None]) -> str:
    """The words of several parts with a space between."""
    return " ".join(part for part in parts if part)


def corners(left: float, top: float, right: float, bottom: float) -> Box:
    """The box between two corners, given in whichever order."""
    x, y = min(left, right), min(top, bottom)
    return Box(x, y, max(left, right) - x, max(top, bottom) - y)


def around(points: Sequence[Point]) -> Box:
    """The box around at least one point."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return corners(min(xs), min(ys), max(xs), max(ys))


def objects(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with their places from 1; what is no object is left out, what is no list is empty."""
    for place, item in enumerate(value if isinstance(value, list) else (), start=1):
        if isinstance(item, dict):
            yield place, item
