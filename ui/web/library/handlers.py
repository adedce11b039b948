"""The library: books with covers and counts, one book's pages, what is known of the index. No Gradio, no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from natsort import natsort_keygen, ns

from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.store.catalog.records import BookSummary, CoverSummary

SORTS = ("title", "pages", "panels", "words")
BOOKS_AT_ONCE = 60
PAGES_AT_ONCE = 40
MOST_SKIPPED = 200

_natural = natsort_keygen(alg=ns.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Book:
    """One book: its counts, and its first page, None where it has none."""

    summary: BookSummary
    cover: CoverSummary


@dataclass(frozen=True, slots=True)
class Shelf:
    """Some books of the library, as asked: those from `start` on of `found` that fit `text`."""

    books: tuple[Book, ...]
    found: int
    start: int
    text: str
    sort: str

    @property
    def following(self) -> int | None:
        after = self.start + len(self.books)
        return after if after < self.found else None


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page of an open book with its panels."""

    id: int
    number: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class OpenBook:
    """A book with some of its pages, from place `start` on of `of`."""

    book: Book
    pages: tuple[OpenPage, ...]
    start: int
    of: int

    @property
    def following(self) -> int | None:
        after = self.start + PAGES_AT_ONCE
        return after if after < self.of else None


def shelf(index: PanelIndex, asked: Mapping[str, Any]) -> Shelf:
    """The books that fit `find`, in order of `sort`, from `start` on; what makes no sense is taken as not asked."""
    index.refresh()
    text = str(asked.get("find") or "")[:200].strip()
    sort = asked.get("sort") if asked.get("sort") in SORTS else "title"
    start = whole(asked.get("start"))
    fitting = [book for book in _books(index, index.generation.number) if text.casefold() in _names(book)]
    if sort != "title":
        fitting.sort(key=lambda book: -_count(book, str(sort)))
    some = tuple(fitting[start : start + BOOKS_AT_ONCE])
    return Shelf(some, len(fitting), start, text, str(sort))


def _names(book: Book) -> str:
    return f"{book.summary.title}\n{book.summary.path}".casefold()


def _count(book: Book, sort: str) -> int:
    return {"pages": book.summary.pages, "panels": book.summary.panels, "words": book.cover.with_words}[sort]


@lru_cache(maxsize=2)
def _books(index: PanelIndex, generation: int) -> tuple[Book, ...]:
    """All books in order of title; remembered for each generation, since counting a large library takes a while."""
    covers = index.catalog.library.covers()
    books = [Book(book, covers[book.id]) for book in index.books() if book.id in covers]
    return tuple(sorted(books, key=lambda book: _natural(book.summary.title)))


def open_book(index: PanelIndex, asked: Mapping[str, Any]) -> OpenBook:
    """Pages of the book `open`, from `start` on. Raises `UsageError` when the index has no such book."""
    index.refresh()
    wanted = whole(asked.get("open"), -1)
    book = next((b for b in _books(index, index.generation.number) if b.summary.id == wanted), None)
    if book is None:
        raise UsageError("This book is not in the index any more.")
    start = whole(asked.get("start"))
    pages = index.catalog.library.pages_of(wanted, PAGES_AT_ONCE, start)
    return OpenBook(
        book,
        tuple(OpenPage(page, number, tuple(index.page_panels(page))) for page, number in pages),
        start,
        book.summary.pages,
    )


@dataclass(frozen=True, slots=True)
class About:
    """The index itself: counts, encoder, what its search was measured to find, what was skipped."""

    counts: dict[str, int]
    encoder: dict[str, Any]
    built: str
    views: dict[str, dict[str, Any]]
    skipped: tuple[tuple[str, str], ...]
    skipped_in_all: int


def about(index: PanelIndex) -> About:
    """What is known of the index, without where it lies on this machine."""
    skipped = index.catalog.library.skipped()
    views = index.generation.manifest["views"]
    names = ("kind", "panels", "recall_at_10")
    return About(
        counts=index.catalog.library.counts(),
        encoder=index.catalog.settings().encoder or {},
        built=str((index.catalog.settings().last_build or {}).get("at", "")),
        views={name: {key: view.get(key) for key in names} for name, view in views.items()},
        skipped=tuple((_below(path, index), reason) for path, reason in skipped[:MOST_SKIPPED]),
        skipped_in_all=len(skipped),
    )


def _below(path: str, index: PanelIndex) -> str:
    """A path without the folders above its source: they are nobody's business at the page."""
    for source in index.catalog.library.sources():
        path = path.replace(f"{source.parent}/", "") if str(source.parent) != "/" else path
    return path


def whole(value: Any, otherwise: int = 0) -> int:
    """A number that came from a browser."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else otherwise
