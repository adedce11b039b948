"""Page order stated by a book: always by PDF and ACBF, by an archive in an EPUB package or an ACBF file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from index_builder.sources.books import error_reason
from index_builder.sources.epub import CONTAINER_FILE, TextBookError, epub_order
from retrieval.books import BookFormat, Container, is_junk, natural_key, page_name
from retrieval.books.formats.acbf import page_hrefs
from retrieval.books.formats.xml import parse_xml
from retrieval.errors import SourceError


@dataclass(frozen=True, slots=True)
class Order:
    """Page order of a book.

    names: page names in reading order, None if the book states no order, () if it has no pages. warning: a problem,
    or "". book_format: a more exact format than that of the container, or None.
    """

    names: tuple[str, ...] | None = None
    warning: str = ""
    book_format: BookFormat | None = None


def is_epub(book: Container) -> bool:
    """Return True if an archive holds the package of an EPUB."""
    return CONTAINER_FILE in book.entries


def stated_order(book: Container, pages: Iterable[str]) -> Order:
    """Return the order that a book states; without a valid one, its pages are in natural order.

    pages: names of the images in the book. Those that an ACBF file does not list follow the others.
    """
    if book.order is not None:
        return Order(book.order)
    book_format = BookFormat.EPUB if is_epub(book) else None
    try:
        if book_format is not None:
            names, warning = epub_order(book)
            return Order(names, warning, book_format)
        return _acbf_order(book, pages)
    except TextBookError as error:
        return Order((), error_reason(error), book_format)
    except SourceError as error:
        problem = f"its page order is unknown ({_describe(error, book)})"
        return Order(None, f"{problem}; natural order is used", book_format)


def _describe(error: SourceError, book: Container) -> str:
    """Return the reason of an error, with the path inside the book if it is about a part of the book."""
    path = Path(error.path or book.path)
    is_part = path != book.path and path.is_relative_to(book.path)
    return f"{path.relative_to(book.path).as_posix()}: {error_reason(error)}" if is_part else error_reason(error)


def _acbf_order(book: Container, pages: Iterable[str]) -> Order:
    """Return the order in an ACBF file of the archive, if all its pages exist."""
    documents = [name for name in book.entries if name.lower().endswith(".acbf") and not is_junk(name)]
    if not documents:
        return Order()
    document = documents[0]
    root = parse_xml(book.read(document), f"{book.path}/{document}")
    names = [_resolve(href, document, book) for href in page_hrefs(root)]
    missing = [name for name in names if name not in book.entries]
    if missing:
        problem = f"its ACBF file lists missing pages (the first is {missing[0]!r})"
        return Order(None, f"{problem}; all images are used, in natural order")
    listed = set(names)
    unlisted = sorted((name for name in pages if name not in listed), key=natural_key)
    if not unlisted:
        return Order(tuple(names))
    problem = f"its ACBF file lists {len(names)} of {len(names) + len(unlisted)} images (not {unlisted[0]!r})"
    return Order((*names, *unlisted), f"{problem}; the others follow in natural order")


def _resolve(href: str, document: str, book: Container) -> str:
    """Return the name in the archive of a reference in `document`."""
    path = unquote(href).removeprefix("file:").lstrip("/")
    name = page_name(posixpath.normpath(posixpath.join(posixpath.dirname(document), path)))
    return book.find(name) or name
