"""Walk through a source in natural order that yields its books."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from index_builder.sources.archives import list_book
from index_builder.sources.books import (
    BookRef,
    Skipped,
    book_title,
    error_reason,
    metadata_files,
    number_pages,
    root_name,
)
from index_builder.sources.folders import (
    ACBF_SUFFIX,
    Folder,
    FolderReader,
    bin_entry,
    is_hidden,
    stat_fingerprint,
)
from index_builder.sources.listings import Listings, PictureKinds
from retrieval.books import DEFAULT_LIMITS, ReadLimits, detect_file, is_page, natural_key, sidecar_names, suffix_of
from retrieval.books.formats.folder import read_file, spelled_on_disk
from retrieval.errors import SourceError
from retrieval.images.kinds import PICTURE_HEAD, PictureKind, picture_kind
from retrieval.names import NameIndex, display_name

_MOKURO_SUFFIX = ".mokuro"
_NO_OWN_PAGES = "describes a folder without images of its own; read it with --annotations"


def find_books(
    root: Path, limits: ReadLimits = DEFAULT_LIMITS, listings: Listings | None = None
) -> Iterator[BookRef | Skipped]:
    """Yield the books below `root`, and the skipped files, in natural order of their paths.

    root: a folder, a book file (recognised by its first bytes), or a single image. In folders only files named like
    book files are tried as books, because many other files are ZIPs inside; images are found whatever their names. A
    linked folder inside the root is read at its own path, one outside the root is read once. Hidden folders come last,
    then the bins that are left out.
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
    book_format, head = detect_file(path)
    if book_format is None and (picture_kind(head[:PICTURE_HEAD]) is PictureKind.PAGE or is_page(path.name)):
        pages = number_pages(
            _fingerprints(path.parent, [path.name]), _fingerprints(path.parent, sidecar_names(path.name)[1:])
        )
        return iter([BookRef(path, "", display_name(path.stem), "folder", pages)])
    sidecars = _fingerprints(path.parent, _book_sidecar_names(path.name, is_folder=False))
    return _with_sidecars(list_book(path, "", display_name(path.stem), limits, listings), tuple(sidecars.items()))


def _fingerprints(folder: Path, names: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return name -> fingerprint of the files that exist, by their names on disk."""
    found = (present for name in names if (present := spelled_on_disk(folder, name)) is not None)
    return {name: stat_fingerprint((folder / name).stat()) for name in found}


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder or book file still to be listed, with the (name, fingerprint) pairs of the sidecar files next to it."""

    relative: str
    is_folder: bool
    sidecars: tuple[tuple[str, str], ...] = ()

    @property
    def is_hidden_folder(self) -> bool:
        """True for a folder whose name begins with a dot."""
        return self.is_folder and PurePath(self.relative).name.startswith(".")


class _Walk:
    """One walk through a source. Folders are entered once, so that links cannot lead in circles."""

    def __init__(self, root: Path, limits: ReadLimits, listings: Listings | None) -> None:
        self._listings = listings
        self._root = root
        self._limits = limits
        self._reader = FolderReader(root, PictureKinds(listings))
        self._entered: set[tuple[int, int]] = set()
        self._linked: set[tuple[int, int]] = set()
        self._bins: dict[str, list[str]] = {}

    def books(self) -> Iterator[BookRef | Skipped]:
        """Yield the books depth first, with an explicit stack: folders may nest deeper than Python recurses.

        Hidden folders come last: what a link outside them has reached is not read again there.
        """
        stack, hidden = [_Place("", is_folder=True)], deque[_Place]()
        while stack or hidden:
            place = stack.pop() if stack else hidden.popleft()
            if place.is_folder:
                folder = self._list(place)
                if folder.pages:
                    _drop_plain_acbf_files(self._root / place.relative, folder)
                sidecars = NameIndex(folder.sidecars)
                names = sorted(folder.below, key=natural_key)
                below = [_place_below(place, name, folder, sidecars) for name in names]
                yield from self._folder_book(place, folder, {file for item in below for file, _ in item.sidecars})
                stack += [item for item in reversed(below) if not item.is_hidden_folder]
                hidden += [item for item in below if item.is_hidden_folder]
            elif self._is_new(place):
                yield from self._file_book(place)
        yield from (bin_entry(paths) for paths in self._bins.values())

    def _folder_book(self, place: _Place, folder: Folder, others: set[str]) -> Iterator[BookRef | Skipped]:
        """Yield the skipped files of a folder, then the book of its page images; others: files of books below it."""
        yield from folder.skipped
        if folder.pages:
            path = self._root / place.relative
            pages = number_pages(folder.pages, folder.sidecars, folder.unread)
            own = {name: value for name, value in folder.sidecars.items() if name not in others}
            files = metadata_files(own, pages)
            title = self._title(place.relative)
            yield BookRef(path, place.relative, title, "folder", pages, files, place.sidecars)
        else:
            unused = (name for name, _ in place.sidecars if suffix_of(name) == _MOKURO_SUFFIX)
            yield from (Skipped(str((self._root / place.relative).parent / name), _NO_OWN_PAGES) for name in unused)

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

    def _list(self, place: _Place) -> Folder:
        """Return the content of a folder; nothing if it was entered before."""
        path, folder = self._root / place.relative, Folder()
        try:
            self._limits.check_place(path)
            identity = _identity(path)
            if identity not in self._entered:
                self._entered.add(identity)
                folder = self._reader.read(path, place.relative)
        except (SourceError, OSError) as error:
            folder.skipped.append(Skipped(str(path), error_reason(error)))
        for bin_path in sorted(folder.bins, key=natural_key):
            self._bins.setdefault(PurePath(bin_path).name.lower(), []).append(bin_path)
        return folder

    def _is_new(self, place: _Place) -> bool:
        """Return False for a book file in a hidden folder that a link has reached."""
        path = self._root / place.relative
        try:
            if path.is_symlink():
                self._linked.add(_identity(path))
                return True
            return not (self._linked and is_hidden(place.relative) and _identity(path) in self._linked)
        except OSError:
            return True  # listing the book reports it


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _place_below(place: _Place, name: str, folder: Folder, sidecars: NameIndex) -> _Place:
    names = _book_sidecar_names(name, is_folder=folder.below[name])
    found = dict.fromkeys(present for other in names if (present := sidecars.find(other)) is not None)
    files = tuple((present, folder.sidecars[present]) for present in found)
    return _Place(f"{place.relative}/{name}".lstrip("/"), folder.below[name], files)


def _drop_plain_acbf_files(path: Path, folder: Folder) -> None:
    """Drop the ACBF files without images from the books of a folder with images: they describe the folder's book."""
    for name in [name for name in folder.below if name.lower().endswith(ACBF_SUFFIX)]:
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
