"""Match the pages that a file of a book describes with the pages of the book.

Both are paths, compared from their ends, in any spelling (`retrieval.names.name_key`) and without image extensions. A
file was often written for a tree that begins one folder higher or lower. A name that several pages could have, or that
several names share, matches none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from retrieval.books.page_ids import without_suffix
from retrieval.names import composed, name_key

_Parts = tuple[str, ...]
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class NameMatches:
    """Matches of names with pages.

    names: name in the file by page. ambiguous: names that several pages could have. unmatched: names of no page.
    """

    names: dict[str, str] = field(default_factory=dict)
    ambiguous: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    def problem(self) -> str:
        """Return the problem with the names without a match, in one sentence; "" if all match."""
        total = len(self.names) + len(self.ambiguous) + len(self.unmatched)
        parts = []
        if self.unmatched:
            first = f"the first is {self.unmatched[0]!r}"
            if len(self.unmatched) == total:
                parts.append(f"describes {total} pages, and none of them is a page of this book ({first})")
            else:
                parts.append(f"{len(self.unmatched)} of the {total} pages described are not in this book ({first})")
        if self.ambiguous:
            first = f"the first is {self.ambiguous[0]!r}"
            count = f"{len(self.ambiguous)} of the {total} pages described"
            parts.append(f"{count} could be several pages of this book ({first}); not used: write more of their paths")
        return "; ".join(parts)


def match_names(names: Sequence[str], pages: Sequence[str]) -> NameMatches:
    """Match names in a file with page names: the same path, else the longest ending that is unique on both sides."""
    matching = _Matching(names, pages)
    for key in (_spelled, _key, _parts):
        matching.add_unique(key)
        if len(matching.taken) == len(names):
            return matching.result()
    matching.add_shifted()
    matching.add_endings()
    return matching.result()


def _spelled(path: str) -> str:
    """Return a path in NFC with '/' separators, without empty parts and dots."""
    parts = composed(path).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def _key(path: str) -> str:
    return name_key(_spelled(path))


def _parts(path: str) -> _Parts:
    """Return the keys of a path's folders and of its file name without image extension."""
    return tuple(without_suffix(_key(path)).split("/"))


class _Matching:
    """Matches found so far, and the parts of all paths."""

    def __init__(self, names: Sequence[str], pages: Sequence[str]) -> None:
        self.names, self.pages = names, pages
        self.name_parts = {name: _parts(name) for name in names}
        self.page_parts = {page: _parts(page) for page in pages}
        self.matched: dict[str, str] = {}
        self.taken: set[str] = set()

    def add_unique(self, key: Callable[[str], Hashable]) -> None:
        """Match the names and pages whose key is equal, and unique among all names and all pages."""
        pages, names = ({path: key(path) for path in paths} for paths in (self.pages, self.names))
        by_key = _invert(names)
        self._add((page, by_key.get(found)) for found, page in _invert(pages).items())

    def add_shifted(self) -> None:
        """Match names that are paths of pages below folders that all names share, and the reverse."""
        for longer, shorter, is_name in (
            (self.name_parts, self.page_parts, True),
            (self.page_parts, self.name_parts, False),
        ):
            shared = _shared_folders(longer.values())
            endings = {parts[-n:] for parts in shorter.values() for n in range(1, len(parts) + 1)}
            complete = _invert(shorter)
            found: dict[str, list[str]] = {}
            for path, parts in longer.items():
                cut = next((n for n in range(1, shared + 1) if parts[n:] in complete), None)
                if cut is not None and parts[cut - 1 :] not in endings:
                    found.setdefault(complete[parts[cut:]], []).append(path)
            certain = [(other, paths[0]) for other, paths in found.items() if len(paths) == 1]
            self._add(certain if is_name else ((path, other) for other, path in certain))

    def add_endings(self) -> None:
        """Match by the longest ending that is unique among all names and all pages.

        Folders that differ may have been renamed, but not to another folder of the same book.
        """
        name_folders = {part for parts in self.name_parts.values() for part in parts[:-1]}
        page_folders = {part for parts in self.page_parts.values() for part in parts[:-1]}
        longest = max(map(len, self.page_parts.values()), default=0)
        for length in range(longest, 0, -1):
            names = _invert({name: parts[-length:] for name, parts in self.name_parts.items()})
            pages = _invert({page: parts[-length:] for page, parts in self.page_parts.items()})
            for ending, page in pages.items():
                name = names.get(ending)
                if name is None or len(ending) < length:
                    continue
                above_page, above_name = self.page_parts[page][:-length], self.name_parts[name][:-length]
                renamed = above_page and above_name
                if not renamed or (above_name[-1] not in page_folders and above_page[-1] not in name_folders):
                    self._add([(page, name)])

    def _add(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        for page, name in pairs:
            if name is not None and page not in self.matched and name not in self.taken:
                self.matched[page] = name
                self.taken.add(name)

    def result(self) -> NameMatches:
        """Return the matches, and the names without one."""
        free = {parts[-1] for page, parts in self.page_parts.items() if page not in self.matched}
        result = NameMatches(self.matched)
        for name in self.names:
            if name not in self.taken:
                (result.ambiguous if self.name_parts[name][-1] in free else result.unmatched).append(name)
        return result


def _invert(keys: Mapping[str, _Key]) -> dict[_Key, str]:
    """Return the paths by key, without those that share theirs."""
    counts = Counter(keys.values())
    return {key: path for path, key in keys.items() if counts[key] == 1}


def _shared_folders(paths: Iterable[_Parts]) -> int:
    """Return the number of folders with which all paths begin."""
    folders = [parts[:-1] for parts in paths]
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    return next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
