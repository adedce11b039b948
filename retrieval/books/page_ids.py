"""Match page ids of other programs with pages: their paths rarely begin where ours do.

Ids and pages are compared from their ends, in any spelling (`retrieval.names.name_key`). A page matches its full path,
else the longest ending that only one id has. That ending has at least book and page, because a bare `0001` exists in
every book. A page that several ids, or an id that several pages could match, has no match and is counted as ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from retrieval.names import composed, name_key

_AMBIGUOUS = -1
_BARE_NUMBER = re.compile(r"(?:pages?|p|pg|images?|img|scans?)?[\W_\d]*", re.IGNORECASE)
_IMAGE_SUFFIXES = re.compile(r"(?:\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|avif|jxl))+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageMatches:
    """Matches of a list of pages.

    matches: for each page the position of its id, None without a certain match. ambiguous: positions of the pages
    whose ending several ids share, or whose id several pages could claim.
    """

    matches: tuple[int | None, ...]
    ambiguous: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An id that may match a page: its position (`_AMBIGUOUS`: several, None: none), and how many path parts agree."""

    position: int | None
    length: int

    @property
    def is_one(self) -> bool:
        return self.position is not None and self.position != _AMBIGUOUS


_NO_CANDIDATE = _Candidate(None, 0)


class PageIdMatcher:
    """Page ids, indexed by the ends of their paths."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._spelled = ids
        self._ids = [_parts(name_key(page_id)) for page_id in ids]
        self._by_ending: dict[str, int] = {}
        self._by_flat_name: dict[str, int] = {}
        for position, parts in enumerate(self._ids):
            for forms in _endings(parts):
                for ending in forms:
                    self._add(self._by_ending, ending, position)
            self._add(self._by_flat_name, _flat_name(parts), position)
        full: dict[str, int] = {}
        for position, parts in enumerate(self._ids):
            self._add(full, "/".join(parts), position)
        self._by_ending.update(full)  # a full id matches itself, even if longer ids end with it
        self._by_spelling = self._spellings() if _AMBIGUOUS in full.values() else {}

    def _spellings(self) -> dict[str, int]:
        """Return the ids by the ends of their paths as they are spelled, for ids that differ in nothing else."""
        found: dict[str, int] = {}
        for position, page_id in enumerate(self._spelled):
            for forms in _endings(_parts(composed(page_id))):
                for ending in forms:
                    self._add(found, ending, position)
        return found

    @staticmethod
    def _add(positions: dict[str, int], key: str, position: int) -> None:
        positions[key] = position if positions.get(key, position) == position else _AMBIGUOUS

    def match(self, pages: Sequence[str]) -> PageMatches:
        """Match each page with an id. `pages` are full paths with '/' separators, with or without extension."""
        candidates = [self._find(page) for page in pages]
        winners, contested = self._resolve(pages, candidates)
        matches: list[int | None] = []
        ambiguous = set()
        for number, (page, candidate) in enumerate(zip(pages, candidates, strict=True)):
            certain = candidate.is_one and candidate.position not in contested
            matches.append(candidate.position if certain and winners[candidate.position or 0] == page else None)
            if candidate.position == _AMBIGUOUS or (candidate.is_one and not certain):
                ambiguous.add(number)
        return PageMatches(tuple(matches), frozenset(ambiguous))

    def _find(self, page: str) -> _Candidate:
        parts = _parts(name_key(page))
        for start, forms in enumerate(_endings(parts)):
            length = len(parts) - start
            positions = [self._by_ending[form] for form in forms if form in self._by_ending]
            if not positions:
                continue
            position = next((one for one in positions if one != _AMBIGUOUS), _AMBIGUOUS)
            if position == _AMBIGUOUS and self._by_spelling:
                spelled = "/".join(_parts(composed(page))[start:])
                known = (self._by_spelling.get(form) for form in (spelled, without_suffix(spelled)))
                position = next((one for one in known if one is not None), _AMBIGUOUS)
            if length == 1:
                return self._check_file_name(position, parts[-1])
            return _Candidate(position, length)
        return self._find_flat(parts)

    def _check_file_name(self, position: int, file_name: str) -> _Candidate:
        """Judge a match of the file name alone: valid if the id has no folder and is no bare number."""
        if position == _AMBIGUOUS or len(self._ids[position]) > 1:
            return _NO_CANDIDATE
        return _Candidate(_AMBIGUOUS if _is_bare_number(file_name) else position, 1)

    def _find_flat(self, parts: tuple[str, ...]) -> _Candidate:
        """Find an id that joins folder and file with `_`, ignoring case: the last resort."""
        for start in range(len(parts) - 1):
            position = self._by_flat_name.get(_flat_name(parts[start:]))
            if position is not None:
                return _Candidate(position, len(parts) - start)
        return _NO_CANDIDATE

    def _resolve(self, pages: Sequence[str], candidates: Sequence[_Candidate]) -> tuple[dict[int, str], set[int]]:
        """Return for each id the page that agrees with it best, and the ids that several pages claim equally."""
        best: dict[int, tuple[int, str]] = {}
        contested: set[int] = set()
        for page, candidate in zip(pages, candidates, strict=True):
            position = candidate.position
            if position is None or position == _AMBIGUOUS:
                continue
            length, holder = best.get(position, (0, ""))
            closer = candidate.length - length or self._spelled_alike(position, page) - self._spelled_alike(
                position, holder
            )
            if closer > 0:
                best[position] = (candidate.length, page)
                contested.discard(position)
            elif closer == 0 and page != holder:
                contested.add(position)
        return {position: page for position, (_, page) in best.items()}, contested

    def _spelled_alike(self, position: int, page: str) -> int:
        """Return the number of path parts, from the end, that an id and a page spell alike."""
        own, other = (reversed(_parts(without_suffix(composed(path)))) for path in (self._spelled[position], page))
        return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(own, other, strict=False))))


def _is_bare_number(name: str) -> bool:
    """Return True if a file name is only a number, such as `0001` or `page_3.png`."""
    return _BARE_NUMBER.fullmatch(without_suffix(name)) is not None


def without_suffix(name: str) -> str:
    """Return a name without all image extensions at its end: `p004.jpg.png` becomes `p004`."""
    return _IMAGE_SUFFIXES.sub("", name)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _endings(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield every ending of a path, the longest first, with and without its image extensions."""
    full = "/".join(parts)
    bare = without_suffix(full)
    start = 0
    for part in parts:
        yield (full[start:],) if bare == full else (full[start:], bare[start:])
        start += len(part) + 1


def _flat_name(parts: tuple[str, ...]) -> str:
    return without_suffix("_".join(parts))
