"""The question as HTML: its form, its picture, and what narrows it. Filled in and read by `question.js`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from retrieval.overview.facets import Facet
from retrieval.records import Panel
from ui.web.search.handlers import MOST_LISTED
from ui.web.search.question import ONE_VALUE, Crop, Question
from ui.web.shell.icons import icon
from ui.web.shell.markup import VIEW_NAMES, describe, panel_picture

_TITLES = {"has_dialogue": "Words", "aspect": "Shape", "label": "Page is", "character": "Character"}
_SAID = {
    ("has_dialogue", "yes"): "With words",
    ("has_dialogue", "no"): "Without words",
    ("aspect", "wide"): "Wide",
    ("aspect", "tall"): "Tall",
    ("aspect", "square"): "Square",
}
_NOUNS = {"label": "page label"}
LOOKED_FOR = 9
"""A filter of this many values or more has a field to look among them."""


def form() -> str:
    """Everything a question is made of; the places of its picture, filters and answer are empty."""
    return (
        '<form id="question" role="search" aria-label="Search for panels" autocomplete="off">'
        f'<div id="slot">{empty_slot()}</div>'
        '<div class="asked">'
        '<label class="quiet" for="q">Words that somebody says</label>'
        '<div class="words-row"><input id="q" name="q" type="search" maxlength="2000" enterkeyhint="search"'
        ' placeholder="What somebody says">'
        f'<button type="submit" id="search" class="button primary">{icon("search")}<span>Search</span></button></div>'
        '<button type="button" class="button plain finer-toggle" data-do="finer" aria-expanded="false">Options</button>'
        f'<div class="finer">{_without()}{_words_in()}{_view()}{_fold()}'
        '<button type="button" class="button plain" data-do="clear" id="clear">Clear</button></div>'
        "</div></form>"
        '<div id="narrow" role="group" aria-label="Narrow by"></div>'
        '<div id="answer" aria-live="off"></div>'
        '<button type="button" id="more" class="button" hidden>More results</button>'
    )


def _without() -> str:
    return (
        '<label class="field"><span>without</span>'
        '<input name="without" id="without" maxlength="2000" placeholder="words to take away"></label>'
    )


def _words_in() -> str:
    choices = (("", "as usual"), ("said", "what is said"), ("drawn", "what is drawn"), ("both", "both"))
    return _choices("words", "Words match", choices)


def _view() -> str:
    return _choices("in", "Compare", (("", "automatically"), *VIEW_NAMES.items()))


def _fold() -> str:
    return _choices("fold", "Show", (("", "every panel"), ("page", "one per page"), ("book", "one per book")))


def _choices(name: str, label: str, choices: Sequence[tuple[str, str]]) -> str:
    options = "".join(f'<option value="{value}">{text}</option>' for value, text in choices)
    return (
        f'<label class="field"><span>{label}</span><select name="{name}" id="choose-{name}">{options}</select></label>'
    )


# ------------------------------------------------------------------------ the picture


_FILE = '<input id="file" type="file" accept="image/*,.jxl,.avif" class="quiet">'


def empty_slot() -> str:
    """Where a picture goes: dropped, pasted, chosen, or taken."""
    return (
        '<div class="slot empty"><label class="drop" for="file">'
        f"{icon('upload')}<strong>Add a picture</strong><span>choose, drop or paste</span></label>"
        f"{_FILE}"
        f'<button type="button" class="button small" data-do="camera">{icon("camera")}Camera</button></div>'
    )


def filled_slot(source: str, alt: str, crop: Crop | None) -> str:
    """The picture that asks, what is not part of the question dimmed. `source`: an address or a data URL."""
    part = (
        f'<span class="part" style="left:{100 * crop.left:.2f}%;top:{100 * crop.top:.2f}%;'
        f'width:{100 * crop.width:.2f}%;height:{100 * crop.height:.2f}%"></span>'
        if crop
        else ""
    )
    return (
        f'<div class="slot"><span class="asking"><img src="{escape(source)}" alt="{escape(alt)}">{part}</span>'
        '<div class="slot-buttons">'
        f'<button type="button" class="button small" data-do="crop">{icon("crop")}Crop</button>'
        f'{_FILE}<label class="button small other-picture" for="file" title="Choose another picture">Other'
        '<span class="quiet"> picture</span></label>'
        '<button type="button" class="button small" data-do="no-picture" aria-label="Remove the picture">'
        f"{icon('close')}</button></div></div>"
    )


def panel_slot(panel: Panel, crop: Crop | None) -> str:
    return filled_slot(f"{panel_picture(panel)}&side=960", describe(panel), crop)


def upload_slot(webp: bytes, crop: Crop | None) -> str:
    return filled_slot(f"data:image/webp;base64,{b64encode(webp).decode()}", "Your picture", crop)


# ------------------------------------------------------------------------ filters


def narrow(found: Mapping[str, Sequence[Facet]], question: Question) -> str:
    """Every filter that has values, with how many panels each of them leaves."""
    chosen = {name: values for name, values in question.where.items() if values}
    names = [name for name in found if name in chosen or len(found[name]) > 1]
    if not names:
        return ""
    clear = '<button type="button" class="button plain" data-do="no-filters">Clear filters</button>' if chosen else ""
    return "".join(_facet(name, found[name], chosen.get(name, ())) for name in names) + clear


def _facet(name: str, values: Sequence[Facet], chosen: Sequence[str]) -> str:
    missing = [Facet(value, 0) for value in chosen if value not in {facet.value for facet in values}]
    title = _TITLES.get(name, name.capitalize())
    said = ", ".join(value_name(name, value) for value in chosen)
    look = _look(name, title, len(values)) if len(values) >= LOOKED_FOR else ""
    options = "".join(_option(name, facet, facet.value in chosen) for facet in (*missing, *values))
    return (
        f'<details class="facet{" chosen" if chosen else ""}" data-name="{name}"><summary>{title}'
        f"{f'<b>{escape(said)}</b>' if said else ''}{icon('down')}</summary>"
        f'<fieldset class="options"><legend class="quiet">{title}</legend>{look}{options}</fieldset></details>'
    )


def _look(name: str, title: str, listed: int) -> str:
    """Where values are looked for, and what is said where none is; `data-more`: there are others than those listed."""
    noun = _NOUNS.get(name, name)
    cut = listed >= MOST_LISTED
    none = f"None of these {listed} is called so. Enter looks among all." if cut else f"No {noun} is called so."
    return (
        f'<input type="search" class="look" placeholder="Find" aria-label="Find in {title}" data-look="{name}"'
        f'{" data-more" if cut else ""}><p class="no-value" role="status" data-said="{none}"></p>'
    )


def _option(name: str, facet: Facet, checked: bool) -> str:
    one = " data-one" if name in ONE_VALUE else ""
    count = f'<span class="count">{facet.panels:,}</span>' if facet.panels else ""
    state = f"{' checked' if checked else ''}{one}"
    return (
        f'<label><input type="checkbox" name="{name}" value="{escape(facet.value)}"{state}>'
        f"<span>{escape(value_name(name, facet.value))}</span>{count}</label>"
    )


def value_name(name: str, value: str) -> str:
    """A filter's value as people read it, also one with `%` in place of any letters."""
    return _SAID.get((name, value)) or _pattern(value) or value


def _pattern(value: str) -> str:
    """What a pattern says of a name; empty where it is none, or none that a few words can say."""
    inner = value.strip("%")
    if not inner or "%" in inner or inner == value:
        return ""
    opened, closed = value.startswith("%"), value.endswith("%")
    return f"{'contains' if opened and closed else 'ends with' if opened else 'begins with'} “{inner}”"
