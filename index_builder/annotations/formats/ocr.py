"""Output of OCR programs: lines of text with their boxes, without panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from index_builder.annotations.parsing import (
    FourNumbers,
    bounding_box,
    box_of_corners,
    numbered_objects,
    parse_four_numbers,
    parse_number,
    parse_text,
)
from index_builder.annotations.records import RawAnnotation, TextBlock
from retrieval.records import Box

_BoxOf = Callable[[FourNumbers], Box | None]
"""Makes a box of four numbers, in the order of the format."""


def read(page: Any) -> RawAnnotation | None:
    """Return the page, or None if this is another format.

    `paddleocr_results` have four corners, the regions of `OCRResult` are x1, y1, x2, y2, and the regions of the
    generic format are x, y, w, h.
    """
    if not isinstance(page, dict):
        return None
    if isinstance(page.get("paddleocr_results"), list):
        return _page(page["paddleocr_results"], lambda numbers: None)
    inner = page.get("OCRResult")
    if isinstance(inner, dict) and isinstance(inner.get("text_regions"), list):
        return _page(inner["text_regions"], lambda numbers: box_of_corners(*numbers))
    if isinstance(page.get("text_regions"), list):
        return _page(page["text_regions"], lambda numbers: Box(*numbers))
    return None


def _page(items: list[Any], box_of: _BoxOf) -> RawAnnotation:
    blocks, ignored = [], 0
    for _, item in numbered_objects(items):
        text, box = parse_text(item.get("text")), _box(item, box_of)
        if text and box is not None:
            blocks.append(TextBlock(box, text))
        else:
            ignored += bool(text)
    warnings = (f"OCR lines ignored because they have no valid box: {ignored}",) if ignored else ()
    return RawAnnotation(warnings=warnings, blocks=tuple(blocks))


def _box(item: dict[str, Any], box_of: _BoxOf) -> Box | None:
    """Return the box of a line, from four numbers or a list of corners; None if it has neither."""
    for key in ("bbox", "polygon"):
        value = item.get(key)
        if isinstance(value, list) and value and all(isinstance(point, list) for point in value):
            return _box_of_points(value)
        numbers = parse_four_numbers(value)
        if numbers is not None:
            return box_of(numbers)
    return None


def _box_of_points(points: list[Any]) -> Box | None:
    pairs = [(parse_number(p[0]), parse_number(p[1])) for p in points if len(p) == 2]
    valid = [(x, y) for x, y in pairs if x is not None and y is not None]
    return bounding_box(valid) if len(valid) == len(points) else None
