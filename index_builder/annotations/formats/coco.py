"""COCO files: pictures, categories and boxes of a whole collection, or what a detector predicted for it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from index_builder.annotations.parsing import four, number, objects, size_of
from index_builder.annotations.records import AnnotatedPanel, Point, Written
from retrieval.records import Box

PANEL_NAMES = {"panel", "panels", "frame", "frames", "comic panel", "comic_panel"}
"""What a category of panels is called; its number means nothing, programs disagree about them."""

_LEAST_SCORE = 0.4
"""Predictions at or below it are no panels, as the published training data has it."""


def read(value: Any) -> dict[str, Written] | None:
    """Each page by the path of its picture (else the picture's id), or None when this is another form."""
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list) or "categories" not in value:
        return None
    wanted = {item.get("id") for _, item in objects(value["categories"]) if _is_panel(item.get("name"))}
    boxes: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for _, item in objects(value["annotations"]):
        if _hashable(item.get("category_id")) in wanted:
            boxes[_hashable(item.get("image_id"))].append(item)
    pictures = {_hashable(item.get("id")): item for _, item in objects(value.get("images"))}
    return {_name(key, pictures.get(key, {})): _page(items, pictures.get(key, {})) for key, items in boxes.items()}


def _is_panel(name: Any) -> bool:
    return isinstance(name, str) and name.strip().lower() in PANEL_NAMES


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int) else None


def _name(key: Any, picture: dict[str, Any]) -> str:
    name = picture.get("file_name")
    return name if isinstance(name, str) and name else str(key)


def _page(items: list[dict[str, Any]], picture: dict[str, Any]) -> Written:
    notes, found = [], []
    for place, item in enumerate(items, 1):
        score = number(item.get("score"))
        if score is not None and score <= _LEAST_SCORE:
            continue
        box = four(item.get("bbox"))
        if box is None:
            notes.append(f"panel {place} dropped: its box is not four numbers")
        else:
            found.append(AnnotatedPanel(place, Box(*box), None, _outline(item.get("segmentation"))))
    size = size_of(picture.get("width"), picture.get("height"))
    return Written(tuple(found) or None, None, tuple(notes), size=size, ordered=False)


def _outline(segmentation: Any) -> tuple[Point, ...]:
    """The first polygon [x, y, x, y, ...], where it is more than a box."""
    first = segmentation[0] if isinstance(segmentation, list) and segmentation else None
    if not isinstance(first, list) or len(first) < 6 or len(first) % 2:
        return ()
    flat = [number(side) for side in first]
    sides = [side for side in flat if side is not None]
    return tuple(zip(sides[::2], sides[1::2], strict=True)) if len(sides) == len(flat) else ()
