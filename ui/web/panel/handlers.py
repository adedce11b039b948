"""A panel on its page, and the story around it: plain values in, plain records out. No Gradio, no HTML."""

from __future__ import annotations

from dataclasses import dataclass

from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog.text import idf, tokens
from ui.web.search.question import MAX_WORDS, checked_id

STRIP = 2
"""Panels shown before and after the chosen one."""


@dataclass(frozen=True, slots=True)
class Place:
    """A panel on the picture of its page: left, top, width and height in percent, cut at the page's edge."""

    panel: int
    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """A panel on its page; `size` is the page's, in pixels.

    before, after: panels around it in the story, nearest last and first. of: panels on the page; pages: of the book.
    previous_page, next_page: a panel there. words: those of the question that it says, as they are written.
    facts: what is known about the book, (name, values).
    """

    panel: Panel
    size: tuple[int, int]
    places: tuple[Place, ...]
    before: tuple[Panel, ...]
    after: tuple[Panel, ...]
    of: int
    pages: int
    previous_page: int | None
    next_page: int | None
    words: tuple[str, ...] = ()
    facts: tuple[tuple[str, tuple[str, ...]], ...] = ()


def choose(index: PanelIndex, panel_id: object, asked: str = "") -> Chosen:
    """A panel, its page, and the panels before and after. The id comes from a browser, so it may be anything.

    asked: the words of the question it was found by. Raises `UsageError` when the index has no such panel.
    """
    panel = index.panel(checked_id(panel_id))
    here = index.page_panels(panel.page_id)
    at = [p.id for p in here].index(panel.id)
    earlier, later = _earlier(index, panel), _later(index, panel)
    return Chosen(
        panel=panel,
        size=(panel.page_width, panel.page_height),
        # a whole page kept besides its panels would lie over them all
        places=tuple(place for p in here if (p.id == panel.id or not p.is_fallback_page) and (place := _place(p))),
        before=tuple([*earlier, *here[:at]][-STRIP:]),
        after=tuple([*here[at + 1 :], *later][:STRIP]),
        of=len(here),
        pages=_last_page(index, panel),
        previous_page=earlier[-1].id if earlier else None,
        next_page=later[0].id if later else None,
        words=_said(panel, asked),
        facts=tuple(index.metadata(panel.book_id).items()),
    )


def _earlier(index: PanelIndex, panel: Panel) -> list[Panel]:
    """The last panels of the pages before, in story order."""
    where = {"book_id": panel.book_id, "page": (None, panel.page_number - 1)}
    return index.browse(where, k=STRIP, offset=max(0, index.count(where) - STRIP))


def _later(index: PanelIndex, panel: Panel) -> list[Panel]:
    return index.browse({"book_id": panel.book_id, "page": (panel.page_number + 1, None)}, k=STRIP)


def _last_page(index: PanelIndex, panel: Panel) -> int:
    where = {"book_id": panel.book_id}
    last = index.browse(where, k=1, offset=max(0, index.count(where) - 1))
    return last[0].page_number if last else panel.page_number


def _said(panel: Panel, asked: str) -> tuple[str, ...]:
    terms = tokens(asked[:MAX_WORDS])[:64]
    return lexical_match(terms, panel.dialogue, idf(terms, {}, 1)).words if terms else ()


def _place(panel: Panel) -> Place | None:
    width, height = panel.page_width, panel.page_height
    box = panel.box.on_page(width, height)
    if box is None:
        return None
    return Place(
        panel.id,
        panel.number,
        100 * box.x / width,
        100 * box.y / height,
        100 * box.w / width,
        100 * box.h / height,
    )
