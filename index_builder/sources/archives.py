"""Listing of one book file, from its first bytes and its directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from index_builder.sources.books import (
    IN_BIN,
    UNSUPPORTED_IMAGE,
    BookRef,
    Skipped,
    error_reason,
    may_annotate_page,
    may_be_picture,
    may_have_metadata,
    metadata_files,
    number_pages,
    pages_in_order,
)
from index_builder.sources.listings import Listings, from_json, is_slow_to_list, listing_fingerprint, to_json
from index_builder.sources.orders import Order, is_epub, stated_order
from retrieval.books import (
    BookFormat,
    Container,
    Entry,
    ReadLimits,
    describe_other_format,
    detect_file,
    escapes,
    is_bin,
    is_book_file,
    is_junk,
    is_page,
    is_unsupported_image,
    open_container,
    suffix_of,
)
from retrieval.books.problems import ReadProblem
from retrieval.errors import SourceError
from retrieval.images.kinds import PICTURE_HEAD, PictureKind, picture_kind

_SUPPORTED_BOOKS = "supported are CBZ, CBR, CB7, CBT, PDF, EPUB, ACBF, folders and images"
_DUPLICATE_NAME = "several files in this archive have this name; only the last one is read"
_ESCAPES = "the page's path leads out of the archive; not read"
_NESTED_ARCHIVE = "archive inside an archive; unpack the outer one"


def list_book(
    path: Path, relative: str, title: str, limits: ReadLimits, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """Yield the skipped files of the book file at `path`, then its book; its directory is read once."""
    found: list[BookRef | Skipped]
    try:
        book_format, head = detect_file(path)
        if book_format is None:
            found = [Skipped(str(path), _unsupported(head))]
        elif listings is None:
            found, _ = _open_and_list(path, book_format, relative, title, limits)
        else:
            is_slow = is_slow_to_list(book_format, head)
            found = _list_cached(path, book_format, relative, title, limits, listings, is_slow=is_slow)
    except (SourceError, OSError) as error:
        found = [Skipped(str(path), error_reason(error))]
    yield from found


def _open_and_list(
    path: Path, book_format: BookFormat, relative: str, title: str, limits: ReadLimits
) -> tuple[list[BookRef | Skipped], bool]:
    """Return the listing of a book, and True if its pages could only be found by unpacking it."""
    book = open_container(path, limits)
    try:
        members = _sort_members(book)
        is_readable = not any(entry.problem for entry in book.entries.values())  # a program may be installed later
        was_unpacked = book.unpacks_whole and bool(members.unknown) and is_readable
        return list(_list(book, members, book_format, relative, title)), was_unpacked
    finally:
        book.close()


def _list_cached(
    path: Path,
    book_format: BookFormat,
    relative: str,
    title: str,
    limits: ReadLimits,
    listings: Listings,
    *,
    is_slow: bool,
) -> list[BookRef | Skipped]:
    """Return the stored listing of an unchanged book; store that of a new or changed one if listing it was slow."""
    fingerprint = listing_fingerprint(path, title, limits)
    cached_fingerprint, cached = listings.cached.get(relative, ("", None))
    if cached_fingerprint == fingerprint:
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # damaged: listed again
            return from_json(cached)
    found, was_unpacked = _open_and_list(path, book_format, relative, title, limits)
    if is_slow or was_unpacked:
        listings.store(relative, fingerprint, to_json(found))
    return found


def _unsupported(head: bytes) -> str:
    """Return why a file with these first bytes is not read."""
    if not head:
        return "the file is empty (0 bytes); copy it here again"
    return f"this is {describe_other_format(head) or 'not an archive'}; {_SUPPORTED_BOOKS}"


def _list(
    book: Container, members: _Members, book_format: BookFormat, relative: str, title: str
) -> Iterator[BookRef | Skipped]:
    """Yield the skipped files of an open book, then the book if it has pages."""
    if not is_epub(book):
        _find_pictures(book, members, list(members.unknown))
    order = stated_order(book, members.pages)
    if order.names is None:
        _find_pictures(book, members, list(members.unknown))
    elif book.order is None:
        _find_pictures(book, members, order.names)
        _skip_listed(book, members, order.names)
    yield from (_skip_members(book.path, reason, names) for reason, names in members.skipped.items())
    if order.names is not None:
        pages = pages_in_order(order.names, members.pages, members.sidecars)
    else:
        pages = number_pages(members.pages, members.sidecars, members.unread)
    warning = book.find_warning()
    yield from _warnings(book, warning, order, has_pages=bool(pages))
    if pages:
        files = metadata_files(members.sidecars, pages)
        stored_format = str(order.book_format or book_format)
        yield BookRef(
            *(book.path, relative, title, stored_format, pages, files),
            comment=book.comment,
            reading_direction=book.reading_direction,
        )
    elif not members.skipped and warning is None and not order.warning:
        yield Skipped(str(book.path), "no page images found")


def _warnings(book: Container, warning: ReadProblem | None, order: Order, *, has_pages: bool) -> Iterator[Skipped]:
    """Yield the problems of a book as a whole."""
    if warning is not None:
        kept = "; its complete pages are kept" if has_pages else ""
        problem = replace(warning, text=f"{warning.text}{kept}")
        yield Skipped(str(book.path), problem.error(book.path).reason)
    if order.warning:
        yield Skipped(str(book.path), order.warning)


def _skip_members(path: Path, reason: str, names: list[str]) -> Skipped:
    """Return one entry for all members skipped for one reason: a hostile archive may have thousands."""
    more = f" (and {len(names) - 1} more like it in this archive)" if len(names) > 1 else ""
    return Skipped(f"{path}/{names[0]}", reason + more)


@dataclass(slots=True)
class _Members:
    """Members of an archive.

    pages, sidecars: name -> fingerprint. unknown: the same for members whose names do not tell what they are.
    skipped: reason -> names. unread: names of the images among the skipped members.
    """

    pages: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: list[str] = field(default_factory=list)

    def skip(self, reason: str, name: str, *, is_image: bool = False) -> None:
        """Add a member to the skipped ones."""
        self.skipped[reason].append(name)
        if (is_image or is_page(name) or is_unsupported_image(name)) and not escapes(name):
            self.unread.append(name)


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
    """Add one member where it belongs by its name; junk is ignored."""
    if escapes(name):
        members.skip(_ESCAPES, name)
    elif is_junk(name):
        if is_bin(name):
            members.skipped[IN_BIN].append(name)
    elif entry.problem is not None:
        members.skip(entry.problem.error(name).reason, name)
    elif is_book_file(name) and not name.lower().endswith(".acbf"):
        members.skip(_NESTED_ARCHIVE, name)
    elif is_page(name):
        members.pages[name] = entry.fingerprint
    elif may_annotate_page(name) or may_have_metadata(name):
        members.sidecars[name] = entry.fingerprint
    elif may_be_picture(name):
        members.unknown[name] = entry.fingerprint


def _find_pictures(book: Container, members: _Members, names: Iterable[str]) -> None:
    """Sort the unknown members of these names by their first bytes; other files are of no use."""
    for name in names:
        fingerprint = members.unknown.pop(name, None)
        if fingerprint is None:
            continue
        try:
            kind = picture_kind(book.read_head(name, PICTURE_HEAD))
        except SourceError as error:
            members.skip(error_reason(error), name)
            continue
        if kind is PictureKind.PAGE:
            members.pages[name] = fingerprint
        elif kind is PictureKind.UNSUPPORTED or is_unsupported_image(name):
            members.skip(UNSUPPORTED_IMAGE, name, is_image=True)
        elif not suffix_of(name):
            _skip_damaged(book, members, name)


def _skip_damaged(book: Container, members: _Members, name: str) -> None:
    """Skip a member without an extension that is damaged: it may be a page whose first bytes are lost."""
    try:
        book.read(name)
    except SourceError as error:
        members.skip(error_reason(error), name)


def _skip_listed(book: Container, members: _Members, names: Iterable[str]) -> None:
    """Add the members that the book lists as pages, and that are no supported images, to the skipped ones."""
    skipped = {name for names in members.skipped.values() for name in names}
    for name in names:
        if name in book.entries and name not in members.pages and name not in skipped:
            members.skip(UNSUPPORTED_IMAGE, name, is_image=True)
