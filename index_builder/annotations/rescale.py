"""A page as written -> boxes in the pixels of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index_builder.annotations.parsing import joined
from index_builder.annotations.records import AnnotatedPanel, PageAnnotation, TextBlock, Written
from index_builder.dialogue.assignment import sort_by_reading_order
from retrieval.records import Box

_ASPECT_TOLERANCE = 0.01
_LARGEST = 10.0  # a side of more than ten pages is a slip, and would drown the other numbers

Scale = tuple[float, float]


def fit(written: Written, width: int, height: int, *, right_to_left: bool = False) -> PageAnnotation:
    """What is written, for a picture of `width` x `height` px (upright).

    Boxes come back unclamped. A box that cannot be costs its panel, another page's annotation all of them; both leave
    a note. `right_to_left` orders panels where the file has no order and names no direction.
    """
    notes = list(written.notes)
    direction = written.reading_direction
    scale = _scale(written, width, height, notes)
    if scale is None:
        return PageAnnotation(None, direction, tuple(notes), unboxed=written.unboxed)
    blocks = tuple(_moved(block, scale) for block in written.blocks if block.text)
    panels = None if written.panels is None else _panels(written.panels, scale, (width, height), notes)
    if written.panels and not panels:
        notes.append("no panel of the annotation is usable")
        panels = None
    if panels and not written.ordered:
        panels = _in_order(panels, right_to_left if direction is None else direction == "rtl")
    found = None if panels is None else tuple(panels)
    return PageAnnotation(found, direction, tuple(notes), blocks, written.unboxed)


def _scale(written: Written, width: int, height: int, notes: list[str]) -> Scale | None:
    """Factors from the annotation's units to the page's pixels; None when it describes another picture."""
    if written.size in (None, (width, height)):
        return 1.0, 1.0
    assert written.size is not None
    w, h = written.size
    if written.any_shape:
        return width / w, height / h
    if abs((w / h) / (width / height) - 1) > _ASPECT_TOLERANCE:
        notes.append(f"the annotation is for a page of {w:g} x {h:g} px, this one is {width} x {height}; not used")
        return None
    notes.append(f"boxes scaled from {w:g} x {h:g} px to {width} x {height}")
    return width / w, height / h


def _panels(
    items: Sequence[AnnotatedPanel], scale: Scale, size: tuple[int, int], notes: list[str]
) -> list[AnnotatedPanel]:
    found: dict[Box, AnnotatedPanel] = {}
    for item in items:
        box = _scaled(item.box, scale)
        problem = _problem(box, size)
        if problem:
            notes.append(f"panel {item.number} dropped: {problem}")
        elif box in found:
            notes.append(f"panel {item.number} has the box of panel {found[box].number}; joined")
            found[box] = _joined(found[box], item)
        else:
            polygon = tuple((x * scale[0], y * scale[1]) for x, y in item.polygon)
            found[box] = replace(item, box=box, polygon=polygon)
    return list(found.values())


def _problem(box: Box, size: tuple[int, int]) -> str:
    """Why a box cannot be that of a panel, "" when it can."""
    if box.w <= 0 or box.h <= 0:
        return "its box has no area"
    if box.w > _LARGEST * size[0] or box.h > _LARGEST * size[1]:
        return "its box is far larger than the page"
    if box.x + box.w <= 0 or box.y + box.h <= 0 or not box.on_page(*size):
        return "its box lies off the page"
    return ""


def _scaled(box: Box, scale: Scale) -> Box:
    x, y = scale
    return Box(box.x * x, box.y * y, box.w * x, box.h * y)


def _moved(block: TextBlock, scale: Scale) -> TextBlock:
    return replace(block, box=_scaled(block.box, scale))


def _joined(panel: AnnotatedPanel, twin: AnnotatedPanel) -> AnnotatedPanel:
    """One panel of two with one box; words that only one of them has stay."""
    text = panel.text
    if text is None or (twin.text and twin.text != text):
        text = twin.text if not text else joined([text, twin.text])
    effects = panel.effects if twin.effects == panel.effects else joined([panel.effects, twin.effects])
    return replace(panel, text=text, effects=effects, description=panel.description or twin.description)


def _in_order(panels: list[AnnotatedPanel], right_to_left: bool) -> list[AnnotatedPanel]:
    """The panels as they are read, numbered so."""
    ordered = sort_by_reading_order(panels, right_to_left=right_to_left)
    return [replace(panel, number=number) for number, panel in enumerate(ordered, 1)]
