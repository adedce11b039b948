"""Listing of one folder: its page images, the files with annotations, and the folders and books below it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from index_builder.sources.books import (
    IN_BIN,
    UNSUPPORTED_IMAGE,
    Skipped,
    error_reason,
    may_annotate_page,
    may_be_picture,
    may_have_metadata,
)
from index_builder.sources.listings import PictureKinds
from retrieval.books import (
    escapes,
    is_bin,
    is_book_file,
    is_junk,
    is_page,
    is_unsupported_image,
    natural_key,
    suffix_of,
)
from retrieval.images.kinds import PICTURE_HEAD, PictureKind, picture_kind

ACBF_SUFFIX = ".acbf"
_WALKED_ANYWAY = "the walk reaches the link's target at its own path"
_BROKEN_LINK = "broken link; check that its drive is connected"
_LINK_TO_PARENT = "link to a folder that contains the source; not followed"
_LINK_OUT = "link to a file outside its folder; copy the file here"
_CATALOGS = {"catalog.sqlite", "catalog.url"}


@dataclass(slots=True)
class Folder:
    """Content of one folder.

    pages, sidecars: name -> fingerprint. below: name -> True for a folder, False for a book file. bins: paths of the
    folders that are left out. unread: names of images that are skipped; they are counted as pages.
    """

    pages: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, str] = field(default_factory=dict)
    below: dict[str, bool] = field(default_factory=dict)
    bins: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def skip(self, entry: os.DirEntry[str], reason: str, *, is_image: bool = False) -> None:
        """Add an entry to the skipped files."""
        if is_image or is_page(entry.name) or is_unsupported_image(entry.name):
            self.unread.append(entry.name)
        path = entry.path.encode("utf-8", "backslashreplace").decode()
        self.skipped.append(Skipped(path, reason))


def is_hidden(path: str) -> bool:
    """Return True if a part of a path begins with a dot."""
    return path.startswith(".") or "/." in path


class FolderReader:
    """Reads the folders below one root.

    kinds: of files whose names do not tell what they are, by path. Unchanged ones are not read again.
    """

    def __init__(self, root: Path, kinds: PictureKinds) -> None:
        self._real_root = root.resolve()
        self._kinds = kinds

    def read(self, path: Path, relative: str) -> Folder:
        """Return the content of the folder at `path`; an index of Panelseek counts as empty. Raises OSError."""
        folder = Folder()
        with os.scandir(path) as found:
            entries = list(found)
        if _is_index(entries):
            return folder
        unknown: list[os.DirEntry[str]] = []
        for entry in entries:
            try:
                if not self._add_entry(entry, path, folder):
                    unknown.append(entry)
            except OSError as error:  # removed or locked meanwhile: skips this entry only
                folder.skip(entry, error_reason(error))
        self._find_pictures(path, relative, unknown, folder)
        folder.skipped.sort(key=lambda item: natural_key(item.path))
        return folder

    def _add_entry(self, entry: os.DirEntry[str], path: Path, folder: Folder) -> bool:
        """Add one entry where it belongs by its name. Return False if its first bytes have to decide."""
        if is_junk(entry.name):
            if is_bin(entry.name) and entry.is_dir():
                folder.bins.append(entry.path)
            return True
        problem, is_used = _name_problem(entry.name), _is_used(entry.name)
        if entry.is_symlink():
            problem = problem or self._link_problem(Path(entry.path), path)
            if problem == _WALKED_ANYWAY:
                return True
        is_folder = entry.is_dir()
        if problem and (is_folder or is_used or problem == _BROKEN_LINK):
            folder.skip(entry, problem)
        elif is_folder:
            folder.below[entry.name] = True
        elif is_used and entry.is_file():
            _add_file(entry, folder)
        else:
            # programs give names that begin with a dot to unfinished files
            return not (may_be_picture(entry.name) and entry.is_file() and not entry.name.startswith("."))
        return True

    def _find_pictures(self, path: Path, relative: str, entries: Iterable[os.DirEntry[str]], folder: Folder) -> None:
        """Sort files by their first bytes; files other than pictures are ignored."""
        known = self._kinds.of_folder(relative)
        found: dict[str, tuple[str, str]] = {}
        for entry in entries:
            try:
                fingerprint = stat_fingerprint(entry.stat())
                stored, kind = known.get(entry.name, ("", ""))
                if stored != fingerprint:
                    kind = _kind_of(entry)
            except OSError as error:
                folder.skip(entry, error_reason(error))
                continue
            found[entry.name] = (fingerprint, kind)
            if kind != PictureKind.OTHER or is_unsupported_image(entry.name):
                self._add_picture(entry, kind, fingerprint, path, folder)
        self._kinds.store(relative, known, found)

    def _add_picture(self, entry: os.DirEntry[str], kind: str, fingerprint: str, path: Path, folder: Folder) -> None:
        problem = _name_problem(entry.name)
        if entry.is_symlink():
            problem = problem or self._link_problem(Path(entry.path), path)
        if kind != PictureKind.PAGE:
            problem = problem or UNSUPPORTED_IMAGE
        if problem:
            folder.skip(entry, problem, is_image=True)
        else:
            folder.pages[entry.name] = fingerprint

    def _is_walked(self, target: Path) -> bool:
        """Return True if the walk reaches a link's target without the link, and at a better place.

        Some programs keep the files in a hidden folder, and link to them.
        """
        if not target.is_relative_to(self._real_root):
            return False
        inside = target.relative_to(self._real_root).as_posix()
        return not is_junk(inside) and not is_hidden(inside)

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


def stat_fingerprint(stat: os.stat_result) -> str:
    """Return a fingerprint that changes when a file is written."""
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def bin_entry(paths: list[str]) -> Skipped:
    """Return the entry for all bins of one name: a NAS may have one in every folder."""
    more = f" (and {len(paths) - 1} more of this name)" if len(paths) > 1 else ""
    return Skipped(paths[0], IN_BIN + more, left_out=True)


def _is_index(entries: Iterable[os.DirEntry[str]]) -> bool:
    names = {entry.name for entry in entries}
    return "vectors" in names and not names.isdisjoint(_CATALOGS)


def _kind_of(entry: os.DirEntry[str]) -> str:
    """Return the `PictureKind` of a file. Raises OSError."""
    with open(entry.path, "rb") as file:  # noqa: PTH123 (a path object for each of many files takes time)
        return picture_kind(file.read(PICTURE_HEAD))


def _add_file(entry: os.DirEntry[str], folder: Folder) -> None:
    if is_book_file(entry.name):
        folder.below[entry.name] = False
        if suffix_of(entry.name) == ACBF_SUFFIX:
            folder.sidecars[entry.name] = stat_fingerprint(entry.stat())
    else:
        (folder.pages if is_page(entry.name) else folder.sidecars)[entry.name] = stat_fingerprint(entry.stat())


def _is_used(name: str) -> bool:
    """Return True if files of this name are read, whatever is in them."""
    return is_page(name) or may_annotate_page(name) or may_have_metadata(name) or is_book_file(name)


def _name_problem(name: str) -> str:
    """Return why a file or folder of this name cannot be stored in a catalog, or ""."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "the name is not valid UTF-8; rename it"
    return "the name leads out of its folder; rename it" if escapes(name) else ""
