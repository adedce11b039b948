"""Words read by other programs: lines at their places, without panels."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import around, corners, four, number, objects, words
from index_builder.annotations.records import TextBlock, Written
from retrieval.records import Box


def read(page: Any) -> Written | None:
    """The page, or None when this is another form.

    `paddleocr_results` have four corners; the regions of `OCRResult` are x1, y1, x2, y2; regions of the generic form
    x, y, w, h.
    """
    if not isinstance(page, dict):
        return None
    if isinstance(page.get("paddleocr_results"), list):
        return _written(page["paddleocr_results"], lambda box: None)
    inner = page.get("OCRResult")
    if isinstance(inner, dict) and isinstance(inner.get("text_regions"), list):
        return _written(inner["text_regions"], lambda box: corners(*box))
    if isinstance(page.get("text_regions"), list):
        return _written(page["text_regions"], lambda box: Box(*box))
    return None


def _written(items: list[Any], meaning: Any) -> Written:
    blocks, lost = [], 0
    for _, item in objects(items):
        text, place = words(item.get("text")), _place(item, meaning)
        if text and place is not None:
            blocks.append(TextBlock(place, text))
        else:
            lost += bool(text)
    notes = (f"{lost} read texts have no usable place; ignored",) if lost else ()
    return Written(notes=notes, blocks=tuple(blocks))


def _place(item: dict[str, Any], meaning: Any) -> Box | None:
    for key in ("bbox", "polygon"):
        value = item.get(key)
        if isinstance(value, list) and value and all(isinstance(point, list) for point in value):
            return _corners(value)
        sides = four(value)
        if sides is not None:
            found: Box | None = meaning(sides)
            return found
    return None


def _corners(points: list[Any]) -> Box | None:
    pairs = [(number(p[0]), number(p[1])) for p in points if len(p) == 2]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    return around(known) if len(known) == len(points) else None
