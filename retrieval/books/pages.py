"""Read the bytes of one page of a book: a folder, a book file, or a single image."""

from __future__ import annotations

import os
from pathlib import Path

from retrieval.books.container import Container
from retrieval.books.detect import detect_file
from retrieval.books.formats.folder import read_file
from retrieval.books.joined_pages import parse_joined, read_joined
from retrieval.books.limits import DEFAULT_LIMITS, ReadLimits
from retrieval.books.names import escapes, page_name, sidecar_names
from retrieval.books.open_books import BOOK_POOL
from retrieval.books.problems import REBUILD, ReadProblem, cannot_be_read
from retrieval.errors import SourceError
from retrieval.names import name_key

_BOOK_MISSING = ReadProblem("the book is missing", REBUILD)
_NO_BOOK = ReadProblem("the file is no longer a book", REBUILD)


def read_page(book: Path, name: str, limits: ReadLimits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of page (or annotation) `name` of `book`: an image file of any format.

    book: a folder, a book file, or a single image, whose only page has the file's own name. name: the path inside the
    book with '/' separators, or the name of a joined page (`retrieval.books.joined_pages`).

    Raises SourceError if book or page are missing, unreadable or beyond the limits, or if the name escapes the book.
    """
    limits.check_place(book)
    if escapes(name):
        raise SourceError(f"the page name {name!r} escapes the book; it is not read", book)
    try:
        return _read(book, name, limits)
    except OSError as error:
        raise cannot_be_read(error).error(book / name) from error


def _read(book: Path, name: str, limits: ReadLimits) -> bytes:
    if book.is_dir():
        return _read_from_folder(book, name, limits)
    if not book.is_file():
        raise _BOOK_MISSING.error(book / name)
    if detect_file(book)[0] is not None:
        with BOOK_POOL.use(book, limits) as container:
            return _read_from_container(container, name)
    if name_key(name) in map(name_key, sidecar_names(book.name)):
        return read_file(book.parent, name, limits.max_bytes, limits)
    raise _NO_BOOK.error(book / name)


def _read_from_folder(folder: Path, name: str, limits: ReadLimits) -> bytes:
    if (folder / name).exists() or ".." not in name:
        return read_file(folder, name, limits.max_bytes, limits)
    names = {entry.name for entry in os.scandir(folder) if entry.is_file()}
    joined = parse_joined(name, names)
    if joined is None:
        return read_file(folder, name, limits.max_bytes, limits)
    return read_joined(folder, joined, names, lambda name: read_file(folder, name, limits.max_bytes, limits), limits)


def _read_from_container(book: Container, name: str) -> bytes:
    name = page_name(name)
    joined = None if name in book.entries else parse_joined(name, book.entries)
    if joined is None:
        return book.read(name)
    names = [name for name in book.entries if not escapes(name)]
    return read_joined(book.path, joined, names, book.read, book.limits)
