"""The wall of results as HTML. Every text that comes from comics, file names or people passes through `escape`."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from retrieval.records import Panel, View
from ui.web.search.form import value_name
from ui.web.search.handlers import Card, Results
from ui.web.search.question import address, with_part
from ui.web.search.welcome import Glance
from ui.web.shell.icons import icon
from ui.web.shell.markup import describe, excerpt, picture, plural, shorten

MEASURED = {"small": "How well the built-in encoder finds panels is measured in docs/evaluation.md."}
PROVISIONAL = "The picture part of the built-in encoder is provisional: it finds near copies, not meaning."
KNOWS_NO_MEANING = "The built-in encoder does not know what is drawn, so words about a drawing find little with it."
LOST = (
    "This address came from a search with an uploaded picture. Pictures stay on the machine they were uploaded from, "
    "so it is not part of the link: add it again to see the same hits."
)

# Cards stand in rows like panels on a page, as wide as their picture; within limits, so that captions fit.
_NARROWEST, _WIDEST = 0.66, 3.4

_COMPARED = {
    View.PICTURE: "compared by picture",
    View.DIALOGUE: "compared by dialogue",
    View.FUSED: "compared all in one",
}


# ------------------------------------------------------------------------ before the first question


def welcome(at_a_glance: Glance) -> str:
    """The library at a glance, and things to try."""
    if not at_a_glance.panels:
        return (
            '<section class="nothing"><h2>This index has no panels yet</h2>'
            "<p>Build it from a folder of comics: <code>panelseek build FOLDER --index INDEX</code></p></section>"
        )
    return (
        f'<section class="welcome">{_suggestions(at_a_glance)}{_samples(at_a_glance)}{_figures(at_a_glance)}</section>'
    )


def _figures(found: Glance) -> str:
    figures = ((found.books, "book"), (found.pages, "page"), (found.panels, "panel"))
    items = "".join(f"<li><strong>{n:,}</strong> {plural(n, word)}</li>" for n, word in figures)
    words = f"<li><strong>{found.with_words:,}</strong> with words</li>"
    encoder = f"<li>encoder <strong>{escape(found.encoder)}</strong></li>"
    said = PROVISIONAL if found.provisional else MEASURED.get(found.encoder, "")
    note = f'<p class="aside">{said}</p>' if said else ""
    return f'<h2 class="quiet">In this library</h2><ul class="figures">{items}{words}{encoder}</ul>{note}'


def _suggestions(found: Glance) -> str:
    if not found.suggestions:
        return ""
    chips = "".join(f'<li><a href="{escape(address(q=line))}">{escape(line)}</a></li>' for line in found.suggestions)
    return f'<h2>Try some words</h2><ul class="chips">{chips}</ul>'


def _samples(found: Glance) -> str:
    cards = "".join(_plain_card(panel) for panel in found.samples)
    return f'<h2>Or start from a panel</h2><ol class="cards">{cards}</ol>'


def _plain_card(panel: Panel) -> str:
    return _card(Card(0, 0.0, panel, "picture", ()), "?", scored=False)


# ------------------------------------------------------------------------ results


def summary(found: Results, encoder: str = "") -> str:
    """What was asked, how it was compared, how many panels were searched, and how long it took."""
    notes = "".join(f'<p class="aside">{escape(note)}</p>' for note in _notes(found, encoder))
    return f'<header class="summary"><h2 tabindex="-1">{_heading(found)}</h2><p>{_done(found)}</p>{notes}</header>'


def _done(found: Results) -> str:
    if not found.question.asks:
        return f"in story order · {_time(found.seconds)}"
    by_words = found.question.text.strip() and any(card.matched_words for card in found.cards)
    compared = "compared by dialogue and picture" if found.twice else _COMPARED[found.view]
    with_words = " with words" if found.view is View.DIALOGUE and not found.twice else ""
    return " · ".join(
        (
            f"{compared}{' and word for word' if by_words else ''}",
            f"{found.searched:,} {plural(found.searched, 'panel')}{with_words} searched",
            _time(found.seconds),
        )
    )


def _heading(found: Results) -> str:
    question = found.question
    if not question.asks:
        return f"{found.searched:,} {plural(found.searched, 'panel')}{_narrowed(found)}"
    words = f"<q>{escape(shorten(question.text, 80))}</q>" if question.text.strip() else ""
    part = "part of " if question.crop else ""
    like = f"{part}{_name(found.like)}" if found.like else ""
    upload = f"{part}your picture" if question.picture else ""
    asked = " and ".join(each for each in (like, upload, words) if each)
    elsewhere = f" elsewhere than {_name(found.elsewhere)}" if found.elsewhere else ""
    without = f" without <q>{escape(shorten(question.without, 40))}</q>" if question.without.strip() else ""
    kind = "Panels like" if found.like else "Hits for"
    return f"{kind} {asked}{elsewhere}{without}{_narrowed(found)}"


def _name(panel: Panel) -> str:
    return f"<em>{escape(panel.book)}</em>, page {panel.page_number}, panel {panel.number}"


def _narrowed(found: Results) -> str:
    books = found.question.where.get("book", ())
    if not books:
        return ""
    said = value_name("book", books[0])
    return f" in <em>{escape(said)}</em>" if said == books[0] else f" in books whose name {escape(said)}"


def _notes(found: Results, encoder: str) -> list[str]:
    question = found.question
    drawn = bool(question.text.strip()) and (question.words_in in ("drawn", "both") or question.view == "picture")
    alone = drawn and not (question.picture or question.like)
    return [LOST] * question.lost + [KNOWS_NO_MEANING] * (alone and encoder == "small")


def cards(found: Results, here: str, small: Mapping[int, bytes] | None = None) -> str:
    """Hits as list items; each opens from the address `here`. small: WebP bytes of panels' pictures to send along."""
    sent = small or {}
    asks, fold = found.question.asks, found.question.fold
    return "".join(_card(card, here, scored=asks, fold=fold, small=sent.get(card.panel.id)) for card in found.cards)


def end(found: Results) -> str:
    """Below the last hit where the list ends before the hits do."""
    if not found.cut:
        return ""
    of = "hits" if found.question.asks else f"of {found.searched:,} panels"
    return f'<p class="end">These are the first {found.start + len(found.cards):,} {of}. Narrow them to see others.</p>'


def nothing(found: Results) -> str:
    """In place of the wall when it is empty."""
    narrowed = bool(found.question.where)
    title = "No panel matches" if not narrowed else "No panel is left"
    way_out = (
        "Take a filter away: together they leave nothing."
        if narrowed
        else "Try other words, fewer of them, or another picture."
    )
    again = '<p><button type="button" class="button" data-do="no-filters">Search without filters</button></p>'
    return f'<section class="nothing"><h2>{title}</h2><p>{way_out}</p>{again if narrowed else ""}</section>'


def lost() -> str:
    """In place of the wall when a link's only question was a picture that it cannot carry."""
    return f'<section class="nothing"><h2>The picture is not part of the link</h2><p>{LOST}</p></section>'


def _card(card: Card, here: str, *, scored: bool = True, fold: str = "", small: bytes | None = None) -> str:
    panel = card.panel
    ratio = min(max(panel.box.w / panel.box.h if panel.box.h else 1, _NARROWEST), _WIDEST)
    alt = describe(panel)
    score = f'<span class="score" title="cosine similarity">{card.score:.2f}</span>' if scored else ""
    said = excerpt(panel.dialogue, card.matched_words) if scored or panel.dialogue.strip() else ""
    label = f"{alt}, score {card.score:.2f}" if scored else alt
    far = f' data-view="{card.view}" data-strength="{card.ranking_score:.5f}"' if scored else ""
    return (
        f'<li style="--ratio: {ratio:.3f}" data-id="{panel.id}"{far}>'
        f'<a class="card" href="{escape(with_part(here, "panel", panel.id))}" aria-label="{escape(label)}">'
        f'<span class="frame">{picture(panel, alt, small)}{score}</span>'
        f'<span class="caption"><span class="book">{escape(panel.book)}</span>'
        f'<span class="place">page {panel.page_number} · panel {panel.number}{_why(card) if scored else ""}</span>'
        f"{said}</span></a>{_use(panel)}{_fold(card, here, fold)}</li>"
    )


def _use(panel: Panel) -> str:
    """On the corner of a card: its panel becomes the picture of the question, words and filters stay."""
    said = f"Use panel {panel.number} on page {panel.page_number} of {panel.book} as picture"
    return (
        f'<button type="button" class="use" data-do="use" data-panel="{panel.id}" title="Use as picture"'
        f' aria-label="{escape(said)}">{icon("picture")}</button>'
    )


def _why(card: Card) -> str:
    """What matched: the picture, the words, or both; `meaning` where no word is the same."""
    reasons = {
        "picture": ["picture"],
        "words": ["words" if card.matched_words else "meaning"],
        "both": ["picture", "words"],
    }
    return "".join(f' <span class="why">{reason}</span>' for reason in reasons[card.matched_on])


def _fold(card: Card, here: str, fold: str) -> str:
    """The other hits of the same page or book, folded behind "and 3 more"."""
    if not card.grouped:
        return ""
    count = len(card.grouped) + card.more_grouped
    inner = "".join(_card(each, here) for each in card.grouped)
    alone = with_part(with_part(here, "fold", None), "book", card.panel.book)
    rest = f'<a class="quiet-link" href="{escape(alone)}">All of this book</a>' if card.more_grouped else ""
    return (
        f'<button type="button" class="unfold" data-do="unfold" aria-expanded="false"'
        f' aria-label="and {count} more of this {fold}">and {count} more {icon("down")}</button>'
        f'<template><li class="folded-out"><ol class="cards" aria-label="More of this {fold}">{inner}</ol>{rest}</li>'
        "</template>"
    )


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(1000 * seconds))} ms"
