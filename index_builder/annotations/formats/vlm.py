"""What vision language models write about a page, in all the forms that are about.

A: `box_2d` and `text_content`; B: speakers, without boxes; C: as B with boxes; D: as C by a GLM model, whose boxes
begin with x; E: `text` sorted into dialogue, narration, sfx; F: any of these inside `OCRResult`; G: `objects` found
freely. Boxes are shares of the page in thousandths: [y1, x1, y2, x2], or [x1, y1, x2, y2] by a GLM model.
"""

from __future__ import annotations

from typing import Any

from index_builder.annotations.formats.page_json import text_and_effects
from index_builder.annotations.parsing import corners, four, joined, objects, words
from index_builder.annotations.records import EFFECT, AnnotatedPanel, Written
from retrieval.records import Box

THOUSANDTHS = (1000.0, 1000.0)
_TELLS = {"box_2d", "box", "panel_number", "text_content", "speakers", "description", "caption", "text", "characters"}
_EFFECTS = {EFFECT, "sound", "sound_effect", "sound effect", "onomatopoeia"}


def read(page: Any) -> Written | None:
    """The page, or None when this is another form."""
    if not isinstance(page, dict):
        return None
    inner = page.get("OCRResult")
    if isinstance(inner, dict) and "panels" in inner:
        page = {**page, **inner}
    first_x = _model(page).startswith("glm")
    if isinstance(page.get("objects"), list) and "panels" not in page:
        return _free(page["objects"], first_x)
    panels = page.get("panels")
    panels = list(panels.values()) if isinstance(panels, dict) else panels
    if not isinstance(panels, list) or not any(isinstance(item, dict) and _TELLS & set(item) for item in panels):
        return None
    return _panels(panels, first_x)


def _model(page: dict[str, Any]) -> str:
    return str(page.get("model") or "").lower().rpartition("/")[2]


def _panels(items: list[Any], first_x: bool) -> Written:
    """Panels with a box as panels; where none has one, their words in order."""
    notes: list[str] = []
    found, without = [], []
    for place, item in enumerate(items, 1):
        if not isinstance(item, dict):
            notes.append(f"panel {place} dropped: it is a {type(item).__name__}, not an object")
            continue
        text, effects = _said(item)
        box, problem = box_of(item.get("box_2d", item.get("box")), first_x)
        if problem:
            notes.append(f"panel {place}{' dropped' if box is None else ''}: {problem}")
        if box is None:
            without.append(text or "")
        else:
            found.append(AnnotatedPanel(place, box, text, (), _names(item), _description(item), effects))
    if found:
        return Written(tuple(found), None, tuple(notes), size=THOUSANDTHS, any_shape=True)
    return Written(None, None, tuple(notes), unboxed=tuple(without))


def box_of(value: Any, first_x: bool) -> tuple[Box | None, str]:
    """The box in thousandths of the page and "" or what was amiss; None where there is none."""
    if value is None:
        return None, "it has no box"
    sides = four(value, written=True)
    if sides is None:
        return None, "its box is not four numbers"
    kept = [min(max(side, 0.0), 1000.0) for side in sides]
    a, b, c, d = kept
    box = corners(a, b, c, d) if first_x else corners(b, a, d, c)
    if list(sides) != kept:
        return box, "its box reached over the page; cut at its edge"
    return box, "its box was upside down; turned" if a > c or b > d else ""


def _said(panel: dict[str, Any]) -> tuple[str | None, str]:
    """Words and sound effects of a panel; None where it has no place for words."""
    said: list[str] = []
    effects: list[str] = []
    places = [key for key in ("text_content", "speakers", "text") if panel.get(key) is not None]
    for _, item in (*objects(panel.get("text_content")), *objects(panel.get("speakers"))):
        text = words(item.get("text")) or words(item.get("dialogue")) or ""
        (effects if kind_of(item) in _EFFECTS else said).append(text)
    if isinstance(panel.get("text_content"), list):
        said += [part for item in panel["text_content"] if isinstance(item, str) and (part := words(item))]
    plain, sounds = text_and_effects(panel.get("text"))
    return (joined([*said, plain]) if places else None), joined([*effects, sounds])


def kind_of(item: dict[str, Any]) -> str:
    """Which kind of text it is; models call the key what they like."""
    return next(
        (value.strip().lower() for key in ("label", "type", "speech_type") if (value := words(item.get(key)))), ""
    )


def _names(panel: dict[str, Any]) -> tuple[str, ...]:
    """Who is in a panel: characters, else those who speak."""
    named = [words(item.get("name")) for _, item in objects(panel.get("characters"))]
    named += [words(item) for item in panel.get("characters") or () if isinstance(item, str)]
    named = named or [words(item.get("character")) for _, item in objects(panel.get("speakers"))]
    return tuple(dict.fromkeys(name for name in named if name))


def _description(panel: dict[str, Any]) -> str:
    return words(panel.get("description")) or words(panel.get("caption")) or ""


def _free(items: list[Any], first_x: bool) -> Written | None:
    """Objects found freely: those called panels are panels, in no order."""
    notes: list[str] = []
    found = []
    for place, item in objects(items):
        if str(item.get("label")).strip().lower() not in ("panel", "comic panel", "frame"):
            continue
        box, problem = box_of(item.get("box_2d", item.get("box")), first_x)
        if problem:
            notes.append(f"panel {place}{' dropped' if box is None else ''}: {problem}")
        if box is not None:
            found.append(AnnotatedPanel(place, box, None))
    panels = tuple(found) or None
    return Written(panels, None, tuple(notes), size=THOUSANDTHS, any_shape=True, ordered=False)
