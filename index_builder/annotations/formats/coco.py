"""COCO files: images, categories and boxes of a whole collection, drawn by hand or predicted by a detector."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from index_builder.annotations.parsing import numbered_objects, parse_four_numbers, parse_number, parse_size
from index_builder.annotations.records import AnnotatedPanel, Point, RawAnnotation
from retrieval.records import Box

PANEL_NAMES = {"panel", "panels", "frame", "frames", "comic panel", "comic_panel"}
"""Names of the panel category. Its number differs between programs."""

_MIN_SCORE = 0.4
"""Confidence that a prediction must exceed; the same as in the published training data."""


def read(value: Any) -> dict[str, RawAnnotation] | None:
    """Return the pages by the path of their image (else by its id), or None if this is another format."""
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list) or "categories" not in value:
        return None
    named = [item for _, item in numbered_objects(value["categories"]) if _is_panel(item.get("name"))]
    categories = {item.get("id") for item in named if not isinstance(item.get("id"), list | dict)}
    boxes: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for _, item in numbered_objects(value["annotations"]):
        if _hashable(item.get("category_id")) in categories:
            boxes[_hashable(item.get("image_id"))].append(item)
    images = {_hashable(item.get("id")): item for _, item in numbered_objects(value.get("images"))}
    return {_name(key, images.get(key, {})): _page(items, images.get(key, {})) for key, items in boxes.items()}


def _is_panel(name: Any) -> bool:
    return isinstance(name, str) and name.strip().lower() in PANEL_NAMES


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int) else None


def _name(key: Any, image: dict[str, Any]) -> str:
    name = image.get("file_name")
    return name if isinstance(name, str) and name else str(key)


def _page(items: list[dict[str, Any]], image: dict[str, Any]) -> RawAnnotation:
    warnings, panels = [], []
    for number, item in enumerate(items, 1):
        score = parse_number(item.get("score"))
        if score is not None and score <= _MIN_SCORE:
            continue
        box = parse_four_numbers(item.get("bbox"))
        if box is None:
            warnings.append(f"panel {number} dropped: its box is not four numbers")
        else:
            panels.append(AnnotatedPanel(number, Box(*box), None, _outline(item.get("segmentation"))))
    size = parse_size(image.get("width"), image.get("height"))
    return RawAnnotation(tuple(panels) or None, None, tuple(warnings), page_size=size, in_reading_order=False)


def _outline(segmentation: Any) -> tuple[Point, ...]:
    """Return the first polygon [x, y, x, y, ...] as points; () if there is none."""
    first = segmentation[0] if isinstance(segmentation, list) and segmentation else None
    if not isinstance(first, list) or len(first) < 6 or len(first) % 2:
        return ()
    numbers = [parse_number(item) for item in first]
    sides = [number for number in numbers if number is not None]
    return tuple(zip(sides[::2], sides[1::2], strict=True)) if len(sides) == len(numbers) else ()
