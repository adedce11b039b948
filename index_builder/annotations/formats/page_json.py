"""The page JSON of the published model's training, and its relatives.

`panels` with `bbox` [x, y, w, h] in page pixels and `text`; the page's size as `image_width`, `image_height` or
`width`, `height`. The form of this project's own comics adds `reading_direction`. The older DataSpec form has
`panel_coords`, `page_size` and words sorted into dialogue, narration and sound effects.
"""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import four, joined, size_of, words
from index_builder.annotations.records import AnnotatedPanel, Written
from retrieval.records import Box

_BOXES = ("bbox", "panel_coords")


def read(page: Any) -> Written | None:
    """The page, or None when this is another form."""
    if not isinstance(page, dict) or "panels" not in page:
        return None
    direction = page.get("reading_direction")
    direction = direction if direction in ("ltr", "rtl") else None
    panels = page["panels"]
    if panels is None:
        return Written(reading_direction=direction)
    if not isinstance(panels, list) or (panels and not any(_has_box(panel) for panel in panels)):
        return None
    size, notes = _size(page)
    found = [panel for place, item in enumerate(panels, 1) if (panel := _panel(place, item, notes)) is not None]
    if panels and not found:
        notes.append("no panel of the annotation is usable")
        return Written(None, direction, tuple(notes))
    return Written(tuple(found), direction, tuple(notes), size=size)


def _has_box(panel: Any) -> bool:
    return isinstance(panel, dict) and any(key in panel for key in _BOXES)


def _size(page: dict[str, Any]) -> tuple[tuple[float, float] | None, list[str]]:
    """The page's size as declared, and a note where that is none."""
    sides = page.get("page_size")
    declared = (page.get("image_width", page.get("width")), page.get("image_height", page.get("height")))
    if declared == (None, None) and isinstance(sides, list) and len(sides) == 2:
        declared = (sides[0], sides[1])
    size = size_of(*declared)
    if size is None and declared != (None, None):
        return None, [f"the annotation's page size {declared[0]!r} x {declared[1]!r} is not a size; ignored"]
    return size, []


def _panel(place: int, item: Any, notes: list[str]) -> AnnotatedPanel | None:
    value = next((item[key] for key in _BOXES if item.get(key) is not None), None) if isinstance(item, dict) else None
    box = four(value)
    if box is None:
        notes.append(f"panel {place} dropped: {'it has no box' if value is None else 'its box is not four numbers'}")
        return None
    text, effects = text_and_effects(item.get("text"))
    if text is None and item.get("text") is not None:
        notes.append(f"panel {place}: its text is a {type(item['text']).__name__}, not words; ignored")
    return AnnotatedPanel(place, Box(*box), text, effects=effects)


def text_and_effects(value: Any) -> tuple[str | None, str]:
    """Words and sound effects of a panel: plain words, a list of them, or an object that keeps them apart."""
    if isinstance(value, dict):
        said = [words(value.get(key)) for key in ("narration", "caption", "dialogue", "thought", "text")]
        return (None if all(part is None for part in said) else joined(said)), words(value.get("sfx")) or ""
    return words(value), ""
