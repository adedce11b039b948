"""EPUB: the pictures of its pages in the order of its spine.

Read are fixed-layout books, where a page is one picture: in `img`, in an SVG `image`, as a background, or itself in
the spine. A book that is mostly text is refused.
"""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag
from xml.etree.ElementTree import Element

from retrieval.books import Container, page_name
from retrieval.books.formats.xml import descendants, parse_xml
from retrieval.errors import SourceError


class NoComic(SourceError):
    """A book that is not one of pictures."""


PACKAGE = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_BACKGROUND = re.compile(r"""url\(\s*['"]?(.*?)['"]?\s*\)""")
_PICTURE_SHARE = 0.5
"""A book is one of pictures from this share of pages that show one."""


def epub_order(book: Container) -> tuple[tuple[str, ...], str]:
    """(pictures in reading order, what is amiss or ""). Raises SourceError where it is no book of pictures."""
    package = _package(book)
    root = parse_xml(book.read(package), f"{book.path}/{package}")
    spine = _spine(root, package)
    if not spine:
        raise SourceError("the spine is empty", book.path)
    locked = _locked(book)
    pictures = [_pictures(book, name, media, locked) for name, media in spine]
    with_pictures = sum(1 for names in pictures if names)
    if with_pictures < _PICTURE_SHARE * len(spine) and not _is_fixed(root):
        shows = f"{with_pictures} of its {len(spine)} pages show{'s' if with_pictures == 1 else ''} a picture"
        raise NoComic(f"is a book of text: {shows}", book.path)
    names = tuple(dict.fromkeys(name for page in pictures for name in page))
    return tuple(name for name in names if name not in locked), _amiss(names, book, locked)


def _package(book: Container) -> str:
    root = parse_xml(book.read(PACKAGE), f"{book.path}/{PACKAGE}")
    paths = [item.get("full-path", "") for item in descendants(root, "rootfile")]
    if not paths or page_name(paths[0]) not in book.entries:
        raise SourceError("names no package document that it holds", book.path)
    return page_name(paths[0])


def _spine(root: Element, package: str) -> list[tuple[str, str]]:
    """(name in the archive, media type) of each page document."""
    items = {
        item.get("id", ""): item for manifest in descendants(root, "manifest") for item in descendants(manifest, "item")
    }
    references = [
        item.get("idref", "") for spine in descendants(root, "spine") for item in descendants(spine, "itemref")
    ]
    known = [items[reference] for reference in references if reference in items]
    return [(_resolved(item.get("href", ""), package), item.get("media-type", "")) for item in known]


def _is_fixed(root: Element) -> bool:
    """Whether the package says that its pages are laid out once and for all."""
    layouts = [item.text for item in descendants(root, "meta") if item.get("property") == "rendition:layout"]
    return "pre-paginated" in layouts


def _pictures(book: Container, name: str, media: str, locked: set[str]) -> list[str]:
    """The pictures that one document of the spine shows."""
    if media.startswith("image/") and media != "image/svg+xml":
        return [name]
    if name not in book.entries or name in locked:
        return []
    finder = _Pictures()
    finder.feed(book.read(name).decode("utf-8", "replace"))
    return [_resolved(href, name) for href in finder.found if not href.startswith("data:")]


class _Pictures(HTMLParser):
    """What a page shows; lenient, since many books are not well formed, and free of entities."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self._add(values.get("src"))
        elif tag == "image":
            self._add(values.get("xlink:href") or values.get("href"))
        background = _BACKGROUND.search(values.get("style") or "")
        if background:
            self._add(background[1])

    def _add(self, href: str | None) -> None:
        if href:
            self.found.append(href.strip())


def _resolved(href: str, document: str) -> str:
    """The name in the archive that a reference in `document` means."""
    path = unquote(urldefrag(href)[0])
    return page_name(posixpath.normpath(posixpath.join(posixpath.dirname(document), path)))


def _locked(book: Container) -> set[str]:
    """Members that are encrypted, by what the book says."""
    if _ENCRYPTION not in book.entries:
        return set()
    root = parse_xml(book.read(_ENCRYPTION), f"{book.path}/{_ENCRYPTION}")
    return {page_name(unquote(item.get("URI", ""))) for item in descendants(root, "CipherReference")}


def _amiss(names: tuple[str, ...], book: Container, locked: set[str]) -> str:
    encrypted = [name for name in names if name in locked]
    missing = [name for name in names if name not in book.entries]
    if encrypted:
        return f"has {len(encrypted)} pages that are encrypted (copy protection); they cannot be read"
    if missing:
        return f"shows {len(missing)} pictures that it does not hold (the first is {missing[0]!r}); the others are kept"
    return ""
