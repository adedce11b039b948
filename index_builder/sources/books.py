"""Records of books and pages, and the rules for their names: order, sidecar files, titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retrieval.books import natural_key, sidecar_names, suffix_of
from retrieval.books.names import PAGE_SUFFIXES
from retrieval.errors import PanelseekError
from retrieval.names import NameIndex, display_name


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page of a book, not yet read.

    name: path inside the book with '/' separators, for `retrieval.books.read_page`.
    number: position in the book from 1; skipped images are counted.
    fingerprint: changes with the page or its annotation.
    annotation: path inside the book of the JSON file that describes the page, or None.
    """

    name: str
    number: int
    fingerprint: str
    annotation: str | None


@dataclass(frozen=True, slots=True)
class BookRef:
    """A book and its pages.

    path: root of the source / `relative`. relative: "" if the root is the book.
    book_format: a value of `retrieval.books.BookFormat`. A root that is a single image is a "folder" book of one page.
    metadata_files: (name, fingerprint) of files inside the book that may have metadata or annotations.
    sidecar_files: the same for files next to the book that are named like it. comment: the archive's comment.
    reading_direction: "rtl" if the book file itself says so, else None.
    """

    path: Path
    relative: str
    title: str
    book_format: str
    pages: tuple[PageRef, ...]
    metadata_files: tuple[tuple[str, str], ...] = ()
    sidecar_files: tuple[tuple[str, str], ...] = ()
    comment: bytes = b""
    reading_direction: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that looks like comics and is not read. The reason does not repeat the path.

    left_out: True if it is never read, by rule: pages that an earlier build read there count as missing.
    """

    path: str
    reason: str
    left_out: bool = False


UNSUPPORTED_IMAGE = "unsupported image format; convert it to PNG or JPEG"
IN_BIN = "a folder of deleted files, snapshots or previews of a system; not read"

_METADATA_SUFFIXES = {".xml", ".acbf", ".mokuro", ".opf"}
_COLLECTION_INDEX = "index.json"
"""Name of a file that lists a whole collection, and never annotates a page."""

_GENERIC_NAME = re.compile(
    r"(pages?|images?|img|pics?|scans?|jpe?gs?|pngs?|webp|web|strips?|comics?|books?|files|[a-z]{2}"
    r"|(ch|chapter|ep|episode|vol|volume|issue|part|book|no|nr|[a-z])?[\s._-]*\d+([.,]\d+)?)",
    re.IGNORECASE,
)


def number_pages(
    pages: Mapping[str, str], sidecars: Mapping[str, str], unread: Iterable[str] = ()
) -> tuple[PageRef, ...]:
    """Return the pages in natural order.

    pages, sidecars: name -> fingerprint of page images and of other files.
    unread: names of images that cannot be read. They are counted, as ComicInfo counts them.
    """
    return pages_in_order(sorted({*pages, *unread}, key=natural_key), pages, sidecars)


def pages_in_order(names: Iterable[str], pages: Mapping[str, str], sidecars: Mapping[str, str]) -> tuple[PageRef, ...]:
    """Return the pages in the order of `names`, with their annotations; other names leave a gap in the numbers."""
    annotations = NameIndex(name for name in sidecars if may_annotate_page(name))
    refs = []
    for number, name in enumerate(names, start=1):
        if name not in pages:
            continue
        sidecar = next((found for other in sidecar_names(name)[1:] if (found := annotations.find(other))), None)
        fingerprint = pages[name] if sidecar is None else f"{pages[name]}|{sidecars[sidecar]}"
        refs.append(PageRef(name, number, fingerprint, sidecar))
    return tuple(refs)


def may_have_metadata(name: str) -> bool:
    """Return True if a file may have metadata or annotations of its whole book, by its name."""
    return suffix_of(name) in _METADATA_SUFFIXES


def metadata_files(sidecars: Mapping[str, str], pages: Iterable[PageRef]) -> tuple[tuple[str, str], ...]:
    """Return (name, fingerprint) of the sidecar files that are not the annotation of a page, EPUB packages first."""
    annotations = {page.annotation for page in pages}
    ordered = sorted(sidecars, key=lambda name: (suffix_of(name) != ".opf", natural_key(name)))
    names = (name for name in ordered if name not in annotations)
    return tuple((name, sidecars[name]) for name in names)


def may_annotate_page(name: str) -> bool:
    """Return True if a file may be the annotation of the page with the same name."""
    return suffix_of(name) == ".json" and name.rpartition("/")[2].lower() != _COLLECTION_INDEX


def may_be_picture(name: str) -> bool:
    """Return True if the first bytes of a file must tell whether it is a picture, because its name does not."""
    suffix = suffix_of(name)
    return suffix not in PAGE_SUFFIXES and suffix not in _METADATA_SUFFIXES and suffix != ".json"


def is_generic(name: str) -> bool:
    """Return True if the name of a folder or file says nothing about its book, such as `scans`, `en` or `ch 12`."""
    return _GENERIC_NAME.fullmatch(name) is not None


def book_title(names: Iterable[str]) -> str:
    """Return a title from the parts of a path, the book's own name last; a generic name keeps its parent's.

    ["Comics", "Ubunchu", "ch12"] -> "Ubunchu / ch12"; ["Comics", "Night Harbor"] -> "Night Harbor".
    """
    *parents, own = map(display_name, names)
    if not is_generic(own) or not parents:
        return own
    return f"{book_title(parents)} / {own}"


def root_name(root: Path) -> str:
    """Return the name of a source's root, also if it is given as "." or through a link."""
    return root.name or root.resolve().name or str(root)


def error_reason(error: PanelseekError | OSError) -> str:
    """Return the reason of a (path, reason) pair in a build report: the text of an error without its path."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return error.reason
