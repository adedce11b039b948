"""What stands on the page before the first question: the index at a glance, and things to try."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.store.catalog.records import BookSummary

_SAMPLES = 8
_CHOICE = 6  # panels looked at for each that is shown
_LARGE, _NARROWEST, _WIDEST = 0.06, 0.6, 2.0
_SUGGESTIONS = 5
_LOOKED_AT = 60
_GOOD_LINE = re.compile(r"(?=.{12,44}$)[^\W\d_][\w'’,-]*( [\w'’,-]+){2,7}[.!?]*")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Glance:
    """The index at a glance: counts, encoder, a few panels and lines to try."""

    books: int
    pages: int
    panels: int
    with_words: int
    encoder: str
    provisional: bool
    samples: tuple[Panel, ...]
    suggestions: tuple[str, ...]


def glance(index: PanelIndex) -> Glance:
    """What is in the index; remembered per generation, since counting millions of panels takes a while."""
    return _glance(index, index.generation.number)


@lru_cache(maxsize=2)
def _glance(index: PanelIndex, generation: int) -> Glance:
    info = index.info()
    encoder = info["encoder"] or {}
    books = index.books()
    samples = _samples(index, books)
    return Glance(
        books=info["books"],
        pages=info["pages"],
        panels=info["panels"],
        with_words=info["panels_with_dialogue"],
        encoder=encoder.get("name", "unknown"),
        provisional=bool(encoder.get("provisional")),
        samples=tuple(samples),
        suggestions=tuple(_suggestions(index, books)),
    )


def _samples(index: PanelIndex, books: list[BookSummary]) -> list[Panel]:
    """One talking panel from the middle of each of some books, spread over the library."""
    filled = [book for book in books if book.panels]
    step = max(1, len(filled) // _SAMPLES)
    rounds = max(1, _SAMPLES // len(filled[::step])) if filled else 0
    found: dict[int, Panel] = {}
    for book in filled[::step]:
        for part in range(rounds):
            at = book.panels * (2 * part + 1) // (2 * rounds + 1)
            panels = index.browse({"book_id": book.id, "has_dialogue": True}, k=_CHOICE, offset=at // 2)
            some = panels or index.browse({"book_id": book.id}, k=_CHOICE, offset=at)
            found.update((p.id, p) for p in sorted(some, key=_looks, reverse=True)[:1])
    return list(found.values())[:_SAMPLES]


def _looks(panel: Panel) -> bool:
    """Whether a panel shows well on a card: neither a strip of lettering nor a sliver."""
    box = panel.box
    large = box.w * box.h >= _LARGE * panel.page_width * panel.page_height
    return large and _NARROWEST <= box.w / box.h <= _WIDEST


def _suggestions(index: PanelIndex, books: list[BookSummary]) -> list[str]:
    """Short whole lines of dialogue that make good first questions, from each of some books in turn."""
    rounds = zip_longest(*(_good_lines(index, book) for book in books[:_SAMPLES]))
    lines = dict.fromkeys(line for some in rounds for line in some if line)
    return list(lines)[:_SUGGESTIONS]


def _good_lines(index: PanelIndex, book: BookSummary) -> list[str]:
    """Two lines of a book that say enough to be looked for, not its very first."""
    panels = index.browse({"book_id": book.id, "has_dialogue": True}, k=_LOOKED_AT)
    lines = (" ".join(line.split()) for panel in panels for line in panel.dialogue.splitlines())
    good = [line for line in lines if _GOOD_LINE.fullmatch(line)]
    good = [line for line in good if not line.isupper()] or good  # calmer where there is a choice
    return good[len(good) // 3 :: max(1, len(good) // 2)][:2]
