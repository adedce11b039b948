"""The library: books with covers and counts, the pages of one book, the index itself. No Gradio, no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from retrieval.books import natural_key
from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from retrieval.names import name_key
from retrieval.records import Panel
from ui.web.shell.messages import NO_SUCH_BOOK
from ui.web.shell.parameters import parse_integer, parse_text

if TYPE_CHECKING:
    from retrieval.store.catalog.records import BookSummary, CoverSummary

SORTS = ("title", "pages", "panels", "dialogue")
BOOKS_PER_BATCH = 60
PAGES_PER_BATCH = 40
MAX_SKIPPED = 200
_MAX_FIND_CHARS = 200


@dataclass(frozen=True, slots=True)
class Book:
    """One book with its counts and its first page."""

    summary: BookSummary
    cover: CoverSummary


@dataclass(frozen=True, slots=True)
class BookList:
    """Books whose title or path contains `text`: a batch of the `total`, from place `start` on."""

    books: tuple[Book, ...]
    total: int
    start: int
    text: str
    sort: str

    @property
    def next_start(self) -> int | None:
        """Return where the next batch begins, None after the last."""
        after = self.start + len(self.books)
        return after if after < self.total else None


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page of an open book with its panels."""

    id: int
    number: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class OpenBook:
    """A book with a batch of its `total` pages, from place `start` on."""

    book: Book
    pages: tuple[OpenPage, ...]
    start: int
    total: int

    @property
    def next_start(self) -> int | None:
        """Return where the next batch begins, None after the last."""
        after = self.start + PAGES_PER_BATCH
        return after if after < self.total else None


def list_books(index: PanelIndex, payload: Mapping[str, Any]) -> BookList:
    """Return the books for `{"find", "sort", "start"}`; values that make no sense count as not given."""
    index.refresh()
    text = parse_text(payload, "find", _MAX_FIND_CHARS).strip()
    sort = str(payload.get("sort")) if payload.get("sort") in SORTS else "title"
    start = parse_integer(payload.get("start"))
    matching = [book for book in _books(index, index.generation.number) if name_key(text) in _searchable(book)]
    if sort != "title":
        matching.sort(key=lambda book: -_count(book, sort))
    return BookList(tuple(matching[start : start + BOOKS_PER_BATCH]), len(matching), start, text, sort)


def _searchable(book: Book) -> str:
    return name_key(f"{book.summary.title}\n{book.summary.path}")


def _count(book: Book, sort: str) -> int:
    return {"pages": book.summary.pages, "panels": book.summary.panels, "dialogue": book.cover.with_words}[sort]


@lru_cache(maxsize=2)
def _books(index: PanelIndex, generation: int) -> tuple[Book, ...]:
    """Return all books by title. Cached for each generation: counting a large library takes a while."""
    covers = index.catalog.library.covers()
    books = [Book(book, covers[book.id]) for book in index.books() if book.id in covers]
    return tuple(sorted(books, key=lambda book: natural_key(book.summary.title)))


def open_book(index: PanelIndex, payload: Mapping[str, Any]) -> OpenBook:
    """Return pages for `{"open": book id, "start"}`. Raises `UsageError` if the index has no such book."""
    index.refresh()
    book_id = parse_integer(payload.get("open"), -1)
    book = next((b for b in _books(index, index.generation.number) if b.summary.id == book_id), None)
    if book is None:
        raise UsageError(NO_SUCH_BOOK)
    start = parse_integer(payload.get("start"))
    pages = index.catalog.library.pages_of(book_id, PAGES_PER_BATCH, start)
    return OpenBook(
        book,
        tuple(OpenPage(page, number, tuple(index.page_panels(page))) for page, number in pages),
        start,
        book.summary.pages,
    )


@dataclass(frozen=True, slots=True)
class IndexDetails:
    """The index itself: counts, encoder, search accuracy by view, and the skipped files with reasons."""

    counts: dict[str, int]
    encoder: dict[str, Any]
    built: str
    views: dict[str, dict[str, Any]]
    skipped: tuple[tuple[str, str], ...]
    skipped_total: int


def index_details(index: PanelIndex) -> IndexDetails:
    """Return the details of an index, without where it lies on this machine."""
    skipped, settings = index.catalog.library.skipped(), index.catalog.settings()
    views = index.generation.manifest["views"]
    names = ("index_type", "panels", "recall_at_10")
    return IndexDetails(
        counts=index.catalog.library.counts(),
        encoder=asdict(settings.encoder) if settings.encoder else {},
        built=settings.last_build.at if settings.last_build else "",
        views={name: {key: view.get(key) for key in names} for name, view in views.items()},
        skipped=tuple((_below_sources(path, index), reason) for path, reason in skipped[:MAX_SKIPPED]),
        skipped_total=len(skipped),
    )


def _below_sources(path: str, index: PanelIndex) -> str:
    """Return a path without the folders above its source, which visitors must not see."""
    for source in index.catalog.library.sources():
        path = path.replace(f"{source.parent}/", "") if str(source.parent) != "/" else path
    return path
