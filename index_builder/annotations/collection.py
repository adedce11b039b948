"""Annotations of a whole collection, kept apart from the comics: `--annotations PATH`.

A path is a file (COCO, labels, a manifest, a list of pages) or a folder with a file for each page, whose path below
the folder is the page's id. Such files are read when their page is; only what lies directly in the folder and is no
page's own is opened before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index_builder.annotations.records import Written
from index_builder.annotations.registry import recognise
from retrieval.books.labels import Labels
from retrieval.books.page_ids import PageIdMatcher
from retrieval.errors import SourceError
from retrieval.images.decode import MAX_BYTES

_MOST_OPENED = 200
"""Files directly in a folder that are no page's own: so many of them are looked into."""

_TABLES = {".json", ".csv", ".mokuro", ".xml", ".acbf"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file about one page; `stat` changes when it does."""

    path: Path
    stat: str


Said = Written | PageFile
"""What is said about a page: read already, or to be read with it."""


@dataclass
class Collection:
    """What the annotations say, by full page path once `match` was told which pages there are.

    `counts`: files and entries read, pages they fit, pages that several fit (refused), and entries that fit none.
    `notes`: (file, remark) of what was amiss.
    """

    paths: tuple[Path, ...] = ()
    said: dict[str, tuple[Said, ...]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    _sets: list[tuple[list[str], list[Said]]] = field(default_factory=list)
    _labels: list[Labels] = field(default_factory=list)
    _manifest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Collection:
        """Raises `SourceError` for a path that is not there."""
        found = cls(tuple(paths))
        for path in paths:
            if path.is_dir():
                found._add_folder(path)
            elif path.is_file():
                found._add_file(path)
            else:
                raise SourceError(
                    f"the annotations {path} are missing: put them back, name others with --annotations, "
                    "or build with --no-annotations"
                )
        return found

    def __bool__(self) -> bool:
        return bool(self.paths)

    def match(self, pages: Sequence[str]) -> None:
        """Find out what belongs to which of `pages` (full paths, '/' between the parts); once, with all of them."""
        matched: set[str] = set()
        ambiguous: set[str] = set()
        entries = unused = 0
        aliases = self._aliases(pages)
        for names, items in self._sets:
            places, unsure = _places(names, pages, aliases)
            ambiguous |= unsure
            used = {place for place in places if place is not None}
            entries, unused = entries + len(names), unused + len(names) - len(used)
            for page, place in zip(pages, places, strict=True):
                if place is not None:
                    self.said[page] = (*self.said.get(page, ()), items[place])
                    matched.add(page)
        for labels in self._labels:
            found = labels.match([aliases.get(page, page) for page in pages])
            self.labels = {p: c for p, c in zip(pages, found.classes, strict=True) if c} | self.labels
            entries += len(labels.pages) + len(labels.books)
            ambiguous |= {f"label {n}" for n in range(found.ambiguous)}
        self.counts = {
            "entries": entries,
            "pages": len(matched),
            "labelled": len(self.labels),
            "ambiguous": len(ambiguous),
            "unused": unused,
        }

    def _aliases(self, pages: Sequence[str]) -> dict[str, str]:
        """Page -> id, where a manifest says which picture an id means."""
        names = list(self._manifest)
        found = PageIdMatcher(names).match(pages) if names else None
        places = () if found is None else found.matches
        return {p: self._manifest[names[i]] for p, i in zip(pages, places, strict=False) if i is not None}

    # ------------------------------------------------------------------ reading

    def _add_folder(self, root: Path) -> None:
        """What lies directly in it and is about many pages; every other JSON file by its path without `.json`."""
        files = [(path, stat) for path, stat in _files_below(root) if path.suffix.lower() in _TABLES]
        tables = sorted((f for f in files if f[0].parent == root), key=lambda f: -f[1].st_size)[:_MOST_OPENED]
        opened = {path for path, _ in tables if self._add_file(path, alone=False)}
        own = [(path, stat) for path, stat in files if path.suffix.lower() == ".json" and path not in opened]
        names = [path.relative_to(root).as_posix()[: -len(".json")].removesuffix("_ocr") for path, _ in own]
        self._sets.append((names, [PageFile(path, f"{stat.st_size}:{stat.st_mtime_ns}") for path, stat in own]))

    def _add_file(self, path: Path, *, alone: bool = True) -> bool:
        """A file about many pages, or, where it was named itself (`alone`), about one; whether it is about many."""
        try:
            data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        except OSError as error:
            self.notes.append((str(path), f"cannot be read: {error.strerror or error}"))
            return False
        found = recognise(data)
        many = bool(found.pages or found.labels or found.manifest)
        if found.note and (alone or many):
            self.notes.append((str(path), found.note))
        if alone and not found.format and not found.note:
            self.notes.append((str(path), "is no form of annotation that is known; nothing is read from it"))
        if found.pages:
            self._sets.append((list(found.pages), list(found.pages.values())))
        elif found.page is not None and alone:
            self._sets.append(([path.name.removesuffix(".json")], [found.page]))
        if found.labels is not None:
            self._labels.append(found.labels)
        self._manifest |= found.manifest
        return many


def _files_below(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files below a folder in order, links not followed."""
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        waiting += [Path(e.path) for e in reversed(ordered) if e.is_dir(follow_symlinks=False)]
        yield from ((Path(e.path), e.stat()) for e in ordered if e.is_file(follow_symlinks=False))


def _places(names: list[str], pages: Sequence[str], aliases: dict[str, str]) -> tuple[list[int | None], set[str]]:
    """For each page the place of its name, by the id a manifest gives it, else by its path; and the pages in doubt."""
    exact = {name: place for place, name in enumerate(names)}
    known = PageIdMatcher(names)
    found = known.match(pages)
    places = [exact.get(aliases.get(page, ""), place) for page, place in zip(pages, found.matches, strict=True)]
    return places, {pages[n] for n in found.ambiguous if places[n] is None}


def mark(said: Iterable[Said]) -> str:
    """A short fingerprint of what is said about a page, "" for nothing."""
    parts = [item.stat if isinstance(item, PageFile) else item.mark() for item in said]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16] if parts else ""
