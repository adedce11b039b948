"""A panel on its page, and the panels before and after it: plain values in, plain records out. No Gradio, no HTML."""

from __future__ import annotations

from dataclasses import dataclass

from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog.text import idf, tokens
from ui.web.search.welcome import library_summary
from ui.web.shell.parameters import MAX_QUERY_CHARS, find_panel

NEIGHBOURS = 2
"""Panels shown before and after the panel."""

_MAX_TERMS = 64


@dataclass(frozen=True, slots=True)
class BoxOnPage:
    """A panel on the image of its page: left, top, width and height in percent, cut at the page's edge."""

    panel: int
    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PanelDetail:
    """A panel on its page. size: width and height of the page in pixels.

    before, after: the panels around it in reading order. panel_count: panels of the page; page_count: pages of the
    book. previous_page, next_page: id of a panel there. matched_words: words of the query in its dialogue, as written.
    metadata: of the book, (name, values). fixed_weights: True if the encoder weighs every panel alike.
    """

    panel: Panel
    size: tuple[int, int]
    boxes: tuple[BoxOnPage, ...]
    before: tuple[Panel, ...]
    after: tuple[Panel, ...]
    panel_count: int
    page_count: int
    previous_page: int | None
    next_page: int | None
    matched_words: tuple[str, ...] = ()
    metadata: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fixed_weights: bool = False


def panel_detail(index: PanelIndex, panel_id: object, query_text: str = "") -> PanelDetail:
    """Return a panel with its page and its neighbours. panel_id: whatever a browser sent.

    query_text: the text that found it. Raises `UsageError` if the index has no such panel.
    """
    panel = find_panel(index, panel_id)
    on_page = index.page_panels(panel.page_id)
    at = [p.id for p in on_page].index(panel.id)
    earlier, later = _earlier(index, panel), _later(index, panel)
    return PanelDetail(
        panel=panel,
        size=(panel.page_width, panel.page_height),
        # the full-page fallback would cover all other panels
        boxes=tuple(box for p in on_page if (p.id == panel.id or not p.is_fallback_page) and (box := _box(p))),
        before=tuple([*earlier, *on_page[:at]][-NEIGHBOURS:]),
        after=tuple([*on_page[at + 1 :], *later][:NEIGHBOURS]),
        panel_count=len(on_page),
        page_count=_page_count(index, panel),
        previous_page=earlier[-1].id if earlier else None,
        next_page=later[0].id if later else None,
        matched_words=_matched_words(panel, query_text),
        metadata=tuple(index.metadata(panel.book_id).items()),
        fixed_weights=library_summary(index).fixed_weights,
    )


def _earlier(index: PanelIndex, panel: Panel) -> list[Panel]:
    """Return the last panels of the pages before, in reading order."""
    where = {"book_id": panel.book_id, "page": (None, panel.page_number - 1)}
    return index.browse(where, k=NEIGHBOURS, offset=max(0, index.count(where) - NEIGHBOURS))


def _later(index: PanelIndex, panel: Panel) -> list[Panel]:
    return index.browse({"book_id": panel.book_id, "page": (panel.page_number + 1, None)}, k=NEIGHBOURS)


def _page_count(index: PanelIndex, panel: Panel) -> int:
    where = {"book_id": panel.book_id}
    last = index.browse(where, k=1, offset=max(0, index.count(where) - 1))
    return last[0].page_number if last else panel.page_number


def _matched_words(panel: Panel, query_text: str) -> tuple[str, ...]:
    terms = tokens(query_text[:MAX_QUERY_CHARS])[:_MAX_TERMS]
    return lexical_match(terms, panel.dialogue, idf(terms, {}, 1)).words if terms else ()


def _box(panel: Panel) -> BoxOnPage | None:
    width, height = panel.page_width, panel.page_height
    box = panel.box.on_page(width, height)
    if box is None:
        return None
    left, top = 100 * box.x / width, 100 * box.y / height
    return BoxOnPage(panel.id, panel.number, left, top, 100 * box.w / width, 100 * box.h / height)
