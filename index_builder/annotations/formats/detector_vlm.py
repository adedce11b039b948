"""Panels of a detector and of a language model, reconciled: a list of pages."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.formats.vlm import THOUSANDTHS, box_of
from index_builder.annotations.parsing import four, objects, size_of, words
from index_builder.annotations.records import AnnotatedPanel, TextBlock, Written
from retrieval.records import Box

_TELLS = {"rcnn_bbox", "vlm_box_2d", "vlm_box_px"}


def read(value: Any) -> dict[str, Written] | None:
    """Each page by its id, or None when this is another form."""
    if not isinstance(value, list) or not value:
        return None
    pages = [item for _, item in objects(value) if "canonical_id" in item and isinstance(item.get("panels"), list)]
    if not any(_TELLS & set(panel) for page in pages for _, panel in objects(page["panels"])):
        return None
    return {str(page["canonical_id"]): _page(page) for page in pages}


def _page(page: dict[str, Any]) -> Written:
    """The detector's panels where it found any; what only the model saw gives its words to them."""
    size = size_of(page.get("image_width"), page.get("image_height"))
    drawn: list[AnnotatedPanel] = []
    guessed: list[AnnotatedPanel] = []
    notes: list[str] = []
    for place, item in objects(page["panels"]):
        text = words(item.get("text"))
        box, by_detector = four(item.get("rcnn_bbox")), True
        if box is None:
            box, by_detector = _seen(item, size), False
        if box is None:
            notes.append(f"panel {place} dropped: it has no box")
        else:
            (drawn if by_detector else guessed).append(AnnotatedPanel(place, Box(*box), text))
    blocks = tuple(TextBlock(panel.box, panel.text) for panel in guessed if panel.text) if drawn else ()
    return Written(tuple(drawn or guessed) or None, None, tuple(notes), blocks, size=size)


def _seen(item: dict[str, Any], size: tuple[float, float] | None) -> tuple[float, float, float, float] | None:
    """The model's box in pixels."""
    box = four(item.get("vlm_box_px"))
    if box is not None or size is None:
        return box
    shares, _ = box_of(item.get("vlm_box_2d"), first_x=False)
    x, y = size[0] / THOUSANDTHS[0], size[1] / THOUSANDTHS[1]
    return None if shares is None else (shares.x * x, shares.y * y, shares.w * x, shares.h * y)
