"""Page images of an EPUB in the order of its spine.

Supported are fixed-layout books, where a page is one image: in `img`, in an SVG `image`, as a background, or directly
in the spine. A book that is mostly text is refused.
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


class TextBookError(SourceError):
    """The EPUB is a book of text, not of images."""


CONTAINER_FILE = "META-INF/container.xml"
_ENCRYPTION_FILE = "META-INF/encryption.xml"
_BACKGROUND = re.compile(r"""url\(\s*['"]?(.*?)['"]?\s*\)""")
_MIN_IMAGE_SHARE = 0.5
"""Share of pages with an image from which a book is one of images."""


def epub_order(book: Container) -> tuple[tuple[str, ...], str]:
    """Return the image names in reading order, and a problem or "".

    Raises `TextBookError` for a book of text, and `SourceError` for a damaged package.
    """
    package = _package(book)
    root = parse_xml(book.read(package), f"{book.path}/{package}")
    spine = _spine(root, package)
    if not spine:
        raise SourceError("the spine of the EPUB is empty", book.path)
    encrypted = _encrypted_members(book)
    images = [_images(book, name, media_type, encrypted) for name, media_type in spine]
    _check_images(images, root, book)
    names = tuple(dict.fromkeys(name for page in images for name in page))
    return tuple(name for name in names if name not in encrypted), _find_problem(names, book, encrypted)


def _check_images(images: list[list[str]], root: Element, book: Container) -> None:
    """Raise `TextBookError` if too few of the pages have images, and the layout is not fixed."""
    with_image = sum(1 for names in images if names)
    if with_image < _MIN_IMAGE_SHARE * len(images) and not _is_fixed_layout(root):
        problem = f"this is a book of text (pages with an image: {with_image} of {len(images)})"
        raise TextBookError(problem, book.path)


def _package(book: Container) -> str:
    """Return the name of the package document."""
    root = parse_xml(book.read(CONTAINER_FILE), f"{book.path}/{CONTAINER_FILE}")
    paths = [item.get("full-path", "") for item in descendants(root, "rootfile")]
    if not paths or page_name(paths[0]) not in book.entries:
        raise SourceError("the package document of the EPUB is missing", book.path)
    return page_name(paths[0])


def _spine(root: Element, package: str) -> list[tuple[str, str]]:
    """Return (name in the archive, media type) of each page document."""
    items = {
        item.get("id", ""): item for manifest in descendants(root, "manifest") for item in descendants(manifest, "item")
    }
    references = [
        item.get("idref", "") for spine in descendants(root, "spine") for item in descendants(spine, "itemref")
    ]
    listed = [items[reference] for reference in references if reference in items]
    return [(_resolve(item.get("href", ""), package), item.get("media-type", "")) for item in listed]


def _is_fixed_layout(root: Element) -> bool:
    layouts = [item.text for item in descendants(root, "meta") if item.get("property") == "rendition:layout"]
    return "pre-paginated" in layouts


def _images(book: Container, name: str, media_type: str, encrypted: set[str]) -> list[str]:
    """Return the names of the images in one document of the spine."""
    if media_type.startswith("image/") and media_type != "image/svg+xml":
        return [name]
    if name not in book.entries or name in encrypted:
        return []
    parser = _ImageParser()
    parser.feed(book.read(name).decode("utf-8", "replace"))
    return [_resolve(href, name) for href in parser.references if not href.startswith("data:")]


class _ImageParser(HTMLParser):
    """Collector of the image references in a page; accepts malformed pages, and ignores entities."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self._add(values.get("src"))
        elif tag == "image":
            self._add(values.get("xlink:href") or values.get("href"))
        background = _BACKGROUND.search(values.get("style") or "")
        if background:
            self._add(background[1])

    def _add(self, reference: str | None) -> None:
        if reference:
            self.references.append(reference.strip())


def _resolve(href: str, document: str) -> str:
    """Return the name in the archive of a reference in `document`."""
    path = unquote(urldefrag(href)[0])
    return page_name(posixpath.normpath(posixpath.join(posixpath.dirname(document), path)))


def _encrypted_members(book: Container) -> set[str]:
    """Return the names of the members that the EPUB lists as encrypted."""
    if _ENCRYPTION_FILE not in book.entries:
        return set()
    root = parse_xml(book.read(_ENCRYPTION_FILE), f"{book.path}/{_ENCRYPTION_FILE}")
    return {page_name(unquote(item.get("URI", ""))) for item in descendants(root, "CipherReference")}


def _find_problem(names: tuple[str, ...], book: Container, encrypted: set[str]) -> str:
    """Return why some of the images are not read, or ""."""
    locked = [name for name in names if name in encrypted]
    missing = [name for name in names if name not in book.entries]
    if locked:
        return f"pages encrypted by copy protection, not read: {len(locked)}"
    if missing:
        return f"missing images: {len(missing)} (the first is {missing[0]!r}); the other pages are kept"
    return ""
