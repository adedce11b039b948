"""Filters on panels: `where={"book": "Pepper%", "has_dialogue": True}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from retrieval.errors import UsageError
from retrieval.names import MAX_NAME_CHARS, check_text
from retrieval.values import MAX_INTEGER, is_number, plain

Range = tuple[float | None, float | None]
"""Lower and upper end, both included; None leaves an end open."""

ASPECTS: dict[str, Range] = {"tall": (None, 0.8), "square": (0.8, 1.25), "wide": (1.25, None)}
"""Width divided by height, in page pixels."""

SIZES: dict[str, Range] = {"small": (None, 0.1), "medium": (0.1, 0.35), "large": (0.35, None)}
"""Panel area as a fraction of the page area."""

METADATA_FILTERS = (
    "series",
    "number",
    "volume",
    "year",
    "writer",
    "artist",
    "publisher",
    "genre",
    "language",
    "character",
)
"""Book metadata that can be filtered by; the catalog keeps more (`LibraryReader.book_metadata`)."""

Ranges = tuple[Range, ...]
"""Ranges, one of which must hold the number."""

Names = tuple[str, ...]
"""Names or patterns with `%`; one of them must fit."""

_MAPPING_HINT = "write it like {'book': 'Pepper%'}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on panels, all of which must hold; None is no condition. Of several values of one, any may hold.

    Names are compared without case and in Unicode's composed form (`retrieval.names.name_key`); in a pattern `%` is any
    run of letters.

    - book, source: names or patterns. `book` also matches the book's path.
    - book_id: books, as `PanelIndex.books` lists them.
    - page: ranges of page numbers.
    - has_dialogue: True for panels with dialogue, False for those without.
    - annotated: True for panels with an annotated box, False for those of the panel detector.
    - aspect: ranges of width / height.
    - size: ranges of the fraction of the page, 0 to 1.
    - series ... character (`METADATA_FILTERS`): names or patterns of book metadata. For values that are numbers also a
      range.
    - label: page types (story, cover, ...), as such names.
    """

    book: str | Names | None = None
    book_id: int | tuple[int, ...] | None = None
    source: str | Names | None = None
    page: Range | Ranges | None = None
    has_dialogue: bool | None = None
    annotated: bool | None = None
    aspect: Range | Ranges | None = None
    size: Range | Ranges | None = None
    series: Names | Range | None = None
    number: Names | Range | None = None
    volume: Names | Range | None = None
    year: Names | Range | None = None
    writer: Names | Range | None = None
    artist: Names | Range | None = None
    publisher: Names | Range | None = None
    genre: Names | Range | None = None
    language: Names | Range | None = None
    character: Names | Range | None = None
    label: Names | None = None

    @classmethod
    def of(cls, where: Filter | Mapping[str, Any] | Any) -> Filter:
        """Return the filter of a mapping. Raises `UsageError` for an unknown key or an invalid value."""
        if where is None:
            return cls()
        if isinstance(where, Filter):
            values = {f.name: getattr(where, f.name) for f in fields(cls)}
            checked = cls.of(values)
            return where if all(plain(value) is value for value in values.values()) else checked
        if not isinstance(where, Mapping):
            raise UsageError(f"a filter must map names to values; found {where!r}", hint=_MAPPING_HINT)
        names = [f.name for f in fields(cls)]
        unknown = sorted(str(name) for name in where if name not in names)
        if unknown:
            problem = f"no filter is called {', '.join(unknown)}"
            raise UsageError(problem, hint=f"choose from {', '.join(names)}")
        where = {name: plain(value) for name, value in where.items()}
        return cls(
            book=_one_or_names("book", where.get("book")),
            book_id=_integers("book_id", where.get("book_id")),
            source=_one_or_names("source", where.get("source")),
            page=_ranges("page", where.get("page"), {}),
            has_dialogue=_boolean("has_dialogue", where.get("has_dialogue")),
            annotated=_boolean("annotated", where.get("annotated")),
            aspect=_ranges("aspect", where.get("aspect"), ASPECTS),
            size=_ranges("size", where.get("size"), SIZES),
            label=_names("label", where.get("label")),
            **{name: _metadata_value(name, where.get(name)) for name in METADATA_FILTERS},
        )

    @property
    def empty(self) -> bool:
        """True if every panel passes."""
        return self == Filter()


def to_number(value: str) -> float | None:
    """Return the number that a name spells, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and value.isascii() else None


def as_names(value: Any) -> Names:
    """Return one name or several as a tuple."""
    return (value,) if isinstance(value, str) else value


def as_ranges(value: Any) -> Ranges:
    """Return one range or several as a tuple."""
    return (value,) if is_range(value) and not isinstance(value[0], tuple) else value


def is_range(value: Any) -> bool:
    """Return True for a pair of numbers or None; names are strings and never a range."""
    return len(value) == 2 and not any(isinstance(part, str) for part in value)


def _metadata_value(name: str, value: Any) -> Names | Range | None:
    """Return names or a range; a number alone is a range of one value."""
    if is_number(value):
        return (value, value)
    if isinstance(value, list | tuple) and is_range(value):
        return _range(name, value, {})
    return _names(name, value)


def _one_or_names(name: str, value: Any) -> str | Names | None:
    """Return one name as it is, several as a tuple; numbers are no names here, because `book_id` takes them."""
    names = _names(name, value, numbers=False)
    return names[0] if names is not None and isinstance(value, str) else names


def _names(name: str, value: Any, *, numbers: bool = True) -> Names | None:
    """Return one name or several as a tuple. numbers: also take numbers, which become names."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else (value,)
    names = tuple(str(part) if numbers and is_number(part) else part for part in items)
    if not names or not all(isinstance(part, str) and (part or not numbers) and _is_unicode(part) for part in names):
        raise UsageError(f"filter {name} takes a name, a pattern with %, or a list of them; found {value!r}")
    for part in names:
        check_text(f"filter {name}", part)
        if len(part) > MAX_NAME_CHARS:
            raise UsageError(f"filter {name} has {len(part):,} characters; a name has at most {MAX_NAME_CHARS:,}")
    return names


def _is_unicode(text: str) -> bool:
    """Return True if a text can be stored; halves of surrogate pairs cannot."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _integers(name: str, value: Any) -> int | tuple[int, ...] | None:
    """Return one whole number as it is, several as a tuple."""
    if value is None:
        return None
    items = tuple(value) if isinstance(value, list | tuple) else (value,)
    if items and all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i <= MAX_INTEGER for i in items):
        return items if isinstance(value, list | tuple) else items[0]
    raise UsageError(f"filter {name} takes a whole number, or a list of them; found {value!r}")


def _boolean(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise UsageError(f"filter {name} takes True or False; found {value!r}")


def _ranges(name: str, value: Any, names: Mapping[str, Range]) -> Range | Ranges | None:
    """Return one range, or several as a tuple; a pair of numbers is one range."""
    if value is None:
        return None
    if isinstance(value, list | tuple) and value and all(isinstance(part, str | list | tuple) for part in value):
        return tuple(_range(name, part, names) for part in value)
    return _range(name, value, names)


def _range(name: str, value: Any, names: Mapping[str, Range]) -> Range:
    if isinstance(value, str) and value in names:
        return names[value]
    if is_number(value):
        return (value, value)
    if isinstance(value, list | tuple) and len(value) == 2:
        low, high = value
        if all(v is None or is_number(v) for v in (low, high)):
            return (low, high)
    choices = f", or one of {', '.join(names)}" if names else ""
    raise UsageError(f"filter {name} takes a number or (from, to), a list of such pairs{choices}; found {value!r}")
