"""The page JSON of the published model's training data, and its variants.

`panels` have `bbox` [x, y, w, h] in page pixels and `text`. The size of the page is `image_width`, `image_height` or
`width`, `height`. The variant of this project's own comics adds `reading_direction`. The older DataSpec variant has
`panel_coords`, `page_size`, and texts sorted into dialogue, narration and sound effects.
"""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import join_texts, parse_direction, parse_four_numbers, parse_size, parse_text
from index_builder.annotations.records import AnnotatedPanel, RawAnnotation
from retrieval.records import Box

_BOX_KEYS = ("bbox", "panel_coords")


def read(page: Any) -> RawAnnotation | None:
    """Return the page, or None if this is another format."""
    if not isinstance(page, dict) or "panels" not in page:
        return None
    direction = parse_direction(page.get("reading_direction"))
    items = page["panels"]
    if items is None:
        return RawAnnotation(reading_direction=direction)
    if not isinstance(items, list) or (items and not any(_has_box(item) for item in items)):
        return None
    size, warnings = _page_size(page)
    panels = [panel for number, item in enumerate(items, 1) if (panel := _panel(number, item, warnings)) is not None]
    if items and not panels:
        warnings.append("the annotation has no usable panel")
        return RawAnnotation(None, direction, tuple(warnings))
    return RawAnnotation(tuple(panels), direction, tuple(warnings), page_size=size)


def _has_box(item: Any) -> bool:
    return isinstance(item, dict) and any(key in item for key in _BOX_KEYS)


def _page_size(page: dict[str, Any]) -> tuple[tuple[float, float] | None, list[str]]:
    """Return the declared size of the page, or None and, if it is invalid, a warning."""
    sides = page.get("page_size")
    declared = (page.get("image_width", page.get("width")), page.get("image_height", page.get("height")))
    if declared == (None, None) and isinstance(sides, list) and len(sides) == 2:
        declared = (sides[0], sides[1])
    size = parse_size(*declared)
    if size is None and declared != (None, None):
        return None, [f"page size {declared[0]!r} x {declared[1]!r} of the annotation is invalid; ignored"]
    return size, []


def _panel(number: int, item: Any, warnings: list[str]) -> AnnotatedPanel | None:
    """Return a panel, or None and a warning if it has no valid box."""
    keys = _BOX_KEYS if isinstance(item, dict) else ()
    value = next((item[key] for key in keys if item.get(key) is not None), None)
    box = parse_four_numbers(value)
    if box is None:
        problem = "it has no box" if value is None else "its box is not four numbers"
        warnings.append(f"panel {number} dropped: {problem}")
        return None
    text, effects = parse_dialogue_and_effects(item.get("text"))
    if text is None and item.get("text") is not None:
        warnings.append(
            f"panel {number}: its text is of type {type(item['text']).__name__}, expected a string; ignored"
        )
    return AnnotatedPanel(number, Box(*box), text, sound_effects=effects)


def parse_dialogue_and_effects(value: Any) -> tuple[str | None, str]:
    """Return dialogue and sound effects of a panel's text.

    value: a string or a list of strings, which has no sound effects, or an object that has both apart.
    """
    if isinstance(value, dict):
        parts = [parse_text(value.get(key)) for key in ("narration", "caption", "dialogue", "thought", "text")]
        dialogue = None if all(part is None for part in parts) else join_texts(parts)
        return dialogue, parse_text(value.get("sfx")) or ""
    return parse_text(value), ""
