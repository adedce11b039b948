"""Panels of a detector combined with those of a vision language model: a list of pages."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.formats.vlm import THOUSANDTHS, parse_box
from index_builder.annotations.parsing import (
    FourNumbers,
    numbered_objects,
    parse_four_numbers,
    parse_size,
    parse_text,
)
from index_builder.annotations.records import AnnotatedPanel, RawAnnotation, TextBlock
from retrieval.records import Box

_PANEL_KEYS = {"rcnn_bbox", "vlm_box_2d", "vlm_box_px"}
"""Keys of which at least one panel has one, in this format only."""


def read(value: Any) -> dict[str, RawAnnotation] | None:
    """Return the pages by id, or None if this is another format."""
    if not isinstance(value, list) or not value:
        return None
    items = [item for _, item in numbered_objects(value)]
    pages = [item for item in items if "canonical_id" in item and isinstance(item.get("panels"), list)]
    if not any(_PANEL_KEYS & set(panel) for page in pages for _, panel in numbered_objects(page["panels"])):
        return None
    return {str(page["canonical_id"]): _page(page) for page in pages}


def _page(page: dict[str, Any]) -> RawAnnotation:
    """Return the detector's panels, with the model's other panels as text blocks.

    If the detector found none, return the model's panels.
    """
    size = parse_size(page.get("image_width"), page.get("image_height"))
    detected: list[AnnotatedPanel] = []
    described: list[AnnotatedPanel] = []
    warnings: list[str] = []
    for number, item in numbered_objects(page["panels"]):
        text = parse_text(item.get("text"))
        box, by_detector = parse_four_numbers(item.get("rcnn_bbox")), True
        if box is None:
            box, by_detector = _model_box(item, size), False
        if box is None:
            warnings.append(f"panel {number} dropped: it has no box")
        else:
            (detected if by_detector else described).append(AnnotatedPanel(number, Box(*box), text))
    blocks = tuple(TextBlock(panel.box, panel.text) for panel in described if panel.text) if detected else ()
    return RawAnnotation(tuple(detected or described) or None, None, tuple(warnings), blocks, page_size=size)


def _model_box(item: dict[str, Any], size: tuple[float, float] | None) -> FourNumbers | None:
    """Return the model's box as x, y, w, h in pixels, or None."""
    box = parse_four_numbers(item.get("vlm_box_px"))
    if box is not None or size is None:
        return box
    relative, _ = parse_box(item.get("vlm_box_2d"), x_first=False)
    x, y = size[0] / THOUSANDTHS[0], size[1] / THOUSANDTHS[1]
    return None if relative is None else (relative.x * x, relative.y * y, relative.w * x, relative.h * y)
