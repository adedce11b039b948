"""The chosen panel as HTML: its page with its box drawn, its words, its figures, and the ways on from here."""

from __future__ import annotations

from html import escape

from retrieval.records import Panel
from ui.web.panel.handlers import Chosen, Place
from ui.web.search.question import address, in_search, with_part
from ui.web.shell.icons import icon
from ui.web.shell.markup import highlight, notice, page_picture, picture, plural
from ui.web.shell.messages import UNREADABLE

_SHOWN_FACTS = ("series", "volume", "number", "year", "writer", "artist", "publisher", "genre", "language")
_TALL = 2.4  # a page this many times as high as wide scrolls
_WORDS_ELSEWHERE = 300


def sheet(found: Chosen, here: str) -> str:
    """The panel as a dialog over the page. `here`: the address that it was opened from, for the ways on."""
    return (
        '<div class="sheet" role="dialog" aria-modal="true" aria-labelledby="chosen-title">'
        f'<div class="sheet-page">{_page(found, here)}{_page_steps(found, here)}</div>'
        f'<div class="sheet-side">{_title(found)}{_words(found)}{_actions(found, here)}{_story(found, here)}'
        f"{_gate(found.panel)}{_facts(found)}</div>"
        f'<a class="close" href="{escape(with_part(here, "panel", None))}" aria-label="Close the panel">'
        f"{icon('close')}</a></div>"
    )


def problem(text: str, here: str) -> str:
    """The dialog when its panel cannot be shown."""
    return (
        '<div class="sheet small" role="dialog" aria-modal="true" aria-labelledby="chosen-title">'
        f'<div class="sheet-side"><h2 id="chosen-title" tabindex="-1">This panel cannot be shown</h2>{notice(text)}'
        f'<p class="actions"><a class="button" href="{escape(with_part(here, "panel", None))}">Back</a></p></div></div>'
    )


def _to(here: str, panel: int) -> str:
    return escape(with_part(here, "panel", panel))


# ------------------------------------------------------------------------ the page


def _page(found: Chosen, here: str) -> str:
    panel, (width, height) = found.panel, found.size
    tall = " tall" if height > _TALL * width else ""
    boxes = "".join(_box(place, place.panel == panel.id, here) for place in found.places)
    alt = escape(f"Page {panel.page_number} of {panel.book}")
    image = f'<img src="{page_picture(panel)}" width="{width}" height="{height}" alt="{alt}">'
    return (
        f'<figure class="page{tall}" style="--ratio: {width / height:.4f}">'
        f'<div class="paper">{image}{boxes}</div>'
        f'</figure><div class="unreadable">{notice(UNREADABLE)}{picture(panel)}</div>'
    )


def _box(place: Place, current: bool, here: str) -> str:
    sides = zip(("left", "top", "width", "height"), (place.left, place.top, place.width, place.height), strict=True)
    where = "; ".join(f"{side}: {value:.3f}%" for side, value in sides)
    if current:
        return f'<span class="box" style="{where}"></span>'
    return (
        f'<a class="other" style="{where}" href="{_to(here, place.panel)}" data-step'
        f' aria-label="Panel {place.number} of this page"></a>'
    )


def _page_steps(found: Chosen, here: str) -> str:
    """Shown when the whole page is: from page to page."""
    return (
        '<nav class="page-steps" aria-label="Pages">'
        f"{_step('Previous page', 'left', found.previous_page, here)}"
        f"<span>Page {found.panel.page_number} of {found.pages}</span>"
        f"{_step('Next page', 'right', found.next_page, here)}</nav>"
    )


def _step(label: str, way: str, panel: int | None, here: str, kind: str = "") -> str:
    if panel is None:
        return f'<span class="step {kind}" aria-disabled="true" role="link" aria-label="{label}">{icon(way)}</span>'
    return f'<a class="step {kind}" href="{_to(here, panel)}" data-step aria-label="{label}">{icon(way)}</a>'


# ------------------------------------------------------------------------ beside it


def _title(found: Chosen) -> str:
    panel = found.panel
    return (
        f'<h2 id="chosen-title" tabindex="-1">{escape(panel.book)}</h2>'
        f'<p class="where">Page {panel.page_number} · panel {panel.number} of {found.of}</p>'
    )


def _words(found: Chosen) -> str:
    if not found.panel.dialogue.strip():
        return '<p class="balloon none">No words in this panel.</p>'
    return f'<blockquote class="balloon">{highlight(found.panel.dialogue, found.words)}</blockquote>'


def _actions(found: Chosen, here: str) -> str:
    panel = found.panel
    said = " ".join(panel.dialogue.split())[:_WORDS_ELSEWHERE]
    words = address(q=said, words="said", elsewhere=panel.id)
    links = [
        f'<a class="button primary" href="{address(like=panel.id)}">{icon("spark")}More like this</a>',
        f'<a class="button" href="{escape(words)}">{icon("quote")}Same words elsewhere</a>' if said else "",
        f'<a class="button" href="{escape(_as_picture(here, panel.id))}" data-use="{panel.id}">{icon("picture")}'
        "Use as picture</a>",
        f'<button type="button" class="button" data-do="whole" aria-pressed="false">{icon("page")}'
        "<span>Whole page</span></button>",
        f'<button type="button" class="button" data-do="copy">{icon("link")}<span>Copy link</span></button>',
    ]
    return f'<div class="actions">{"".join(links)}</div>'


def _as_picture(here: str, panel: int) -> str:
    """The question at an address with the panel as its picture; other views have no question."""
    question = here if in_search(here) else "?"
    for name in ("panel", "crop", "picture"):
        question = with_part(question, name, None)
    return with_part(question, "like", panel)


def _story(found: Chosen, here: str) -> str:
    """The panels around it, in the story's order; across pages too."""
    before, after = found.before[-1].id if found.before else None, found.after[0].id if found.after else None
    strip = "".join(
        f'<li><span class="now" aria-current="true">{picture(p, "This panel")}</span></li>'
        if p.id == found.panel.id
        else f'<li><a href="{_to(here, p.id)}" data-step>{picture(p)}</a></li>'
        for p in (*found.before, found.panel, *found.after)
    )
    return (
        '<section class="story"><h3>In the story</h3><div>'
        f"{_step('Previous panel', 'left', before, here, 'previous')}<ol>{strip}</ol>"
        f"{_step('Next panel', 'right', after, here, 'next')}</div></section>"
    )


def _gate(panel: Panel) -> str:
    """How much picture, words and layout weigh in the fused vector, as three bars."""
    rows = "".join(
        f'<div><dt>{name}</dt><dd><span class="bar {name}" style="--share: {100 * weight:.1f}%"></span>'
        f"<span>{100 * weight:.0f} %</span></dd></div>"
        for name, weight in zip(("picture", "words", "layout"), panel.gate, strict=True)
    )
    return f'<h3>What weighs in this panel</h3><dl class="gate">{rows}</dl>'


def _facts(found: Chosen) -> str:
    panel = found.panel
    x, y, w, h = (round(v) for v in (panel.box.x, panel.box.y, panel.box.w, panel.box.h))
    known = dict(found.facts)
    facts = [
        *((name.capitalize(), _values(name, known[name])) for name in _SHOWN_FACTS if known.get(name)),
        ("Page is", escape(panel.label)),
        ("File", escape(panel.page_path)),
        ("Box", f"{w} &times; {h} px at {x}, {y}"),
        ("Page", f"{panel.page_width} &times; {panel.page_height} px · {found.of} {plural(found.of, 'panel')}"),
        ("Panel id", str(panel.id)),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts if value)
    more = f'<a class="quiet-link" href="{escape(address(book=panel.book))}">All panels of this book</a>'
    return f'<dl class="facts">{rows}</dl>{more}'


def _values(name: str, values: tuple[str, ...]) -> str:
    """What is known about the book; a click shows everything that shares it."""
    return ", ".join(f'<a href="{escape(address(**{name: value}))}">{escape(value)}</a>' for value in values)
