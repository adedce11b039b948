"""Metadata of a book as (name, value) fields, with one name for one field whatever the format calls it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from index_builder.annotations.parsing import clean_text
from retrieval.names import display_name

MetadataFields = tuple[tuple[str, str], ...]
"""(name, value) pairs; a field with several values has one pair for each, in order."""

LIST_FIELDS = {
    "writer", "penciller", "inker", "colorist", "letterer", "cover_artist", "editor", "translator", "artist", "genre",
    "tag", "character", "team", "location", "language", "imprint", "web",
}  # fmt: skip
"""Fields whose value is a comma-separated list."""

ARTIST_FIELDS = ("artist", "penciller", "inker", "colorist", "cover_artist")
"""Fields whose values are also listed under `artist`."""

_NUMBER_FIELDS = {"number", "count", "volume", "year", "month", "day", "alternate_number", "alternate_count"}
_MAX_EXACT = 2**53
"""From this number on, a float may differ from the number written."""

_LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "portuguese": "pt",
    "japanese": "ja", "korean": "ko", "chinese": "zh", "russian": "ru", "dutch": "nl", "polish": "pl",
    "swedish": "sv", "finnish": "fi", "danish": "da", "norwegian": "no", "czech": "cs", "turkish": "tr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookMetadata:
    """Metadata of a book from one file.

    page_types: type of a page by its number from 1. reading_direction: "ltr", "rtl" or None.
    """

    fields: MetadataFields = ()
    page_types: dict[int, str] = field(default_factory=dict)
    reading_direction: str | None = None


def normalize_fields(pairs: Iterable[tuple[str, str | None]]) -> MetadataFields:
    """Normalize fields for the catalog.

    Lists are split, numbers lose leading zeros, languages become codes, and duplicates and empty values are dropped.
    """
    fields = [(name, part) for name, value in pairs if value for part in _split(name, display_name(clean_text(value)))]
    artists = [("artist", value) for name, value in fields if name in ARTIST_FIELDS]
    return tuple(dict.fromkeys([*((name, value) for name, value in fields if name != "artist"), *artists]))


def _split(name: str, value: str) -> list[str]:
    """Split the value of a list field, and normalize each part; parts that become empty are dropped."""
    parts = value.split(",") if name in LIST_FIELDS and name != "web" else [value]
    return [normalized for part in parts if (normalized := _normalize_value(name, part.strip()))]


def _normalize_value(name: str, value: str) -> str:
    if name in _NUMBER_FIELDS:
        return normalize_number(value)
    if name == "language":
        return _LANGUAGES.get(value.lower(), value.lower() if len(value) < 12 else value)
    return value


def normalize_number(value: str) -> str:
    """Write a number in its shortest form: "012" as "12", "1.0" as "1".

    Negative numbers mean "unknown" and become "". Text that is no number is returned unchanged.
    """
    value = value.strip().lstrip("#").strip()
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value  # an issue may be called "Infinity"
    if number < 0:
        return ""
    if number >= _MAX_EXACT:
        return value
    return str(int(number)) if number.is_integer() else str(number)


def merge_fields(sources: Sequence[MetadataFields]) -> MetadataFields:
    """Merge the fields of several sources; all values of a field come from the first source that has it."""
    names: set[str] = set()
    merged: list[tuple[str, str]] = []
    for fields in sources:
        merged += [(name, value) for name, value in fields if name not in names]
        names |= {name for name, _ in fields}
    return tuple(merged)
