"""Files that say what is on a page: the boxes of its panels and their words.

Read are the page JSON of the published model's training (`image_width`, `image_height`, `panels`
with `bbox` and `text`) and its relative with `width`, `height` and `reading_direction`.
"""

from __future__ import annotations

import json
import math
from typing import Any

from index_builder.annotations.records import AnnotatedPanel, PageAnnotation, TextBlock
from index_builder.annotations.words import give_to_panels
from retrieval.records import Box

__all__ = ["AnnotatedPanel", "PageAnnotation", "TextBlock", "give_to_panels", "read_annotation"]

_ASPECT_TOLERANCE = 0.01
_LARGEST = 10.0  # a side of more than ten pages is a slip, and would drown the other numbers


def read_annotation(data: bytes, width: int, height: int) -> PageAnnotation:
    """The annotation in `data` for a page of `width` x `height` px (upright); never raises.

    Boxes come back in the page's own pixels, unclamped. A bad panel costs that panel, a bad file
    all of them; both leave a note.
    """
    page, problem = _parse(data)
    if problem:
        return PageAnnotation(None, None, (problem,))
    notes: list[str] = []
    direction = _direction(page)
    if page["panels"] is None:
        return PageAnnotation(None, direction, ())
    scale = _scale(page, width, height, notes)
    if scale is None:
        return PageAnnotation(None, direction, tuple(notes))
    panels = _panels(page["panels"], scale, (width, height), notes)
    if page["panels"] and not panels:
        notes.append("no panel of the annotation is usable")
        return PageAnnotation(None, direction, tuple(notes))
    return PageAnnotation(tuple(panels), direction, tuple(notes))


def _parse(data: bytes) -> tuple[dict[str, Any], str]:
    """The page object and "", or an empty object and what is wrong with the file."""
    try:
        page = json.loads(data)
    except (ValueError, RecursionError) as error:
        return {}, f"the annotation is not JSON: {error}"
    if not isinstance(page, dict) or "panels" not in page:
        return {}, "unknown annotation form: expected an object with 'panels'"
    panels = page["panels"]
    if panels is not None and not isinstance(panels, list):
        return {}, "unknown annotation form: 'panels' is not a list"
    if panels and not any(isinstance(panel, dict) and "bbox" in panel for panel in panels):
        return {}, "unknown annotation form: no panel has a 'bbox'"
    return page, ""


def _direction(page: dict[str, Any]) -> str | None:
    value = page.get("reading_direction")
    return value if value in ("ltr", "rtl") else None


def _scale(page: dict[str, Any], width: int, height: int, notes: list[str]) -> tuple[float, float] | None:
    """Factors from the annotation's pixels to the page's; None when it describes another picture."""
    declared = (page.get("image_width", page.get("width")), page.get("image_height", page.get("height")))
    if declared in ((None, None), (width, height)):
        return 1.0, 1.0
    w, h = (_number(side) for side in declared)
    if w is None or h is None or w <= 0 or h <= 0:
        notes.append(f"the annotation's page size {declared[0]!r} x {declared[1]!r} is not a size; ignored")
        return 1.0, 1.0
    if abs((w / h) / (width / height) - 1) > _ASPECT_TOLERANCE:
        notes.append(f"the annotation is for a page of {w:g} x {h:g} px, this one is {width} x {height}; not used")
        return None
    notes.append(f"boxes scaled from {w:g} x {h:g} px to {width} x {height}")
    return width / w, height / h


def _panels(
    items: list[Any], scale: tuple[float, float], size: tuple[int, int], notes: list[str]
) -> list[AnnotatedPanel]:
    found: dict[Box, AnnotatedPanel] = {}
    for number, item in enumerate(items, start=1):
        box, problem = _box(item, scale, size)
        if box is None:
            notes.append(f"panel {number} dropped: {problem}")
            continue
        text, problem = _text(item.get("text"))
        if problem:
            notes.append(f"panel {number}: {problem}")
        if box in found:
            notes.append(f"panel {number} has the box of panel {found[box].number}; joined")
            found[box] = _joined(found[box], text)
        else:
            found[box] = AnnotatedPanel(number, box, text)
    return list(found.values())


def _box(item: Any, scale: tuple[float, float], size: tuple[int, int]) -> tuple[Box | None, str]:
    """The panel's box in page pixels and "", or None and why not."""
    value = item.get("bbox") if isinstance(item, dict) else None
    if value is None:
        return None, "it has no box"
    if not isinstance(value, list) or len(value) != 4:
        return None, "its box is not four numbers"
    numbers = [_number(side) for side in value]
    if any(number is None for number in numbers):
        return None, "its box is not four numbers"
    x, y, w, h = (number * factor for number, factor in zip(numbers, scale * 2, strict=True) if number is not None)
    if w <= 0 or h <= 0:
        return None, "its box has no area"
    if w > _LARGEST * size[0] or h > _LARGEST * size[1]:
        return None, "its box is far larger than the page"
    box = Box(x, y, w, h)
    if x + w <= 0 or y + h <= 0 or not box.on_page(*size):
        return None, "its box lies off the page"
    return box, ""


def _number(value: Any) -> float | None:
    """A finite float, or None (true and false are not numbers here)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> tuple[str | None, str]:
    """The panel's words and "", or None and why not; lists are joined by a space."""
    if value is None:
        return None, ""
    if isinstance(value, list):
        value = " ".join(part.strip() for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return None, f"its text is a {type(value).__name__}, not words; ignored"
    return _clean(value), ""


def _clean(text: str) -> str:
    """Stripped, with plain line ends, and without what no database or tokenizer takes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def _joined(panel: AnnotatedPanel, text: str | None) -> AnnotatedPanel:
    if not text or text == panel.text:
        return panel if panel.text is not None else AnnotatedPanel(panel.number, panel.box, text)
    return AnnotatedPanel(panel.number, panel.box, f"{panel.text} {text}" if panel.text else text)
