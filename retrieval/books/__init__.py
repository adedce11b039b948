"""A page's bytes out of its book, a folder or a file, without ever leaving it.

One family of book files has one module here; what a file is, its first bytes say. Members are read in memory, within
bounds on count, bytes, expansion and pixels (`Reading`). The rules live here because finding pages (when building)
and reading them (also when asking) must agree.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from retrieval.books.container import WAY_OUT, Container, Entry
from retrieval.books.detect import HEAD, Kind, is_compressed, kind_of, other_kind
from retrieval.books.formats.folder import read_file
from retrieval.books.joined_pages import Joined, join, parse_joined, slices_of
from retrieval.books.limits import USUAL, Reading
from retrieval.books.names import (
    PAGE_SUFFIXES,
    beside,
    climbs,
    is_junk,
    is_other_picture,
    is_page,
    natural_key,
    page_name,
    suffix_of,
)
from retrieval.books.open_books import file_kind, open_books, open_container
from retrieval.errors import SourceError

__all__ = [
    "HEAD",
    "PAGE_SUFFIXES",
    "USUAL",
    "Container",
    "Entry",
    "Joined",
    "Kind",
    "Reading",
    "beside",
    "climbs",
    "file_kind",
    "is_compressed",
    "is_junk",
    "is_other_picture",
    "is_page",
    "kind_of",
    "natural_key",
    "open_container",
    "other_kind",
    "page_name",
    "parse_joined",
    "read_page",
    "slices_of",
    "suffix_of",
]


def read_page(book: Path, name: str, reading: Reading = USUAL) -> bytes:
    """The bytes of page (or annotation) `name` of `book`, a picture file of any format.

    `book` is a folder, a book file, or a single picture (whose only page has the file's own name). `name` is the path
    inside the book with '/' separators, or that of a joined page (`retrieval.books.joined_pages`).

    Raises SourceError: book or page missing, unreadable, beyond the bounds, or a name that climbs out of the book.
    """
    if climbs(name):
        raise SourceError(f"{book}: the page name {name!r} climbs out of the book; it is not read")
    try:
        return _read(book, name, reading)
    except OSError as error:
        raise SourceError(f"{book}: page {name!r} cannot be read: {error.strerror or error}") from error


def _read(book: Path, name: str, reading: Reading) -> bytes:
    if book.is_dir():
        return _from_folder(book, name, reading)
    if not book.is_file():
        raise SourceError(f"{book} is missing (wanted its page {name!r}): {WAY_OUT}")
    if file_kind(book) is not None:
        with open_books.use(book, reading) as container:
            return _from_container(container, name, reading)
    if name in beside(book.name):
        return read_file(book.parent, name, reading.max_bytes)
    raise SourceError(f"{book} is no longer a folder or a book (wanted its page {name!r}): {WAY_OUT}")


def _from_folder(folder: Path, name: str, reading: Reading) -> bytes:
    joined = None if (folder / name).exists() else parse_joined(name)
    if joined is None:
        return read_file(folder, name, reading.max_bytes)
    names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    return _joined(joined, names, lambda name: read_file(folder, name, reading.max_bytes), reading, folder)


def _from_container(book: Container, name: str, reading: Reading) -> bytes:
    name = page_name(name)
    joined = None if name in book.entries else parse_joined(name)
    if joined is None:
        return book.read(name)
    names = [name for name in book.entries if not climbs(name)]
    return _joined(joined, names, book.read, reading, book.path)


def _joined(joined: Joined, names: list[str], read: Callable[[str], bytes], reading: Reading, book: Path) -> bytes:
    try:
        return join(joined, slices_of(joined, names), read, reading)
    except SourceError as error:
        text = str(error)
        raise SourceError(text if text.startswith(str(book)) else f"{book}: page {joined.name!r}: {text}") from error
