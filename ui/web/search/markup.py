"""Records -> HTML. Every text that comes from comics, file names or people passes through `escape` here.

Buttons say what they do in `data-do`; `page.js` hands that on to Python as an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from zlib import crc32

from retrieval.records import Panel, View
from ui.web.frame.markup import describe, notice, page_picture, picture, plural, shorten
from ui.web.search.handlers import Card, Chosen, Library, Place, Results

MEASURED = {"small": "How well the built-in encoder finds panels is measured in docs/evaluation.md."}
PROVISIONAL = "The picture part of the built-in encoder is provisional: it finds near copies, not meaning."

UNREADABLE = "The comics of this panel cannot be read just now: were they moved, or is their drive missing?"

_WRITTEN = re.compile(r"(?:\S+-[ \t]*\n\s*)*\S+")
_BROKEN = re.compile(r"-\s*\n\s*")
_EXCERPT = 140
_TWO_LINES = 60  # letters, on a card of middling width

# Cards stand in rows like panels on a page, as wide as their picture; within limits, so that captions fit.
_NARROWEST, _WIDEST = 0.8, 2.1


def hint() -> str:
    return (
        '<p class="hint">A picture alone, words alone, or both together. <kbd>Enter</kbd> searches; '
        "a picture can be pasted anywhere on the page.</p>"
    )


# --------------------------------------------------------------------- library


def welcome(library: Library) -> str:
    """What stands below the question before the first search: the library at a glance, and things to try."""
    if not library.panels:
        return f'<section class="welcome">{_figures(library)}<p>This index has no panels yet.</p></section>'
    return f'<section class="welcome">{_figures(library)}{_suggestions(library)}{_samples(library)}</section>'


def _figures(library: Library) -> str:
    figures = ((library.books, "book"), (library.pages, "page"), (library.panels, "panel"))
    items = "".join(f"<li><strong>{n:,}</strong> {plural(n, word)}</li>" for n, word in figures)
    words = f"<li><strong>{library.with_words:,}</strong> with words</li>"
    encoder = f"<li>encoder <strong>{escape(library.encoder)}</strong></li>"
    said = PROVISIONAL if library.provisional else MEASURED.get(library.encoder, "")
    note = f'<p class="aside">{said}</p>' if said else ""
    return f'<h2 class="quiet">In this library</h2><ul class="figures">{items}{words}{encoder}</ul>{note}'


def _suggestions(library: Library) -> str:
    if not library.suggestions:
        return ""
    chips = "".join(
        f'<li><button type="button" data-do="ask" data-text="{escape(line)}">{escape(line)}</button></li>'
        for line in library.suggestions
    )
    return f'<h2>Try some words</h2><ul class="chips">{chips}</ul>'


def _samples(library: Library) -> str:
    cards = "".join(_card(card, scored=False) for card in library.samples)
    return f'<h2>Or start from a panel</h2><ol class="cards">{cards}</ol>'


# --------------------------------------------------------------------- results


def results(found: Results) -> str:
    """The line that sums up, then the hits in order."""
    if not found.cards:
        return f'<section class="results">{_summary(found)}{_nothing(found)}</section>'
    cards = "".join(_card(card) for card in found.cards)
    return f'<section class="results">{_summary(found)}<ol class="cards">{cards}</ol></section>'


def _summary(found: Results) -> str:
    """What was asked, how it was compared, how many panels were searched, and how long it took."""
    by_words = found.question.text.strip() and found.view is not View.PICTURE
    facts = [
        f"compared by {found.view}{' and word for word' if by_words else ''}",
        f"{found.searched:,} {plural(found.searched, 'panel')}"
        f"{' with words' if found.view is View.DIALOGUE else ''} searched",
        _time(found.seconds),
    ]
    narrowed = f" in <em>{escape(found.book)}</em>" if found.book else ""
    count = len(found.cards)
    # the number lets the page tell the answer to a new question from more of the same
    number = crc32(repr(found.question).encode())
    return (
        f'<header class="summary" data-answer="{number}">'
        f'<h2 tabindex="-1" role="status">{count} {plural(count, "hit")} for {_asked(found)}{narrowed}</h2>'
        f"<p>{' · '.join(facts)}</p></header>"
    )


def _asked(found: Results) -> str:
    question = found.question
    if found.like is not None:
        panel = found.like
        return f"panels like <em>{escape(panel.book)}</em>, page {panel.page}, panel {panel.panel}"
    words = f"<q>{escape(shorten(question.text, 80))}</q>" if question.text.strip() else ""
    picture = "your picture" if question.picture else ""
    return " and ".join(part for part in (picture, words) if part)


def _nothing(found: Results) -> str:
    way_out = "Take a filter away under Options." if found.question.narrowed else "Try other words or another picture."
    return f'<p class="nothing">No panel matches. {way_out}</p>'


def _card(card: Card, *, scored: bool = True) -> str:
    panel = card.panel
    ratio = min(max(panel.box.w / panel.box.h if panel.box.h else 1, _NARROWEST), _WIDEST)
    alt = describe(panel)
    score = f'<span class="score" title="cosine similarity">{card.score:.2f}</span>' if scored else ""
    return (
        f'<li style="--ratio: {ratio:.3f}"><button type="button" class="card" data-do="choose" data-panel="{panel.id}"'
        f' aria-label="{escape(alt)}{f", score {card.score:.2f}" if scored else ""}">'
        f'<span class="frame">{picture(panel, alt)}{score}</span>'
        f'<span class="caption"><span class="book">{escape(panel.book)}</span>'
        f'<span class="place">page {panel.page} · panel {panel.panel}{_why(card) if scored else ""}</span>'
        f"{_excerpt(panel.dialogue, card.words)}</span></button></li>"
    )


def _why(card: Card) -> str:
    """What matched: the picture, the words, or both; `meaning` where no word is the same."""
    reasons = {
        "picture": ["picture"],
        "words": ["words" if card.words else "meaning"],
        "both": ["picture", "words"],
    }
    return "".join(f' <span class="why">{reason}</span>' for reason in reasons[card.why])


def _excerpt(dialogue: str, words: Iterable[str]) -> str:
    """Two lines of dialogue, from where most of the matched words stand together."""
    if not dialogue.strip():
        return '<span class="said none">no words</span>'
    chosen = set(words)
    start = _best_start(dialogue, chosen)
    text = shorten(dialogue[start:], _EXCERPT)
    return f'<span class="said">{"… " if start else ""}{highlight(text, chosen)}</span>'


def _best_start(dialogue: str, words: set[str]) -> int:
    """The matched word with the most different ones in the two lines after it; 0 when the beginning does as well."""
    found = [(m.start(), _joined(m.group())) for m in _WRITTEN.finditer(dialogue) if _joined(m.group()) in words]

    def seen(start: int) -> int:
        return len({word for at, word in found if start <= at < start + _TWO_LINES})

    best = max((at for at, _ in found), key=seen, default=0)
    return best if seen(best) > seen(0) else 0


def highlight(dialogue: str, words: Iterable[str]) -> str:
    """Dialogue as HTML, the matched words (as they are written there) marked."""
    chosen = set(words)

    def piece(match: re.Match[str]) -> str:
        safe = escape(match.group())
        return f"<mark>{safe}</mark>" if _joined(match.group()) in chosen else safe

    return _WRITTEN.sub(piece, dialogue)


def _joined(word: str) -> str:
    """A word broken over lines, as the search sees it."""
    return _BROKEN.sub("", word)


# ---------------------------------------------------------------- chosen panel


def chosen(found: Chosen) -> str:
    """The panel on its page, with its words and figures, as a dialogue over the results."""
    panel = found.panel
    return (
        '<div class="sheet" role="dialog" aria-modal="true" aria-labelledby="chosen-title">'
        f'<div class="sheet-page">{_page(found)}</div>'
        f'<div class="sheet-side">{_title(panel, found.of)}{_balloon(panel)}{_actions(found)}{_gate(panel)}'
        f"{_facts(panel)}</div></div>"
    )


def problem(text: str) -> str:
    """The dialogue when its panel cannot be shown."""
    return (
        '<div class="sheet small" role="dialog" aria-modal="true" aria-labelledby="chosen-title">'
        f'<div class="sheet-side"><h2 id="chosen-title" tabindex="-1">This panel cannot be shown</h2>{notice(text)}'
        f'<div class="actions">{_button("Back to results", "close")}</div></div></div>'
    )


def _title(panel: Panel, of: int) -> str:
    return (
        f'<h2 id="chosen-title" tabindex="-1">{escape(panel.book)}</h2>'
        f'<p class="where">Page {panel.page} · panel {panel.panel} · {of} {plural(of, "panel")} on this page</p>'
        '<button type="button" class="close" data-do="close" aria-label="Back to results">&times;</button>'
    )


def _page(found: Chosen) -> str:
    panel, (width, height) = found.panel, found.size
    tall = " tall" if height > 2.4 * width else ""
    alt = f"Page {panel.page} of {panel.book}"
    boxes = "".join(_box(place, place.panel == panel.id) for place in found.places)
    return (
        f'<figure class="page{tall}" style="--ratio: {width / height:.4f}">'
        f'<div class="paper"><img src="{page_picture(panel)}" alt="{escape(alt)}">{boxes}</div></figure>'
        f'<div class="unreadable" role="status">{notice(UNREADABLE)}{picture(panel)}</div>'
    )


def _box(place: Place, current: bool) -> str:
    where = "; ".join(
        f"{side}: {value:.3f}%"
        for side, value in (
            ("left", place.left),
            ("top", place.top),
            ("width", place.width),
            ("height", place.height),
        )
    )
    if current:
        return f'<span class="box" style="{where}"></span>'
    return (
        f'<button type="button" class="other" style="{where}" data-do="choose" data-panel="{place.panel}"'
        f' aria-label="Panel {place.number} of this page"></button>'
    )


def _balloon(panel: Panel) -> str:
    if not panel.dialogue.strip():
        return '<p class="balloon none">No words in this panel.</p>'
    return f'<blockquote class="balloon">{escape(panel.dialogue)}</blockquote>'


def _actions(found: Chosen) -> str:
    return (
        '<div class="actions">'
        f"{_button('More like this', 'like', found.panel.id, 'primary')}"
        f"{_button('← Previous panel', 'choose', found.previous, 'step previous')}"
        f"{_button('Next panel →', 'choose', found.following, 'step next')}"
        "</div>"
    )


def _button(label: str, do: str, panel: int | None = None, kind: str = "") -> str:
    """A button; one that steps to a panel that is not there is disabled."""
    target = f' data-panel="{panel}"' if panel is not None else ""
    off = " disabled" if do == "choose" and panel is None else ""
    return f'<button type="button" class="{kind}" data-do="{do}"{target}{off}>{label}</button>'


def _gate(panel: Panel) -> str:
    """How much picture, words and layout weigh in the fused vector, as three bars."""
    rows = "".join(
        f'<div><dt>{name}</dt><dd><span class="bar {name}" style="--share: {100 * weight:.1f}%"></span>'
        f"<span>{100 * weight:.0f} %</span></dd></div>"
        for name, weight in zip(("picture", "words", "layout"), panel.gate, strict=True)
    )
    return f'<h3>What weighs in this panel</h3><dl class="gate">{rows}</dl>'


def _facts(panel: Panel) -> str:
    x, y, w, h = (round(v) for v in (panel.box.x, panel.box.y, panel.box.w, panel.box.h))
    facts = (
        ("File", escape(panel.source)),
        ("Box", f"{w} &times; {h} px at {x}, {y}"),
        ("Page", f"{panel.page_width} &times; {panel.page_height} px"),
        ("Panel id", str(panel.id)),
    )
    return f'<dl class="facts">{"".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)}</dl>'


# ----------------------------------------------------------------- small parts


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(1000 * seconds))} ms"
