"""Walk through a source in natural order that yields its books."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from index_builder.sources.archives import UNSUPPORTED_IMAGE, is_book_file, list_book
from index_builder.sources.books import (
    BookRef,
    Skipped,
    book_title,
    error_reason,
    may_annotate_page,
    may_have_metadata,
    metadata_files,
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

_ACBF_SUFFIX = ".acbf"
_WALKED_ANYWAY = "the walk reaches the link's target at its own path"
_BROKEN_LINK = "broken link; check that its drive is connected"
_LINK_TO_PARENT = "link to a folder that contains the source; not followed"
_LINK_OUT = "link to a file outside its folder; copy the file here"


def find_books(
    root: Path, limits: ReadLimits = DEFAULT_LIMITS, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """Yield the books below `root`, and the skipped files, in natural order of their paths.

    root: a folder, a book file (recognised by its first bytes), or a single image. In folders only files named like
    book files are tried, because many other files are ZIPs inside. A linked folder inside the root is read at its
    own path, one outside the root is read once.
    listings: listings of an earlier walk of the same root.

    Raises SourceError at once if `root` does not exist.
    """
    limits.check_place(root)
    try:
        if root.is_dir():
            return _Walk(root, limits, listings).books()
        if root.is_file():
            return _list_file(root, limits, listings)
    except OSError as error:
        raise SourceError(error_reason(error), root) from error
    raise SourceError("does not exist", root, "give a folder of comics, a book file or an image")


def _list_file(path: Path, limits: ReadLimits, listings: Listings | None) -> Iterator[BookRef | Skipped]:
    """Yield the book of a root that is one file: an image or a book file."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if detect_format(head) is None and (image_format(head[:32]) or is_page(path.name)):
        pages = number_pages(
            _fingerprints(path.parent, [path.name]), _fingerprints(path.parent, sidecar_names(path.name)[1:])
        )
        return iter([BookRef(path, "", path.stem, "folder", pages)])
    sidecars = _fingerprints(path.parent, _book_sidecar_names(path.name, is_folder=False))
    return _with_sidecars(list_book(path, "", path.stem, limits, listings), tuple(sidecars.items()))


def _fingerprints(folder: Path, names: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return name -> fingerprint of the files that exist."""
    return {name: _fingerprint((folder / name).stat()) for name in names if (folder / name).is_file()}


@dataclass(slots=True)
class _Folder:
    """Content of one folder.

    pages, sidecars: name -> fingerprint. below: name -> True for a folder, False for a book file.
    unread: names of images that are skipped; they are counted as pages.
    """

    pages: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, str] = field(default_factory=dict)
    below: dict[str, bool] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def skip(self, entry: os.DirEntry[str], reason: str) -> None:
        """Add an entry to the skipped files."""
        if is_page(entry.name) or is_unsupported_image(entry.name):
            self.unread.append(entry.name)
        path = entry.path.encode("utf-8", "backslashreplace").decode()
        self.skipped.append(Skipped(path, reason))


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder or book file still to be listed, with the (name, fingerprint) pairs of the sidecar files next to it."""

    relative: str
    is_folder: bool
    sidecars: tuple[tuple[str, str], ...] = ()


class _Walk:
    """One walk through a source. Folders are entered once, so that links cannot lead in circles."""

    def __init__(self, root: Path, limits: ReadLimits, listings: Listings | None) -> None:
        self._listings = listings
        self._root = root
        self._limits = limits
        self._real_root = root.resolve()
        self._entered: set[tuple[int, int]] = set()

    def books(self) -> Iterator[BookRef | Skipped]:
        """Yield the books depth first, with an explicit stack: folders may nest deeper than Python recurses."""
        stack = [_Place("", is_folder=True)]
        while stack:
            place = stack.pop()
            if place.is_folder:
                folder = self._list(self._root / place.relative)
                yield from self._folder_book(place, folder)
                names = sorted(folder.below, key=natural_key, reverse=True)
                stack += [_place_below(place, name, folder) for name in names]
            else:
                yield from self._file_book(place)

    def _folder_book(self, place: _Place, folder: _Folder) -> Iterator[BookRef | Skipped]:
        """Yield the skipped files of a folder, then the book of its page images."""
        yield from folder.skipped
        if folder.pages:
            path = self._root / place.relative
            _drop_plain_acbf_files(path, folder)
            pages = number_pages(folder.pages, folder.sidecars, folder.unread)
            files = metadata_files(folder.sidecars, pages)
            title = self._title(place.relative)
            yield BookRef(path, place.relative, title, "folder", pages, files, place.sidecars)

    def _file_book(self, place: _Place) -> Iterator[BookRef | Skipped]:
        title = self._title(str(Path(place.relative).with_suffix("")))
        path = self._root / place.relative
        try:
            self._limits.check_place(path)
        except SourceError as error:
            return iter([Skipped(str(path), error_reason(error))])
        return _with_sidecars(list_book(path, place.relative, title, self._limits, self._listings), place.sidecars)

    def _title(self, relative: str) -> str:
        return book_title([root_name(self._root), *(part for part in relative.split("/") if part)])

    def _list(self, path: Path) -> _Folder:
        """Return the content of a folder; nothing if it was entered before."""
        folder = _Folder()
        try:
            self._limits.check_place(path)
            stat = path.stat()
            if (stat.st_dev, stat.st_ino) in self._entered:
                return folder
            self._entered.add((stat.st_dev, stat.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    try:
                        self._add_entry(entry, path, folder)
                    except OSError as error:  # removed or locked meanwhile: skips this entry only
                        folder.skip(entry, error_reason(error))
        except (SourceError, OSError) as error:
            folder.skipped.append(Skipped(str(path), error_reason(error)))
        folder.skipped.sort(key=lambda item: natural_key(item.path))
        return folder

    def _add_entry(self, entry: os.DirEntry[str], path: Path, folder: _Folder) -> None:
        """Add one entry of a folder where it belongs; junk and files of no use are ignored."""
        if is_junk(entry.name):
            return
        problem, is_used = _name_problem(entry.name), _is_used(entry.name)
        if entry.is_symlink():
            problem = problem or self._link_problem(Path(entry.path), path)
            if problem == _WALKED_ANYWAY:
                return
        is_folder = entry.is_dir()
        if problem and (is_folder or is_used or problem == _BROKEN_LINK):
            folder.skip(entry, problem)
        elif is_folder:
            folder.below[entry.name] = True
        elif is_used and entry.is_file():
            _add_file(entry, folder)

    def _is_walked(self, target: Path) -> bool:
        """Return True if the walk reaches a link's target without the link."""
        inside = target.is_relative_to(self._real_root)
        return inside and not is_junk(target.relative_to(self._real_root).as_posix())

    def _link_problem(self, link: Path, folder: Path) -> str:
        """Return why a link is not followed, or ""."""
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            return _BROKEN_LINK
        if target.is_dir() or is_book_file(link.name):
            if self._real_root.is_relative_to(target):
                return _LINK_TO_PARENT
            return _WALKED_ANYWAY if self._is_walked(target) else ""
        return "" if target.is_relative_to(folder.resolve()) else _LINK_OUT


def _place_below(place: _Place, name: str, folder: _Folder) -> _Place:
    names = _book_sidecar_names(name, is_folder=folder.below[name])
    sidecars = tuple((other, folder.sidecars[other]) for other in names if other in folder.sidecars)
    return _Place(f"{place.relative}/{name}".lstrip("/"), folder.below[name], sidecars)


def _add_file(entry: os.DirEntry[str], folder: _Folder) -> None:
    if is_book_file(entry.name):
        folder.below[entry.name] = False
        if suffix_of(entry.name) == _ACBF_SUFFIX:
            folder.sidecars[entry.name] = _fingerprint(entry.stat())
    elif is_unsupported_image(entry.name):
        folder.skip(entry, UNSUPPORTED_IMAGE)
    else:
        (folder.pages if is_page(entry.name) else folder.sidecars)[entry.name] = _fingerprint(entry.stat())


def _drop_plain_acbf_files(path: Path, folder: _Folder) -> None:
    """Drop the ACBF files without images from the books of a folder with images: they describe the folder's book."""
    for name in [name for name in folder.below if name.lower().endswith(_ACBF_SUFFIX)]:
        try:
            has_images = b"<binary" in read_file(path, name, DEFAULT_LIMITS.max_bytes)
        except (SourceError, OSError):
            continue
        if not has_images:
            del folder.below[name]


def _book_sidecar_names(name: str, *, is_folder: bool) -> list[str]:
    """Return the names that a file with metadata or annotations of a book may have next to it."""
    stem = name if is_folder else Path(name).stem
    return [f"{own}{suffix}" for own in dict.fromkeys((name, stem)) for suffix in (".mokuro", ".xml", ".opf", ".json")]


def _with_sidecars(
    items: Iterator[BookRef | Skipped], sidecars: tuple[tuple[str, str], ...]
) -> Iterator[BookRef | Skipped]:
    for item in items:
        yield replace(item, sidecar_files=sidecars) if isinstance(item, BookRef) else item


def _is_used(name: str) -> bool:
    """Return True if files of this name are read or, as images of another format, reported."""
    is_image = is_page(name) or is_unsupported_image(name)
    return is_image or may_annotate_page(name) or may_have_metadata(name) or is_book_file(name)


def _name_problem(name: str) -> str:
    """Return why a file or folder of this name cannot be stored in a catalog, or ""."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "the name is not valid UTF-8; rename it"
    return "the name leads out of its folder; rename it" if escapes(name) else ""


def _fingerprint(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}"
