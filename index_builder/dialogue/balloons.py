"""Balloons and captions: OCR lines of similar height, grouped if they are close to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index_builder.dialogue.cleaning import join_lines
from index_builder.dialogue.lines import Line, enclosing_box
from retrieval.records import Box

_MAX_HEIGHT_RATIO = 1.45
"""Largest ratio between the heights of two lines of one balloon."""

_MAX_LINE_GAP = 0.45
"""Largest gap between two lines, as a fraction of the smaller height. The engine's lines include some leading."""

_MAX_WORD_GAP = 0.9
"""Largest gap between two pieces of one line, as a fraction of the smaller height."""

_MIN_ALIGNED = 0.3
"""Smallest horizontal overlap of two stacked lines, as a fraction of the shorter one."""

_MAX_OFFSET = 0.5
"""Vertical offset below which two pieces are on one line, as a fraction of the smaller height."""

_MAX_SLANT = 15.0
"""Largest difference in slant between two lines of one balloon, in degrees."""


@dataclass(frozen=True, slots=True)
class Balloon:
    """Text of one balloon or caption. lines: in reading order; text: the same as one line."""

    lines: tuple[Line, ...]
    text: str

    @property
    def box(self) -> Box:
        """Return the box around all lines, in page pixels."""
        return enclosing_box([line.box for line in self.lines])

    @property
    def height(self) -> float:
        """Return the median line height in page pixels: letters with a little leading."""
        heights = sorted(line.height for line in self.lines)
        return heights[len(heights) // 2]

    @property
    def score(self) -> float:
        """Return the OCR score, 0-1, averaged over characters."""
        characters = sum(len(line.text) for line in self.lines)
        return sum(line.score * len(line.text) for line in self.lines) / characters


def group_lines(lines: Sequence[Line]) -> list[Balloon]:
    """Group lines into balloons, sorted from top to bottom; every line is in exactly one balloon."""
    groups = [_sort_lines(group) for group in _connected_groups(lines)]
    balloons = [Balloon(tuple(group), join_lines([line.text for line in group])) for group in groups]
    return sorted(balloons, key=lambda balloon: (balloon.box.y, balloon.box.x))


def _connected_groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the connected components of the lines under `_are_neighbours`."""
    roots = list(range(len(lines)))

    def root(i: int) -> int:
        while roots[i] != i:
            roots[i] = roots[roots[i]]
            i = roots[i]
        return i

    for i, line in enumerate(lines):
        for j in range(i):
            if _are_neighbours(line, lines[j]):
                roots[root(i)] = root(j)
    groups: dict[int, list[Line]] = {}
    for i, line in enumerate(lines):
        groups.setdefault(root(i), []).append(line)
    return list(groups.values())


def _are_neighbours(a: Line, b: Line) -> bool:
    """Return True if two lines follow each other in one balloon, stacked or side by side."""
    if a.vertical != b.vertical or abs(a.slant - b.slant) > _MAX_SLANT:
        return False
    low, high = sorted((a.height, b.height))
    if high > _MAX_HEIGHT_RATIO * low:
        return False
    first, second = (_transpose(line.box) if line.vertical else line.box for line in (a, b))
    gap_y = max(first.y, second.y) - min(first.y + first.h, second.y + second.h)
    gap_x = max(first.x, second.x) - min(first.x + first.w, second.x + second.w)
    stacked = gap_y <= _MAX_LINE_GAP * low and -gap_x >= _MIN_ALIGNED * min(first.w, second.w)
    offset = abs(first.y + first.h / 2 - second.y - second.h / 2)
    side_by_side = gap_x <= _MAX_WORD_GAP * low and offset < _MAX_OFFSET * low
    return stacked or side_by_side


def _sort_lines(lines: list[Line]) -> list[Line]:
    """Sort lines from top to bottom and pieces of one line from left to right; columns from right to left."""
    boxes = [(line, _transpose(line.box) if line.vertical else line.box) for line in lines]
    rows: list[list[tuple[Line, Box]]] = []
    for line, box in sorted(boxes, key=lambda pair: pair[1].y + pair[1].h / 2):
        middle = box.y + box.h / 2
        last = rows[-1][-1][1] if rows else None
        if last is not None and middle - last.y - last.h / 2 < _MAX_OFFSET * min(box.h, last.h):
            rows[-1].append((line, box))
        else:
            rows.append([(line, box)])
    return [line for row in rows for line, _ in sorted(row, key=lambda pair: pair[1].x)]


def _transpose(box: Box) -> Box:
    """Return the box of a column as that of a line: right to left becomes top to bottom."""
    return Box(box.y, -box.x - box.w, box.h, box.w)
