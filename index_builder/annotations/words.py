"""Blocks of words -> the panels that say them."""

from __future__ import annotations

from collections.abc import Sequence

from index_builder.annotations.fitting import in_reading_order
from index_builder.annotations.records import TextBlock
from retrieval.records import Box


def give_to_panels(
    blocks: Sequence[TextBlock], panels: Sequence[Box], *, right_to_left: bool = False
) -> list[tuple[TextBlock, ...]]:
    """For each panel its blocks in reading order; all boxes in page pixels.

    A block goes to the panel that covers most of it; one that no panel touches (a caption in the gutter) to the
    nearest. Without panels all is lost, and the result is empty.
    """
    given: list[list[TextBlock]] = [[] for _ in panels]
    for block in blocks if panels else ():
        covers = [_shared(block.box, panel) for panel in panels]
        most = max(covers)
        place = covers.index(most) if most > 0 else _nearest(block.box, panels)
        given[place].append(block)
    ordered = (in_reading_order(found, lambda block: block.box, right_to_left=right_to_left) for found in given)
    return [tuple(found) for found in ordered]


def _shared(a: Box, b: Box) -> float:
    """The area that two boxes have in common."""
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(0.0, w) * max(0.0, h)


def _nearest(box: Box, panels: Sequence[Box]) -> int:
    gaps = [_gap(box.x, box.w, p.x, p.w) ** 2 + _gap(box.y, box.h, p.y, p.h) ** 2 for p in panels]
    return gaps.index(min(gaps))


def _gap(start: float, length: float, other: float, other_length: float) -> float:
    """The distance of two intervals, 0 where they touch."""
    return max(0.0, other - (start + length), start - (other + other_length))
