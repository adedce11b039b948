"""Lines -> balloons and captions: lines of one lettering that stand close below or beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index_builder.dialogue.cleaning import joined
from index_builder.dialogue.lines import Line, around
from retrieval.records import Box

_HEIGHTS = 1.45
"""Lines of one balloon differ at most so many times in height."""
_GAP = 0.45
"""Between two lines of a balloon lies at most this part of a line's height (lines of an engine hold air themselves)."""
_BESIDE = 0.9
"""Between two pieces of one line lies at most this part of its height."""
_ALIGNED = 0.3
"""Of the shorter of two lines, so much stands above or below the other."""
_LEVEL = 0.5
"""Pieces of one line differ less than this part of their height in place."""
_TURNED = 15.0
"""Degrees by which lines of a balloon may differ in slant."""


@dataclass(frozen=True, slots=True)
class Balloon:
    """Lines in reading order; box and height in page pixels, score 0-1."""

    lines: tuple[Line, ...]
    text: str

    @property
    def box(self) -> Box:
        return around([line.box for line in self.lines])

    @property
    def height(self) -> float:
        """Of its letters with a little air: the middle of its lines' heights."""
        heights = sorted(line.height for line in self.lines)
        return heights[len(heights) // 2]

    @property
    def score(self) -> float:
        """How sure the engine is, longer lines counting more."""
        letters = sum(len(line.text) for line in self.lines)
        return sum(line.score * len(line.text) for line in self.lines) / letters


def balloons(lines: Sequence[Line]) -> list[Balloon]:
    """Every line in exactly one balloon, in order of their tops."""
    groups = _groups(lines)
    made = [Balloon(tuple(ordered), joined([line.text for line in ordered])) for ordered in map(_in_order, groups)]
    return sorted(made, key=lambda balloon: (balloon.box.y, balloon.box.x))


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that belong together, also through others."""
    roots = list(range(len(lines)))

    def root(i: int) -> int:
        while roots[i] != i:
            roots[i] = roots[roots[i]]
            i = roots[i]
        return i

    for i, line in enumerate(lines):
        for j in range(i):
            if _belong(line, lines[j]):
                roots[root(i)] = root(j)
    groups: dict[int, list[Line]] = {}
    for i, line in enumerate(lines):
        groups.setdefault(root(i), []).append(line)
    return list(groups.values())


def _belong(a: Line, b: Line) -> bool:
    """Whether two lines are of one balloon, looking at these two only."""
    if a.vertical != b.vertical or abs(a.slant - b.slant) > _TURNED:
        return False
    low, high = sorted((a.height, b.height))
    if high > _HEIGHTS * low:
        return False
    one, other = (_turned(line.box) if line.vertical else line.box for line in (a, b))
    across = max(one.y, other.y) - min(one.y + one.h, other.y + other.h)
    along = max(one.x, other.x) - min(one.x + one.w, other.x + other.w)
    stacked = across <= _GAP * low and -along >= _ALIGNED * min(one.w, other.w)
    beside = along <= _BESIDE * low and abs(one.y + one.h / 2 - other.y - other.h / 2) < _LEVEL * low
    return stacked or beside


def _in_order(lines: list[Line]) -> list[Line]:
    """Lines from top to bottom, pieces of one line from left to right; columns from right to left."""
    places = [(line, _turned(line.box) if line.vertical else line.box) for line in lines]
    rows: list[list[tuple[Line, Box]]] = []
    for line, box in sorted(places, key=lambda place: place[1].y + place[1].h / 2):
        middle = box.y + box.h / 2
        last = rows[-1][-1][1] if rows else None
        if last is not None and middle - last.y - last.h / 2 < _LEVEL * min(box.h, last.h):
            rows[-1].append((line, box))
        else:
            rows.append([(line, box)])
    return [line for row in rows for line, _ in sorted(row, key=lambda place: place[1].x)]


def _turned(box: Box) -> Box:
    """A column as a line: from right to left becomes from top to bottom."""
    return Box(box.y, -box.x - box.w, box.h, box.w)
