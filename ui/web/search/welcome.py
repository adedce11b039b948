"""Start page of the web app, shown before the first search: the library in numbers, and things to try."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.search.sampling import interleave

if TYPE_CHECKING:
    from retrieval.store.catalog.records import BookSummary

_SAMPLES = 8
_CANDIDATES = 6
"""Panels looked at for each sample."""

_MIN_AREA = 0.06
"""Share of the page that a sample takes at least."""

_MIN_RATIO, _MAX_RATIO = 0.6, 2.0
_SUGGESTIONS = 5
_DIALOGUE_PANELS = 60
"""Panels of a book whose dialogue is looked through for suggestions."""

_GOOD_LINE = re.compile(r"(?=.{12,44}$)[^\W\d_][\w'’,-]*( [\w'’,-]+){2,7}[.!?]*")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class LibrarySummary:
    """The library in numbers, its encoder, and a few panels and lines of dialogue to start with.

    fixed_weights: True if the encoder weighs artwork, dialogue and layout alike in every panel.
    """

    books: int
    pages: int
    panels: int
    with_dialogue: int
    encoder: str
    provisional: bool
    fixed_weights: bool
    samples: tuple[Panel, ...]
    suggestions: tuple[str, ...]


def library_summary(index: PanelIndex) -> LibrarySummary:
    """Return the summary of an index. Cached for each generation: counting millions of panels takes a while."""
    return _library_summary(index, index.generation.number)


@lru_cache(maxsize=2)
def _library_summary(index: PanelIndex, generation: int) -> LibrarySummary:
    info = index.info()
    encoder = info["encoder"] or {}
    books = index.books()
    return LibrarySummary(
        books=info["books"],
        pages=info["pages"],
        panels=info["panels"],
        with_dialogue=info["panels_with_dialogue"],
        encoder=encoder.get("name", "unknown"),
        provisional=bool(encoder.get("provisional")),
        fixed_weights=bool(encoder.get("constant_gate")),
        samples=tuple(_samples(index, books)),
        suggestions=tuple(_suggestions(index, books)),
    )


def _samples(index: PanelIndex, books: Sequence[BookSummary]) -> list[Panel]:
    """Return panels with dialogue from the middle of some books, spread over the library."""
    filled = [book for book in books if book.panels]
    step = max(1, len(filled) // _SAMPLES)
    rounds = max(1, _SAMPLES // len(filled[::step])) if filled else 0
    samples: dict[int, Panel] = {}
    for book in filled[::step]:
        for part in range(rounds):
            at = book.panels * (2 * part + 1) // (2 * rounds + 1)
            with_dialogue = index.browse({"book_id": book.id, "has_dialogue": True}, k=_CANDIDATES, offset=at // 2)
            candidates = with_dialogue or index.browse({"book_id": book.id}, k=_CANDIDATES, offset=at)
            samples.update((p.id, p) for p in sorted(candidates, key=_fits_card, reverse=True)[:1])
    return list(samples.values())[:_SAMPLES]


def _fits_card(panel: Panel) -> bool:
    """Return True if a panel looks well on a card: neither a strip of lettering nor a sliver."""
    box = panel.box
    large = box.w * box.h >= _MIN_AREA * panel.page_width * panel.page_height
    return large and _MIN_RATIO <= box.w / box.h <= _MAX_RATIO


def _suggestions(index: PanelIndex, books: Sequence[BookSummary]) -> list[str]:
    """Return short whole lines of dialogue that make good first queries, from several books in turn."""
    lines = dict.fromkeys(interleave(_good_lines(index, book) for book in books[:_SAMPLES]))
    return list(lines)[:_SUGGESTIONS]


def _good_lines(index: PanelIndex, book: BookSummary) -> list[str]:
    """Return two lines of a book that are long enough to search for, not its first ones."""
    panels = index.browse({"book_id": book.id, "has_dialogue": True}, k=_DIALOGUE_PANELS)
    lines = (" ".join(line.split()) for panel in panels for line in panel.dialogue.splitlines())
    good = [line for line in lines if _GOOD_LINE.fullmatch(line)]
    good = [line for line in good if not line.isupper()] or good  # calmer where there is a choice
    return good[len(good) // 3 :: max(1, len(good) // 2)][:2]
