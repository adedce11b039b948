"""One book file -> its book, judged by its first bytes and its directory alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.sources.books import (
    BookRef,
    Skipped,
    about_book,
    is_about,
    is_note,
    number_pages,
    ordered_pages,
    skip_reason,
)
from index_builder.sources.listings import Listings, as_json, from_json, is_costly, stat_of
from index_builder.sources.orders import stated_order
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

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS = (
    *(".cbz", ".zip", ".cbr", ".rar", ".cb7", ".7z", ".cbt", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz"),
    *(".tar.bz2", ".tar.xz", ".pdf", ".epub", ".acbf", ".cba", ".ace", ".mobi", ".azw3", ".djvu", ".xps"),
)
NOT_READ = "is a picture in a format that is not read; convert it to PNG or JPEG"
_AGAIN = "comes several times in this archive; the last of that name is read"
READS = "read are CBZ, CBR, CB7, CBT, PDF, EPUB, ACBF, folders and pictures"


def is_archive(name: str) -> bool:
    """Whether a file is named like a book; whether it is one, its first bytes say."""
    return name.lower().endswith(_ENDINGS)


def archive_book(
    path: Path, relative: str, title: str, reading: ReadLimits, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """The book in the file at `path`, after what had to be skipped in it; its directory is read once."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        kind = detect_format(head)
        if kind is None:
            yield Skipped(str(path), _no_book(head))
            return
        if listings is not None and is_costly(kind, head):
            found = _remembered(path, kind, relative, title, reading, listings)
        else:
            found = _opened(path, kind, relative, title, reading)
    except SourceError as error:
        found = [Skipped(str(path), skip_reason(error.problem, error.hint))]
    except OSError as error:
        found = [Skipped(str(path), f"cannot be read: {error.strerror or error}")]
    yield from found


def _opened(path: Path, kind: BookFormat, relative: str, title: str, reading: ReadLimits) -> list[BookRef | Skipped]:
    book = open_container(path, reading)
    try:
        return list(_listed(book, kind, relative, title))
    finally:
        book.close()


def _remembered(
    path: Path, kind: BookFormat, relative: str, title: str, reading: ReadLimits, listings: Listings
) -> list[BookRef | Skipped]:
    """As an earlier build found it, where the file is the same."""
    stat, (before, value) = stat_of(path, title, reading), listings.known.get(relative, ("", None))
    if before == stat:
        return from_json(value)
    found = _opened(path, kind, relative, title, reading)
    listings.keep(relative, stat, as_json(found))
    return found


def _no_book(head: bytes) -> str:
    if not head:
        return "is empty (0 bytes); copy it here again"
    return f"is {describe_other_format(head) or 'not an archive'}; {READS}"


def _listed(book: Container, kind: BookFormat, relative: str, title: str) -> Iterator[BookRef | Skipped]:
    """What is skipped in an open book, then the book, where it has pages."""
    sorted_ = _sort(book)
    order = stated_order(book)
    yield from (_skipped(book.path, reason, names) for reason, names in sorted_.bad.items())
    if order.names is not None:
        pages = ordered_pages(order.names, sorted_.stats, sorted_.notes)
    else:
        pages = number_pages(sorted_.stats, sorted_.notes, sorted_.unread)
    if book.warning is not None:
        kept = "its whole pages are kept: " if pages else ""
        yield Skipped(str(book.path), f"{book.warning.text}; {kept}{book.warning.hint}")
    if order.trouble:
        yield Skipped(str(book.path), order.trouble)
    if pages:
        about = about_book(sorted_.notes, pages)
        yield BookRef(book.path, relative, title, str(order.kind or kind), pages, about, comment=book.comment)
    elif not sorted_.bad and book.warning is None and not order.trouble:
        yield Skipped(str(book.path), "holds no page images")


def _skipped(path: Path, reason: str, names: list[str]) -> Skipped:
    """One line for all members with the same fate: a hostile archive may have thousands."""
    more = f" (and {len(names) - 1} more like it in this archive)" if len(names) > 1 else ""
    return Skipped(f"{path}/{names[0]}", reason + more)


@dataclass(slots=True)
class _Sorted:
    """Readable pages and notes with their stats, and the names of the others by reason."""

    stats: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    bad: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def unread(self) -> Iterator[str]:
        """Pictures among the others."""
        others = (name for names in self.bad.values() for name in names if not escapes(name))
        return (name for name in others if is_page(name) or is_unsupported_image(name))


def _sort(book: Container) -> _Sorted:
    found = _Sorted()
    for name, entry in book.entries.items():
        if book.order is not None:
            found.stats[name] = entry.fingerprint  # its own order says what is a page
        else:
            _sort_in(name, entry, found)
    again = [name for name in book.duplicates if name in found.stats]
    if again:
        found.bad[_AGAIN] = again
    return found


def _sort_in(name: str, entry: Entry, found: _Sorted) -> None:
    wanted = is_page(name) or is_note(name) or is_about(name)
    if escapes(name):
        if wanted:
            found.bad["a page's path climbs out of the archive; it is not read"].append(name)
    elif is_junk(name):
        return
    elif is_archive(name) and not name.lower().endswith(".acbf"):
        found.bad["is an archive inside an archive; unpack the outer one"].append(name)
    elif is_unsupported_image(name):
        found.bad[NOT_READ].append(name)
    elif wanted:
        if entry.problem is not None:
            found.bad[skip_reason(entry.problem.text, entry.problem.hint)].append(name)
        else:
            (found.stats if is_page(name) else found.notes)[name] = entry.fingerprint
