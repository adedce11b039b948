"""What a search may be narrowed by: `where={"book": "Pepper%", "has_dialogue": True}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from retrieval.errors import UsageError

Range = tuple[float | None, float | None]

ASPECTS: dict[str, Range] = {"tall": (None, 0.8), "square": (0.8, 1.25), "wide": (1.25, None)}
"""Width divided by height, in page pixels."""

SIZES: dict[str, Range] = {"small": (None, 0.1), "medium": (0.1, 0.35), "large": (0.35, None)}
"""Panel area as a share of the page's area."""


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
"""What is known about a book and may narrow a search; the catalog keeps more (`Catalog.book_facts`)."""

Names = tuple[str, ...]

_MAX_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on panels; None means any.

    book, source: an exact name or a pattern with `%` (any run of letters); book also matches the book's path.
    book_id: exactly one book, as `PanelIndex.books` lists them.
    page: from and to, both included. has_dialogue: with or without words. annotated: whether somebody drew the
    panel's box, or the panel finder did.
    aspect: width / height from and to. size: share of the page from and to, 0 to 1.
    series ... character: what is known about the book (`METADATA_FILTERS`): any of these names or patterns with `%`, without
    regard to case; or, where they are numbers, from and to. label: what kind of page it is, as such names.
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
    def of(cls, where: Filter | Mapping[str, Any] | None) -> Filter:
        """Read a mapping; raises `UsageError` for a key or value that means nothing."""
        if where is None:
            return cls()
        if isinstance(where, Filter):
            return where
        if not isinstance(where, Mapping):
            raise UsageError(f"filters are given by name, like {{'book': 'Pepper%'}}; found {where!r}")
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(where) - set(known))
        if unknown:
            raise UsageError(f"no filter is called {', '.join(unknown)}: choose from {', '.join(known)}")
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
        return self == Filter()


def casefold_name(value: str) -> str:
    """How names are compared: without regard to case and to blanks around them."""
    return value.strip().casefold()


def to_number(value: str) -> float | None:
    """The number that a name is, None where it is another kind of name."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and value.isascii() else None


def is_range(value: Any) -> bool:
    """Two numbers, either of them open; names are never numbers."""
    return len(value) == 2 and not any(isinstance(part, str) for part in value)


def _metadata_value(name: str, value: Any) -> Names | Range | None:
    """Names, or from and to: a number alone is both."""
    if _is_number(value):
        return (value, value)
    if isinstance(value, list | tuple) and is_range(value):
        return _range(name, value, {})
    return _names(name, value)


def _names(name: str, value: Any) -> Names | None:
    """One name, or any of several; numbers among them are taken as they are written."""
    if value is None:
        return None
    given = value if isinstance(value, list | tuple) else (value,)
    names = tuple(str(part) if _is_number(part) else part for part in given)
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
