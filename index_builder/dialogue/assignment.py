"""Which panel says it: text boxes of a page -> its panels, in reading order.

The same for what was read and for text boxes that an annotation gives without saying whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from index_builder.panels.order import reading_order
from retrieval.records import Box

_MOSTLY = 0.9
"""Panels that hold nearly as much of a text as the best one does; of those the smallest is meant, as with insets."""


class Placed(Protocol):
    """Anything with a place on the page, such as a balloon or a caption; box in page pixels."""

    @property
    def box(self) -> Box: ...


Block = TypeVar("Block", bound=Placed)


def panel_of(block: Box, panels: Sequence[Box]) -> int | None:
    """The number (from 0) of the panel that holds most of a text, else of the nearest; None where there is none.

    Of panels that hold about the same, the smallest: an inset says its words, not the panel around it.
    """
    if not panels:
        return None
    held = [common(block, panel) for panel in panels]
    most = max(held)
    if most <= 0:
        return min(range(len(panels)), key=lambda i: (distance(block, panels[i]), i))
    able = [i for i, area in enumerate(held) if area >= _MOSTLY * most]
    return min(able, key=lambda i: (panels[i].w * panels[i].h, i))


def give_to_panels(
    blocks: Sequence[Block], panels: Sequence[Box], *, right_to_left: bool = False
) -> list[tuple[Block, ...]]:
    """For each panel its texts in reading order, twins in the order given; all boxes in page pixels.

    Every text is given to exactly one panel; without panels all is lost, and the result is empty.
    """
    shares: list[list[Block]] = [[] for _ in panels]
    for block in blocks:
        number = panel_of(block.box, panels)
        if number is not None:
            shares[number].append(block)
    return [tuple(in_order(share, right_to_left=right_to_left)) for share in shares]


def in_order(blocks: Sequence[Block], *, right_to_left: bool = False) -> list[Block]:
    """Anything with a box as it is read; in the order given where boxes are on one spot."""
    places: dict[tuple[int, int, int, int], list[Block]] = {}
    for block in blocks:
        places.setdefault(_edges(block.box), []).append(block)
    ordered = reading_order(sorted(places), right_to_left=right_to_left)
    return [block for place in ordered for block in places[place]]


def common(a: Box, b: Box) -> float:
    """Area that two boxes share, in square pixels."""
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(0.0, w) * max(0.0, h)


def distance(a: Box, b: Box) -> float:
    """Pixels between two boxes, 0 where they touch."""
    w = max(a.x, b.x) - min(a.x + a.w, b.x + b.w)
    h = max(a.y, b.y) - min(a.y + a.h, b.y + b.h)
    return float((max(0.0, w) ** 2 + max(0.0, h) ** 2) ** 0.5)


def _edges(box: Box) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in whole pixels, at least one wide and high."""
    left, top = round(box.x), round(box.y)
    return left, top, max(left + 1, round(box.x + box.w)), max(top + 1, round(box.y + box.h))
