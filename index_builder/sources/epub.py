"""Page images of an EPUB in the order of its spine.

Supported are fixed-layout books, where a page is one image: in the page's document (see `epub_pages`) or directly in
the spine. A book that is mostly text is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from index_builder.sources.epub_pages import EpubFiles, PageImages
from retrieval.books import Container, page_name
from retrieval.books.formats.xml import descendants, parse_xml
from retrieval.errors import SourceError


class TextBookError(SourceError):
    """The EPUB is a book of text, not of images."""


CONTAINER_FILE = "META-INF/container.xml"
_ENCRYPTION_FILE = "META-INF/encryption.xml"
_MIN_IMAGE_SHARE = 0.5
"""Share of pages with an image from which a book is one of images."""


def epub_order(book: Container) -> tuple[tuple[str, ...], str]:
    """Return the image names in reading order, and a problem or "".

    Raises `TextBookError` for a book of text, and `SourceError` for a damaged package.
    """
    package = _package(book)
    root = parse_xml(book.read(package), f"{book.path}/{package}")
    encrypted = _encrypted_members(book)
    files = EpubFiles(book, encrypted)
    spine = _spine(root, package, files)
    if not spine:
        raise SourceError("the spine of the EPUB is empty", book.path)
    images = [files.images(name, media_type) for name, media_type in spine]
    _check_images(images, root, book)
    names = tuple(dict.fromkeys(name for page in images for name in page.names))
    return tuple(name for name in names if name not in encrypted), _find_problem(names, book, encrypted)


def _check_images(images: Sequence[PageImages], root: Element, book: Container) -> None:
    """Raise `TextBookError` if too few of the pages have images, and the layout is not fixed.

    One background behind all pages of a text, from a style sheet, counts once.
    """
    backgrounds = {page.names for page in images if page.from_style_sheets and page.names}
    with_image = sum(1 for page in images if page.names and not page.from_style_sheets) + len(backgrounds)
    if with_image < _MIN_IMAGE_SHARE * len(images) and not _is_fixed_layout(root):
        problem = f"this is a book of text (pages with an image: {with_image} of {len(images)})"
        raise TextBookError(problem, book.path)


def _package(book: Container) -> str:
    """Return the name of the package document."""
    root = parse_xml(book.read(CONTAINER_FILE), f"{book.path}/{CONTAINER_FILE}")
    paths = [item.get("full-path", "") for item in descendants(root, "rootfile")]
    package = EpubFiles(book, ()).resolve(paths[0]) if paths else ""
    if package not in book.entries:
        raise SourceError("the package document of the EPUB is missing", book.path)
    return package


def _spine(root: Element, package: str, files: EpubFiles) -> list[tuple[str, str]]:
    """Return (name in the archive, media type) of each page document."""
    items = {
        item.get("id", ""): item for manifest in descendants(root, "manifest") for item in descendants(manifest, "item")
    }
    references = [
        item.get("idref", "") for spine in descendants(root, "spine") for item in descendants(spine, "itemref")
    ]
    listed = [items[reference] for reference in references if reference in items]
    return [(files.resolve(item.get("href", ""), package), item.get("media-type", "")) for item in listed]


def _is_fixed_layout(root: Element) -> bool:
    layouts = [item.text for item in descendants(root, "meta") if item.get("property") == "rendition:layout"]
    return "pre-paginated" in layouts


def _encrypted_members(book: Container) -> set[str]:
    """Return the names of the members that the EPUB lists as encrypted."""
    if _ENCRYPTION_FILE not in book.entries:
        return set()
    root = parse_xml(book.read(_ENCRYPTION_FILE), f"{book.path}/{_ENCRYPTION_FILE}")
    names = (page_name(unquote(item.get("URI", ""))) for item in descendants(root, "CipherReference"))
    return {book.find(name) or name for name in names}


def _find_problem(names: tuple[str, ...], book: Container, encrypted: set[str]) -> str:
    """Return why some of the images are not read, or ""."""
    locked = [name for name in names if name in encrypted]
    missing = [name for name in names if name not in book.entries]
    if locked:
        return f"pages encrypted by copy protection, not read: {len(locked)}"
    if missing:
        return f"missing images: {len(missing)} (the first is {missing[0]!r}); the other pages are kept"
    return ""
