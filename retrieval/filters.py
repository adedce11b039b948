"""Filters on panels: `where={"book": "Pepper%", "has_dialogue": True}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from retrieval.errors import UsageError
from retrieval.values import plain

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

Names = tuple[str, ...]
"""Names or patterns with `%`; one of them must fit."""

_MAPPING_HINT = "write it like {'book': 'Pepper%'}"
_MAX_NUMBER = 2**53
"""Largest accepted number: JSON readers keep integers exactly up to here."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on panels, all of which must hold; None is no condition.

    - book, source: an exact name, or a pattern in which `%` is any run of letters. `book` also matches the book's path.
    - book_id: one book, as `PanelIndex.books` lists them.
    - page: range of page numbers.
    - has_dialogue: True for panels with dialogue, False for those without.
    - annotated: True for panels with an annotated box, False for those of the panel detector.
    - aspect: range of width / height.
    - size: range of the fraction of the page, 0 to 1.
    - series ... character (`METADATA_FILTERS`): names or patterns of book metadata, compared without case. For values
      that are numbers also a range.
    - label: page types (story, cover, ...), as such names.
    """

    book: str | None = None
    book_id: int | None = None
    source: str | None = None
    page: Range | None = None
    has_dialogue: bool | None = None
    annotated: bool | None = None
    aspect: Range | None = None
    size: Range | None = None
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
            book=_text("book", where.get("book")),
            book_id=_integer("book_id", where.get("book_id")),
            source=_text("source", where.get("source")),
            page=_range("page", where.get("page"), {}),
            has_dialogue=_boolean("has_dialogue", where.get("has_dialogue")),
            annotated=_boolean("annotated", where.get("annotated")),
            aspect=_range("aspect", where.get("aspect"), ASPECTS),
            size=_range("size", where.get("size"), SIZES),
            label=_names("label", where.get("label")),
            **{name: _metadata_value(name, where.get(name)) for name in METADATA_FILTERS},
        )

    @property
    def empty(self) -> bool:
        """True if every panel passes."""
        return self == Filter()


def casefold_name(value: str) -> str:
    """Return a name as it is compared: casefolded, without blanks around it."""
    return value.strip().casefold()


def to_number(value: str) -> float | None:
    """Return the number that a name spells, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and value.isascii() else None


def is_range(value: Any) -> bool:
    """Return True for a pair of numbers or None; names are strings and never a range."""
    return len(value) == 2 and not any(isinstance(part, str) for part in value)


def _metadata_value(name: str, value: Any) -> Names | Range | None:
    """Return names or a range; a number alone is a range of one value."""
    if _is_number(value):
        return (value, value)
    if isinstance(value, list | tuple) and is_range(value):
        return _range(name, value, {})
    return _names(name, value)


def _names(name: str, value: Any) -> Names | None:
    """Return one name or several as a tuple; numbers become names."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else (value,)
    names = tuple(str(part) if _is_number(part) else part for part in items)
    if names and all(isinstance(part, str) and _text(name, part) for part in names):
        return names
    raise UsageError(f"filter {name} takes a name, a pattern with %, or a list of them; found {value!r}")


def _integer(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_NUMBER):
        return value
    raise UsageError(f"filter {name} takes a whole number; found {value!r}")


def _text(name: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)):
        return value
    raise UsageError(f"filter {name} takes a name, or a pattern with %; found {value!r}")


def _boolean(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise UsageError(f"filter {name} takes True or False; found {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_NUMBER


def _range(name: str, value: Any, names: Mapping[str, Range]) -> Range | None:
    if value is None:
        return None
    if isinstance(value, str) and value in names:
        return names[value]
    if _is_number(value):
        return (value, value)
    if isinstance(value, list | tuple) and len(value) == 2:
        low, high = value
        if all(v is None or _is_number(v) for v in (low, high)):
            return (low, high)
    choices = f", or one of {', '.join(names)}" if names else ""
    raise UsageError(f"filter {name} takes a number or (from, to){choices}; found {value!r}")
