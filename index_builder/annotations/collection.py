"""Annotations of a collection of books, stored apart from the comics (`--annotations PATH`).

A path is a file (COCO, labels, a manifest, a list of pages) or a folder with one file per page, whose path below the
folder is the page's id. A page's file is read together with the page. Files directly in the folder may describe many
pages, so they are read first.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index_builder.annotations.records import RawAnnotation
from index_builder.annotations.registry import ParsedFile, parse_file
from retrieval.books.labels import Labels
from retrieval.books.page_ids import PageIdMatcher
from retrieval.errors import SourceError
from retrieval.images.decode import MAX_BYTES
from retrieval.names import name_key

_MAX_OPENED = 200
"""Number of files directly in a folder that are opened to see if they describe many pages, the largest first."""

_SUFFIXES = {".json", ".csv", ".mokuro", ".xml", ".acbf"}


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """A file with the annotation of one page. The fingerprint changes with its size or modification time."""

    path: Path
    fingerprint: str


AnnotationRef = RawAnnotation | AnnotationFile
"""A page annotation: parsed, or a file to parse later."""


@dataclass(frozen=True, slots=True)
class _Set:
    """The names of the pages that one file or folder describes, and their annotations."""

    path: Path
    names: list[str]
    items: Sequence[AnnotationRef]


@dataclass
class Collection:
    """The annotations of a collection. `match` must be called once, before the other fields are read.

    annotations, page_types: by full page path. warnings: (file, problem) pairs.
    counts: entries read, pages with an annotation, pages with a type, ambiguous pages, and unused entries.
    """

    paths: tuple[Path, ...] = ()
    annotations: dict[str, tuple[AnnotationRef, ...]] = field(default_factory=dict)
    page_types: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    _sets: list[_Set] = field(default_factory=list)
    _labels: list[Labels] = field(default_factory=list)
    _manifest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Collection:
        """Open the annotations at the given paths. Raises `SourceError` for a missing path."""
        collection = cls(tuple(paths))
        for path in paths:
            if path.is_dir():
                collection._add_folder(path)
            elif path.is_file():
                collection._add_file(path)
            else:
                hint = "put them back, name others with --annotations, or build with --no-annotations"
                raise SourceError("the annotations are missing", path, hint)
        return collection

    def __bool__(self) -> bool:
        return bool(self.paths)

    def match(self, pages: Sequence[str]) -> None:
        """Match the annotations with the pages of all sources, given as full paths with '/' separators."""
        matched: set[str] = set()
        ambiguous: set[str] = set()
        entries = unused = 0
        ids = self._ids_by_page(pages)
        for file in self._sets:
            positions, uncertain = _match_names(file.names, pages, ids)
            ambiguous |= uncertain
            used = {position for position in positions if position is not None}
            entries, unused = entries + len(file.names), unused + len(file.names) - len(used)
            self.warnings += [(str(file.path), problem) for problem in _problems(file.names, used, uncertain)]
            for page, position in zip(pages, positions, strict=True):
                if position is not None:
                    self.annotations[page] = (*self.annotations.get(page, ()), file.items[position])
                    matched.add(page)
        for labels in self._labels:
            entries += len(labels.pages) + len(labels.books)
            ambiguous |= {f"label {n}" for n in range(self._match_labels(labels, pages, ids))}
        self.counts = {
            "entries": entries,
            "pages": len(matched),
            "labelled": len(self.page_types),
            "ambiguous": len(ambiguous),
            "unused": unused,
        }

    def _match_labels(self, labels: Labels, pages: Sequence[str], ids: dict[str, str]) -> int:
        """Add the page types in one file of labels; return the number of ambiguous ones."""
        matched = labels.match([ids.get(page, page) for page in pages])
        page_types = {page: name for page, name in zip(pages, matched.classes, strict=True) if name}
        self.page_types = page_types | self.page_types
        return matched.ambiguous

    def _ids_by_page(self, pages: Sequence[str]) -> dict[str, str]:
        """Return the ids of the pages whose images are listed in a manifest."""
        names = list(self._manifest)
        positions = PageIdMatcher(names).match(pages).matches if names else ()
        listed = ((page, place) for page, place in zip(pages, positions, strict=False) if place is not None)
        return {page: self._manifest[names[place]] for page, place in listed}

    # ------------------------------------------------------------------ reading

    def _add_folder(self, root: Path) -> None:
        """Add the files directly in a folder that describe many pages; each other JSON file belongs to one page."""
        files = [(path, stat) for path, stat in _files_below(root) if path.suffix.lower() in _SUFFIXES]
        top = sorted((item for item in files if item[0].parent == root), key=lambda item: -item[1].st_size)
        opened = {path for path, _ in top[:_MAX_OPENED] if self._add_file(path, named_by_user=False)}
        single = [(path, stat) for path, stat in files if path.suffix.lower() == ".json" and path not in opened]
        names = [path.relative_to(root).as_posix()[: -len(".json")].removesuffix("_ocr") for path, _ in single]
        items = [AnnotationFile(path, f"{stat.st_size}:{stat.st_mtime_ns}") for path, stat in single]
        self._sets.append(_Set(root, names, list(items)))

    def _add_file(self, path: Path, *, named_by_user: bool = True) -> bool:
        """Add a file if it describes many pages, or if the user named it; return True if it describes many pages."""
        try:
            data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        except OSError as error:
            self.warnings.append((str(path), f"cannot be read: {error.strerror or error}"))
            return False
        parsed = parse_file(data)
        has_many_pages = bool(parsed.pages or parsed.labels or parsed.manifest)
        if parsed.warning and (named_by_user or has_many_pages):
            self.warnings.append((str(path), parsed.warning))
        if named_by_user and not parsed.format and not parsed.warning:
            self.warnings.append((str(path), "unknown annotation format; not used"))
        self._add_parsed(path, parsed, named_by_user)
        return has_many_pages

    def _add_parsed(self, path: Path, parsed: ParsedFile, named_by_user: bool) -> None:
        if parsed.pages:
            self._sets.append(_Set(path, list(parsed.pages), list(parsed.pages.values())))
        elif parsed.page is not None and named_by_user:
            self._sets.append(_Set(path, [path.name.removesuffix(".json")], [parsed.page]))
        if parsed.labels is not None:
            self._labels.append(parsed.labels)
        self._manifest |= parsed.manifest


def _files_below(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder in order of their names; links to folders are not followed."""
    stack = [root]
    while stack:
        with os.scandir(stack.pop()) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        stack += [Path(e.path) for e in reversed(ordered) if e.is_dir(follow_symlinks=False)]
        yield from ((Path(e.path), e.stat()) for e in ordered if e.is_file(follow_symlinks=False))


def _match_names(names: list[str], pages: Sequence[str], ids: dict[str, str]) -> tuple[list[int | None], set[str]]:
    """Return the position of each page's name, by the page's id in `ids` or else its path, and the ambiguous pages."""
    exact = {name_key(name): position for position, name in enumerate(names)} if ids else {}
    matched = PageIdMatcher(names).match(pages)
    positions = [
        exact.get(name_key(ids[page]), place) if page in ids else place
        for page, place in zip(pages, matched.matches, strict=True)
    ]
    return positions, {pages[n] for n in matched.ambiguous if positions[n] is None}


def _problems(names: Sequence[str], used: set[int], ambiguous: set[str]) -> Iterator[str]:
    """Yield why entries of one file are not used: all of them, or those of pages without a certain match."""
    if ambiguous:
        first = min(ambiguous)
        yield f"the entries of {len(ambiguous)} pages are not certain, and not used (the first page is {first})"
    elif names and not used:
        yield f"describes {len(names)} pages, and none of them is a page of the sources (the first is {names[0]!r})"


def combined_fingerprint(annotations: Iterable[AnnotationRef]) -> str:
    """Return a short fingerprint of the annotations of a page, "" if there are none."""
    parts = [item.fingerprint if isinstance(item, AnnotationFile) else item.fingerprint() for item in annotations]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16] if parts else ""
