"""What the files in a book, and next to it, say about it and its pages."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from index_builder.annotations.facts import Facts, first_of_each
from index_builder.annotations.file_names import facts_of_name
from index_builder.annotations.records import Written
from index_builder.annotations.registry import Recognised, recognise
from index_builder.sources import BookRef
from retrieval.books import BookFormat, ReadLimits, read_page
from retrieval.books.formats.folder import read_file
from retrieval.books.labels import normalize_label
from retrieval.books.page_ids import without_suffix
from retrieval.errors import SourceError

TRUSTED = ("ComicInfo", "CoMet", "ComicBookInfo", "ACBF", "mokuro", "Kumiko")
"""Whose word counts first where several say the same thing."""

_FACTS_ONLY = {"comicinfo.xml", "comet.xml"}
"""Files that say nothing about what is on a page: when they change, no page is looked at."""

_MOST_FILES = 50
"""More files than this that say something about one book are no such files."""

_VERSION = 1  # of how names and files are read: another one reads them again


@dataclass(frozen=True, slots=True)
class BookKnown:
    """What is known about a book: its facts, labels and annotations by page name, the direction it is read, and
    (file, remark) of what was amiss."""

    facts: Facts = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    reading_direction: str | None = None
    pages: Mapping[str, tuple[Written, ...]] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()


def stat_of(book: BookRef, names: Sequence[str]) -> str:
    """A cheap fingerprint of everything that `read_book` reads, and of which pages there are under which numbers."""
    pages = hashlib.sha256("\n".join(f"{p.number} {p.name}" for p in book.pages).encode()).hexdigest()[:16]
    said = (_VERSION, tuple(names), book.about, book.beside, book.comment, _document_stat(book), pages)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def files_stat(book: BookRef) -> str:
    """A fingerprint of the files that may say what is on its pages, "" where there is none."""
    about = tuple(item for item in book.about if item[0].rpartition("/")[2].lower() not in _FACTS_ONLY)
    found = (about, book.beside, _document_stat(book))
    return "" if found == ((), (), "") else hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def read_book(book: BookRef, names: Sequence[str], reading: ReadLimits) -> BookKnown:
    """Read the files in and next to a book; `names` are the parts of its path. What cannot be read leaves a remark."""
    notes: list[tuple[str, str]] = []
    found = list(_recognised(book, reading, notes))
    found.sort(key=lambda item: TRUSTED.index(item.format) if item.format in TRUSTED else len(TRUSTED))
    books = [item.book for item in found if item.book is not None]
    facts = first_of_each([*(known.facts for known in books), facts_of_name(names)])
    direction = next((known.reading_direction for known in books if known.reading_direction), None)
    return BookKnown(facts, _labels(book, found), direction, _pages(book, found), tuple(notes))


def _recognised(book: BookRef, reading: ReadLimits, notes: list[tuple[str, str]]) -> Iterator[Recognised]:
    """What each file is that is anything known."""
    for label, data in _files(book, reading, notes):
        found = recognise(data)
        if found.format or (found.note and PurePosixPath(label).suffix.lower() != ".json"):
            if found.note:
                notes.append((label, found.note))
            yield found


def _files(book: BookRef, reading: ReadLimits, notes: list[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """(label, bytes) of the files that may say something."""
    root = book.relative or book.path.name
    if book.comment:
        yield f"{root} (comment)", book.comment
    if book.kind == BookFormat.ACBF:
        yield root, book.path.read_bytes() if book.path.stat().st_size <= reading.max_bytes else b""
    for name, _ in book.about[:_MOST_FILES]:
        try:
            yield f"{root}/{name}", read_page(book.path, name, reading)
        except SourceError as error:
            notes.append((f"{root}/{name}", str(error)))
    for name, _ in book.beside:
        try:
            yield name, read_file(book.path.parent, name, reading.max_bytes)
        except (SourceError, OSError) as error:
            notes.append((name, str(error)))


def _document_stat(book: BookRef) -> str:
    """The fingerprint of a book that is one document with its pictures inside."""
    if book.kind != BookFormat.ACBF:
        return ""
    stat = book.path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def _labels(book: BookRef, found: Sequence[Recognised]) -> dict[str, str]:
    """The label of each page: by its number, or by its name in a file of labels."""
    labels: dict[str, str] = {}
    for item in reversed(found):  # the most trusted last, so that its word stays
        if item.book is not None:
            names = {page.number: page.name for page in book.pages}
            labels |= {names[n]: normalize_label(label) for n, label in item.book.labels.items() if n in names}
        if item.labels is not None:
            pages = _within(list(item.labels.pages), book)
            labels |= {page: normalize_label(item.labels.pages[name]) for page, name in pages.items()}
    return labels


def _pages(book: BookRef, found: Sequence[Recognised]) -> dict[str, tuple[Written, ...]]:
    """What is said about each page, the most trusted first."""
    pages: dict[str, tuple[Written, ...]] = {}
    for item in found:
        for page, name in _within(list(item.pages), book).items():
            pages[page] = (*pages.get(page, ()), item.pages[name])
    return pages


def _within(names: Sequence[str], book: BookRef) -> dict[str, str]:
    """Page name -> the name a file in the book calls it by: the same path, else the only one whose end is the same."""
    exact = {name.lstrip("./"): name for name in names}
    ends = Counter(_end(page.name) for page in book.pages)
    ended = Counter(_end(name) for name in names)
    by_end = {_end(name): name for name in names}
    found: dict[str, str] = {}
    for page in book.pages:
        end = _end(page.name)
        if page.name in exact:
            found[page.name] = exact[page.name]
        elif ends[end] == 1 and ended[end] == 1:
            found[page.name] = by_end[end]
    return found


def _end(name: str) -> str:
    """A file name without folders, pictures' extension and case."""
    return without_suffix(name.replace("\\", "/").rpartition("/")[2]).casefold()
