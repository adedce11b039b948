"""Output of vision language models for a page, in all variants in use.

A: `box_2d` and `text_content`. B: speakers, without boxes. C: like B, with boxes. D: like C, by a GLM model, whose
boxes begin with x. E: `text` sorted into dialogue, narration and sfx. F: any of these inside `OCRResult`. G: a flat
list of `objects`. Boxes are in thousandths of the page: [y1, x1, y2, x2], or [x1, y1, x2, y2] by a GLM model.
"""

from __future__ import annotations

from typing import Any

from index_builder.annotations.formats.page_json import parse_dialogue_and_effects
from index_builder.annotations.parsing import (
    box_of_corners,
    join_texts,
    numbered_objects,
    parse_four_numbers,
    parse_text,
)
from index_builder.annotations.records import SOUND_EFFECT, AnnotatedPanel, RawAnnotation
from retrieval.records import Box

THOUSANDTHS = (1000.0, 1000.0)
_PANEL_KEYS = {
    *("box_2d", "box", "panel_number", "text_content", "speakers", "description", "caption", "text", "characters"),
}
"""Keys of which at least one panel has one."""

_EFFECT_TYPES = {SOUND_EFFECT, "sound", "sound_effect", "sound effect", "onomatopoeia"}
_PANEL_LABELS = ("panel", "comic panel", "frame")


def read(page: Any) -> RawAnnotation | None:
    """Return the page, or None if this is another format."""
    if not isinstance(page, dict):
        return None
    inner = page.get("OCRResult")
    if isinstance(inner, dict) and "panels" in inner:
        page = {**page, **inner}
    x_first = _model(page).startswith("glm")
    if isinstance(page.get("objects"), list) and "panels" not in page:
        return _read_objects(page["objects"], x_first)
    items = page.get("panels")
    items = list(items.values()) if isinstance(items, dict) else items
    if not isinstance(items, list) or not any(isinstance(item, dict) and _PANEL_KEYS & set(item) for item in items):
        return None
    return _read_panels(items, x_first)


def _model(page: dict[str, Any]) -> str:
    """Return the model's name in lower case, without its publisher."""
    return str(page.get("model") or "").lower().rpartition("/")[2]


def _read_panels(items: list[Any], x_first: bool) -> RawAnnotation:
    """Return the panels that have a box; if none has one, the texts of all."""
    warnings: list[str] = []
    panels, texts_without_boxes = [], []
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            warnings.append(f"panel {number} dropped: it is of type {type(item).__name__}, not an object")
            continue
        text, effects = _texts(item)
        box = _checked_box(number, item, x_first, warnings)
        if box is None:
            texts_without_boxes.append(text or "")
        else:
            panels.append(AnnotatedPanel(number, box, text, (), _characters(item), _description(item), effects))
    if panels:
        return RawAnnotation(tuple(panels), None, tuple(warnings), page_size=THOUSANDTHS, relative_units=True)
    return RawAnnotation(None, None, tuple(warnings), texts_without_boxes=tuple(texts_without_boxes))


def _checked_box(number: int, item: dict[str, Any], x_first: bool, warnings: list[str]) -> Box | None:
    """Return the box of a panel, or None if it has no valid one; problems are added to the warnings."""
    box, problem = parse_box(item.get("box_2d", item.get("box")), x_first)
    if problem:
        warnings.append(f"panel {number}{' dropped' if box is None else ''}: {problem}")
    return box


def parse_box(value: Any, x_first: bool) -> tuple[Box | None, str]:
    """Return a box in thousandths of the page, or None, and a problem or "".

    x_first: the order is x1, y1, x2, y2 instead of y1, x1, y2, x2.
    """
    if value is None:
        return None, "it has no box"
    numbers = parse_four_numbers(value, allow_text=True)
    if numbers is None:
        return None, "its box is not four numbers"
    clipped = [min(max(number, 0.0), 1000.0) for number in numbers]
    a, b, c, d = clipped
    box = box_of_corners(a, b, c, d) if x_first else box_of_corners(b, a, d, c)
    if list(numbers) != clipped:
        return box, "its box extended beyond the page; clipped"
    return box, "the corners of its box were swapped; corrected" if a > c or b > d else ""


def _texts(panel: dict[str, Any]) -> tuple[str | None, str]:
    """Return dialogue and sound effects of a panel; the dialogue is None if the panel has no key for texts."""
    dialogue: list[str] = []
    effects: list[str] = []
    has_key = any(panel.get(key) is not None for key in ("text_content", "speakers", "text"))
    for _, item in (*numbered_objects(panel.get("text_content")), *numbered_objects(panel.get("speakers"))):
        text = parse_text(item.get("text")) or parse_text(item.get("dialogue")) or ""
        (effects if _text_type(item) in _EFFECT_TYPES else dialogue).append(text)
    if isinstance(panel.get("text_content"), list):
        dialogue += [part for item in panel["text_content"] if isinstance(item, str) and (part := parse_text(item))]
    text_dialogue, text_effects = parse_dialogue_and_effects(panel.get("text"))
    return (join_texts([*dialogue, text_dialogue]) if has_key else None), join_texts([*effects, text_effects])


def _text_type(item: dict[str, Any]) -> str:
    """Return the type of a text, under whichever key the model has it, or ""."""
    values = (parse_text(item.get(key)) for key in ("label", "type", "speech_type"))
    return next((value.strip().lower() for value in values if value), "")


def _characters(panel: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the characters of a panel, else of its speakers."""
    characters = panel.get("characters")
    names = [parse_text(item.get("name")) for _, item in numbered_objects(characters)]
    names += [parse_text(item) for item in characters if isinstance(item, str)] if isinstance(characters, list) else []
    names = names or [parse_text(item.get("character")) for _, item in numbered_objects(panel.get("speakers"))]
    return tuple(dict.fromkeys(name for name in names if name))


def _description(panel: dict[str, Any]) -> str:
    return parse_text(panel.get("description")) or parse_text(panel.get("caption")) or ""


def _read_objects(items: list[Any], x_first: bool) -> RawAnnotation:
    """Return the objects that are labelled as panels, in no order."""
    warnings: list[str] = []
    panels = []
    for number, item in numbered_objects(items):
        if str(item.get("label")).strip().lower() not in _PANEL_LABELS:
            continue
        box = _checked_box(number, item, x_first, warnings)
        if box is not None:
            panels.append(AnnotatedPanel(number, box, None))
    return RawAnnotation(
        tuple(panels) or None,
        None,
        tuple(warnings),
        page_size=THOUSANDTHS,
        relative_units=True,
        in_reading_order=False,
    )
