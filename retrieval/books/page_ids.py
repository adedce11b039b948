"""Which name in a file means which page: ids of other programs rarely start where our paths do.

Names and pages are compared from their ends. A page is found by its full name, else by the longest ending that only
one name has, at least book and page: a bare `0001` is in every book. What two names, or two pages, could mean is
left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_AMBIGUOUS = -1
_BARE = re.compile(r"(?:pages?|p|pg|images?|img|scans?)?[\W_\d]*", re.IGNORECASE)
_PICTURES = re.compile(r"(?:\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|avif|jxl))+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Matched:
    """`places`: for each page the place of its name, None where none is surely its own. `unsure` are the places of
    those pages whose ending several names share, or whose name several pages could claim."""

    places: tuple[int | None, ...]
    unsure: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Find:
    """A name that may mean a page (`_AMBIGUOUS`: several, None: none), and how many parts of the path agree."""

    place: int | None
    length: int


class PageNames:
    """Names of pages, ready to be looked up by the ends of paths."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [_parts(name) for name in names]
        self._endings: dict[str, int] = {}
        self._flat: dict[str, int] = {}
        for place, parts in enumerate(self._names):
            for forms in _endings(parts):
                for ending in forms:
                    self._note(self._endings, ending, place)
            self._note(self._flat, _flat(parts), place)
        whole = {"/".join(parts): place for place, parts in enumerate(self._names)}
        self._endings.update(whole)  # a whole name means itself, also where longer ones end so

    @staticmethod
    def _note(known: dict[str, int], key: str, place: int) -> None:
        known[key] = place if known.get(key, place) == place else _AMBIGUOUS

    def match(self, pages: Sequence[str]) -> Matched:
        """The name of each page, `pages` being full paths with '/' between the parts, with or without extension."""
        found = [self._find(page) for page in pages]
        best: dict[int, tuple[int, str]] = {}
        contested: set[int] = set()
        for page, find in zip(pages, found, strict=True):
            if find.place is None or find.place == _AMBIGUOUS:
                continue
            held, holder = best.get(find.place, (0, ""))
            if find.length > held:
                best[find.place] = (find.length, page)
                contested.discard(find.place)
            elif find.length == held and page != holder:
                contested.add(find.place)
        places: list[int | None] = []
        unsure = set()
        for number, (page, find) in enumerate(zip(pages, found, strict=True)):
            known = find.place is not None and find.place != _AMBIGUOUS
            sure = known and find.place not in contested and best[find.place or 0][1] == page
            places.append(find.place if sure else None)
            if find.place == _AMBIGUOUS or (known and find.place in contested):
                unsure.add(number)
        return Matched(tuple(places), frozenset(unsure))

    def _find(self, page: str) -> _Find:
        parts = _parts(page)
        for start, forms in enumerate(_endings(parts)):
            length = len(parts) - start
            hits = [self._endings[form] for form in forms if form in self._endings]
            if not hits:
                continue
            place = next((hit for hit in hits if hit != _AMBIGUOUS), _AMBIGUOUS)
            if length == 1:
                return self._find_alone(place, parts[-1])
            return _Find(place, length)
        return self._find_flat(parts)

    def _find_alone(self, place: int, last: str) -> _Find:
        """What only the file name agrees with: good where the name is no more than that, and no bare number."""
        if place == _AMBIGUOUS or len(self._names[place]) > 1:
            return _Find(None, 0)
        return _Find(_AMBIGUOUS if is_bare(last) else place, 1)

    def _find_flat(self, parts: tuple[str, ...]) -> _Find:
        """The last resort: names that were made of folder and file with `_` between, whatever their case."""
        for start in range(len(parts) - 1):
            place = self._flat.get(_flat(parts[start:]))
            if place is not None:
                return _Find(place, len(parts) - start)
        return _Find(None, 0)


def is_bare(name: str) -> bool:
    """Whether a file name says no more than a number: `0001`, `page_3.png`."""
    return _BARE.fullmatch(without_suffix(name)) is not None


def without_suffix(name: str) -> str:
    """A name without the extensions of pictures at its end: `p004.jpg.png` is `p004`."""
    return _PICTURES.sub("", name)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _endings(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every ending of a path, the longest first: as it is, and without the extensions of pictures at its end."""
    whole = "/".join(parts)
    bare = without_suffix(whole)
    start = 0
    for part in parts:
        yield (whole[start:],) if bare == whole else (whole[start:], bare[start:])
        start += len(part) + 1


def _flat(parts: tuple[str, ...]) -> str:
    return without_suffix("_".join(parts)).lower()
