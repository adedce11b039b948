"""The reading order that a book states itself: PDF and ACBF always, an archive by the ACBF or EPUB package inside."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import unquote

from index_builder.sources.epub import PACKAGE, NoComic, epub_order
from retrieval.books import BookFormat, Container, escapes, is_junk, is_page, natural_key, page_name
from retrieval.books.formats.acbf import page_hrefs
from retrieval.books.formats.xml import parse_xml
from retrieval.errors import SourceError


@dataclass(frozen=True, slots=True)
class Order:
    """Names of pages in reading order, None where the book does not say; () where it has no pages.

    `kind` where the order tells it better.
    """

    names: tuple[str, ...] | None = None
    trouble: str = ""
    kind: BookFormat | None = None


def stated_order(book: Container) -> Order:
    """The order a book states; natural order counts where it states none, or states it wrongly."""
    if book.order is not None:
        return Order(book.order)
    kind = BookFormat.EPUB if PACKAGE in book.entries else None
    try:
        if kind is not None:
            names, trouble = epub_order(book)
            return Order(names, trouble, kind)
        return _acbf(book)
    except NoComic as error:
        return Order((), error.problem, kind)
    except SourceError as error:
        return Order(None, f"does not say its order of pages: {_said(error, book)}; natural order is taken", kind)


def _said(error: SourceError, book: Container) -> str:
    inside = (error.path or "").removeprefix(str(book.path)).strip("/")
    return f"{inside}: {error.problem}" if inside else error.problem


def _acbf(book: Container) -> Order:
    """The pages as an ACBF file in the archive has them, where all of them are there."""
    found = [name for name in book.entries if name.lower().endswith(".acbf") and not is_junk(name)]
    if not found:
        return Order()
    root = parse_xml(book.read(found[0]), f"{book.path}/{found[0]}")
    names = [_inside(href, found[0]) for href in page_hrefs(root)]
    missing = [name for name in names if name not in book.entries]
    if missing:
        trouble = f"has an ACBF file that names pages which are not there (the first is {missing[0]!r}); "
        return Order(None, trouble + "all pictures are taken, in natural order")
    named = set(names)
    left = [name for name in book.entries if name not in named and is_page(name) and not is_junk(name)]
    left = sorted((name for name in left if not escapes(name)), key=natural_key)
    if not left:
        return Order(tuple(names))
    trouble = f"has an ACBF file that names {len(names)} of {len(names) + len(left)} pictures (not {left[0]!r}); "
    return Order((*names, *left), trouble + "the others come after those that it names")


def _inside(href: str, document: str) -> str:
    """The name in the archive that a reference means."""
    path = unquote(href).removeprefix("file:").lstrip("/")
    return page_name(posixpath.normpath(posixpath.join(posixpath.dirname(document), path)))
