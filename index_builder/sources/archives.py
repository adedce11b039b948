"""Listing of one book file, from its first bytes and its directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from index_builder.sources.books import (
    BookRef,
    Skipped,
    error_reason,
    may_annotate_page,
    may_have_metadata,
    metadata_files,
    number_pages,
    pages_in_order,
)
from index_builder.sources.listings import Listings, from_json, is_slow_to_list, listing_fingerprint, to_json
from index_builder.sources.orders import Order, stated_order
from retrieval.books import (
    HEAD,
    BookFormat,
    Container,
    Entry,
    ReadLimits,
    describe_other_format,
    detect_format,
    escapes,
    is_junk,
    is_page,
    is_unsupported_image,
    open_container,
)
from retrieval.errors import SourceError

_SUFFIXES = (
    *(".cbz", ".zip", ".cbr", ".rar", ".cb7", ".7z", ".cbt", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz"),
    *(".tar.bz2", ".tar.xz", ".pdf", ".epub", ".acbf", ".cba", ".ace", ".mobi", ".azw3", ".djvu", ".xps"),
)
UNSUPPORTED_IMAGE = "unsupported image format; convert it to PNG or JPEG"
_SUPPORTED_BOOKS = "supported are CBZ, CBR, CB7, CBT, PDF, EPUB, ACBF, folders and images"
_DUPLICATE_NAME = "several files in this archive have this name; only the last one is read"
_ESCAPES = "the page's path leads out of the archive; not read"
_NESTED_ARCHIVE = "archive inside an archive; unpack the outer one"


def is_book_file(name: str) -> bool:
    """Return True if a file is named like a book file; its first bytes decide whether it is one."""
    return name.lower().endswith(_SUFFIXES)


def list_book(
    path: Path, relative: str, title: str, limits: ReadLimits, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """Yield the skipped files of the book file at `path`, then its book; its directory is read once."""
    found: list[BookRef | Skipped]
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        book_format = detect_format(head)
        if book_format is None:
            found = [Skipped(str(path), _unsupported(head))]
        elif listings is not None and is_slow_to_list(book_format, head):
            found = _list_cached(path, book_format, relative, title, limits, listings)
        else:
            found = _open_and_list(path, book_format, relative, title, limits)
    except (SourceError, OSError) as error:
        found = [Skipped(str(path), error_reason(error))]
    yield from found


def _open_and_list(
    path: Path, book_format: BookFormat, relative: str, title: str, limits: ReadLimits
) -> list[BookRef | Skipped]:
    book = open_container(path, limits)
    try:
        return list(_list(book, book_format, relative, title))
    finally:
        book.close()


def _list_cached(
    path: Path, book_format: BookFormat, relative: str, title: str, limits: ReadLimits, listings: Listings
) -> list[BookRef | Skipped]:
    """Return the stored listing of an unchanged book; store that of a new or changed one."""
    fingerprint = listing_fingerprint(path, title, limits)
    cached_fingerprint, cached = listings.cached.get(relative, ("", None))
    if cached_fingerprint == fingerprint:
        return from_json(cached)
    found = _open_and_list(path, book_format, relative, title, limits)
    listings.store(relative, fingerprint, to_json(found))
    return found


def _unsupported(head: bytes) -> str:
    """Return why a file with these first bytes is not read."""
    if not head:
        return "the file is empty (0 bytes); copy it here again"
    return f"this is {describe_other_format(head) or 'not an archive'}; {_SUPPORTED_BOOKS}"


def _list(book: Container, book_format: BookFormat, relative: str, title: str) -> Iterator[BookRef | Skipped]:
    """Yield the skipped files of an open book, then the book if it has pages."""
    members = _sort_members(book)
    order = stated_order(book)
    yield from (_skip_members(book.path, reason, names) for reason, names in members.skipped.items())
    if order.names is not None:
        pages = pages_in_order(order.names, members.pages, members.sidecars)
    else:
        pages = number_pages(members.pages, members.sidecars, members.unread)
    yield from _warnings(book, order, has_pages=bool(pages))
    if pages:
        files = metadata_files(members.sidecars, pages)
        stored_format = str(order.book_format or book_format)
        yield BookRef(
            *(book.path, relative, title, stored_format, pages, files),
            comment=book.comment,
            reading_direction=book.reading_direction,
        )
    elif not members.skipped and book.warning is None and not order.warning:
        yield Skipped(str(book.path), "no page images found")


def _warnings(book: Container, order: Order, *, has_pages: bool) -> Iterator[Skipped]:
    """Yield the problems of a book as a whole."""
    if book.warning is not None:
        kept = "; its complete pages are kept" if has_pages else ""
        problem = replace(book.warning, text=f"{book.warning.text}{kept}")
        yield Skipped(str(book.path), problem.error(book.path).reason)
    if order.warning:
        yield Skipped(str(book.path), order.warning)


def _skip_members(path: Path, reason: str, names: list[str]) -> Skipped:
    """Return one entry for all members skipped for one reason: a hostile archive may have thousands."""
    more = f" (and {len(names) - 1} more like it in this archive)" if len(names) > 1 else ""
    return Skipped(f"{path}/{names[0]}", reason + more)


@dataclass(slots=True)
class _Members:
    """Members of an archive. pages, sidecars: name -> fingerprint. skipped: reason -> names."""

    pages: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def unread(self) -> Iterator[str]:
        """Names of the images among the skipped members."""
        names = (name for names in self.skipped.values() for name in names if not escapes(name))
        return (name for name in names if is_page(name) or is_unsupported_image(name))


def _sort_members(book: Container) -> _Members:
    members = _Members()
    for name, entry in book.entries.items():
        if book.order is not None:
            members.pages[name] = entry.fingerprint  # the container's own order lists its pages
        else:
            _sort_member(name, entry, members)
    duplicates = [name for name in book.duplicates if name in members.pages]
    if duplicates:
        members.skipped[_DUPLICATE_NAME] = duplicates
    return members


def _sort_member(name: str, entry: Entry, members: _Members) -> None:
    """Add one member where it belongs; junk and files of no use are ignored."""
    is_used = is_page(name) or may_annotate_page(name) or may_have_metadata(name)
    if escapes(name):
        if is_used:
            members.skipped[_ESCAPES].append(name)
    elif is_junk(name):
        return
    elif is_book_file(name) and not name.lower().endswith(".acbf"):
        members.skipped[_NESTED_ARCHIVE].append(name)
    elif is_unsupported_image(name):
        members.skipped[UNSUPPORTED_IMAGE].append(name)
    elif is_used:
        if entry.problem is not None:
            members.skipped[entry.problem.error(name).reason].append(name)
        else:
            (members.pages if is_page(name) else members.sidecars)[name] = entry.fingerprint
