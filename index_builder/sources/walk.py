"""Walk a source in natural order and yield its books."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.sources.archives import NOT_READ, archive_book, is_archive
from index_builder.sources.books import (
    BookRef,
    Skipped,
    about_book,
    book_title,
    is_about,
    is_note,
    number_pages,
    root_name,
)
from index_builder.sources.listings import Listings
from retrieval.books import (
    DEFAULT_LIMITS,
    HEAD,
    ReadLimits,
    detect_format,
    escapes,
    is_junk,
    is_page,
    is_unsupported_image,
    natural_key,
    sidecar_names,
    suffix_of,
)
from retrieval.books.formats.folder import read_file
from retrieval.errors import SourceError
from retrieval.images.formats import image_format

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_books(
    root: Path, reading: ReadLimits = DEFAULT_LIMITS, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """The books below `root`, and what had to be skipped, in natural order of their paths.

    `root` is a folder, an archive (told by its first bytes), or a single picture. In folders only
    files named like archives are tried as such: many other files are ZIPs inside. A folder that
    links inside the root point to is read at its own place; one outside is read once.

    `listings` are of an earlier walk of the same root. Raises SourceError at once when `root` does not exist.
    """
    try:
        if root.is_dir():
            return _Walk(root, reading, listings).books()
        if root.is_file():
            return _single(root, reading, listings)
    except OSError as error:
        raise SourceError(f"{root} cannot be read: {error.strerror or error}") from error
    raise SourceError(f"{root} does not exist: give a folder of comics, a book file or a picture")


def _single(path: Path, reading: ReadLimits, listings: Listings | None) -> Iterator[BookRef | Skipped]:
    """A root that is one file: a picture by its first bytes, else an archive."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if detect_format(head) is None and (image_format(head[:32]) or is_page(path.name)):
        stats = {path.name: _stat(path.stat())}
        others = (path.parent / name for name in sidecar_names(path.name)[1:])
        notes = {other.name: _stat(other.stat()) for other in others if other.is_file()}
        return iter([BookRef(path, "", path.stem, "folder", number_pages(stats, notes))])
    about = {n: _stat((path.parent / n).stat()) for n in _named_like(path.name, False) if (path.parent / n).is_file()}
    return _with_beside(archive_book(path, "", path.stem, reading, listings), tuple(about.items()))


@dataclass(slots=True)
class _Listing:
    """What one folder directly holds. `below`: sub-folders (True) and archives (False), for later; `unread`: pictures
    that are skipped, which count as pages all the same.
    """

    stats: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    below: dict[str, bool] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class _Walk:
    """One walk; remembers the folders it has entered, so that links cannot lead in circles."""

    def __init__(self, root: Path, reading: ReadLimits, listings: Listings | None) -> None:
        self.listings = listings
        self.root = root
        self.reading = reading
        self.real_root = root.resolve()
        self.entered: set[tuple[int, int]] = set()

    def books(self) -> Iterator[BookRef | Skipped]:
        """Depth first with a stack of its own: folders may nest deeper than Python recurses."""
        waiting: list[tuple[str, bool, tuple[tuple[str, str], ...]]] = [("", True, ())]
        while waiting:
            relative, is_folder, beside = waiting.pop()
            path = self.root / relative
            if is_folder:
                listing = self._list(path)
                yield from listing.skipped
                if listing.stats:
                    _leave_documents(path, listing)
                    pages = number_pages(listing.stats, listing.notes, listing.unread)
                    about = about_book(listing.notes, pages)
                    yield BookRef(path, relative, self._title(relative), "folder", pages, about, beside)
                below = sorted(listing.below, key=natural_key, reverse=True)
                waiting += [(f"{relative}/{n}".lstrip("/"), listing.below[n], _beside(n, listing)) for n in below]
            else:
                title = self._title(str(Path(relative).with_suffix("")))
                yield from _with_beside(archive_book(path, relative, title, self.reading, self.listings), beside)

    def _title(self, relative: str) -> str:
        return book_title([root_name(self.root), *(part for part in relative.split("/") if part)])

    def _list(self, folder: Path) -> _Listing:
        listing = _Listing()
        try:
            stat = folder.stat()
            if (stat.st_dev, stat.st_ino) in self.entered:
                return listing
            self.entered.add((stat.st_dev, stat.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        self._sort_in(entry, folder, listing)
                    except OSError as error:  # gone or locked meanwhile: costs this entry only
                        _skip(listing, entry, f"cannot be read: {error.strerror or error}")
        except OSError as error:
            listing.skipped.append(Skipped(str(folder), f"cannot be read: {error.strerror or error}"))
        listing.skipped.sort(key=lambda item: natural_key(item.path))
        return listing

    def _sort_in(self, entry: os.DirEntry[str], folder: Path, listing: _Listing) -> None:
        """Put one entry of a folder where it belongs; junk goes nowhere."""
        if is_junk(entry.name):
            return
        problem, wanted = _name_problem(entry.name), _wanted(entry.name)
        if entry.is_symlink():
            problem = problem or self._link_problem(Path(entry.path), folder)
            if problem == _ELSEWHERE:
                return
        is_folder = entry.is_dir()
        if problem and (is_folder or wanted or problem == _BROKEN):
            _skip(listing, entry, problem)
        elif is_folder:
            listing.below[entry.name] = True
        elif wanted and entry.is_file():
            self._add_file(entry, listing)

    def _add_file(self, entry: os.DirEntry[str], listing: _Listing) -> None:
        if is_archive(entry.name):
            listing.below[entry.name] = False
            if suffix_of(entry.name) == _DOCUMENT:
                listing.notes[entry.name] = _stat(entry.stat())
        elif is_unsupported_image(entry.name):
            _skip(listing, entry, NOT_READ)
        else:
            (listing.stats if is_page(entry.name) else listing.notes)[entry.name] = _stat(entry.stat())

    def _is_walked(self, target: Path) -> bool:
        """Whether the walk comes past a link's target anyway."""
        inside = target.is_relative_to(self.real_root)
        return inside and not is_junk(target.relative_to(self.real_root).as_posix())

    def _link_problem(self, link: Path, folder: Path) -> str:
        """Why a link is not followed, "" when it is."""
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            return _BROKEN
        if target.is_dir() or is_archive(link.name):
            if self.real_root.is_relative_to(target):
                return "is a link to a folder around the source; it is not followed"
            return _ELSEWHERE if self._is_walked(target) else ""
        return "" if target.is_relative_to(folder.resolve()) else "is a link that leaves its folder; copy the file"


def _leave_documents(folder: Path, listing: _Listing) -> None:
    """ACBF files beside pictures that hold none themselves say something about this book, and are none of their own."""
    for name in [name for name in listing.below if name.lower().endswith(_DOCUMENT)]:
        try:
            holds_none = b"<binary" not in read_file(folder, name, DEFAULT_LIMITS.max_bytes)
        except (SourceError, OSError):
            continue
        if holds_none:
            del listing.below[name]


def _named_like(name: str, is_folder: bool) -> list[str]:
    """What files are called that say something about a book next to them."""
    stem = name if is_folder else Path(name).stem
    return [f"{own}{suffix}" for own in dict.fromkeys((name, stem)) for suffix in (".mokuro", ".xml", ".json")]


def _beside(name: str, listing: _Listing) -> tuple[tuple[str, str], ...]:
    wanted = _named_like(name, listing.below[name])
    return tuple((other, listing.notes[other]) for other in wanted if other in listing.notes)


def _with_beside(
    found: Iterator[BookRef | Skipped], beside: tuple[tuple[str, str], ...]
) -> Iterator[BookRef | Skipped]:
    for item in found:
        yield replace(item, beside=beside) if isinstance(item, BookRef) else item


_DOCUMENT = ".acbf"
_ELSEWHERE = "is read at its own place"
_BROKEN = "is a link to nothing; is a drive missing?"


def _wanted(name: str) -> bool:
    return is_page(name) or is_note(name) or is_about(name) or is_archive(name) or is_unsupported_image(name)


def _name_problem(name: str) -> str:
    """Why a file or folder of this name cannot be kept in a catalog, "" when it can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not valid UTF-8; rename it"
    return "has a name that climbs out of its folder; rename it" if escapes(name) else ""


def _skip(listing: _Listing, entry: os.DirEntry[str], reason: str) -> None:
    if is_page(entry.name) or is_unsupported_image(entry.name):
        listing.unread.append(entry.name)
    path = entry.path.encode("utf-8", "backslashreplace").decode()
    listing.skipped.append(Skipped(path, reason))


def _stat(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}"
