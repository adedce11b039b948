"""What is known about a book as names and values: one word for one thing, whatever the format called it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from index_builder.annotations.parsing import clean

Facts = tuple[tuple[str, str], ...]
"""(name, value) pairs; several of one name in order."""

LISTS = {
    "writer", "penciller", "inker", "colorist", "letterer", "cover_artist", "editor", "translator", "artist", "genre",
    "tag", "character", "team", "location", "language", "imprint", "web",
}  # fmt: skip
"""Names whose values are lists with commas between."""

ARTISTS = ("artist", "penciller", "inker", "colorist", "cover_artist")
"""Whoever drew, under their own names and as `artist`."""

_NUMBERS = {"number", "count", "volume", "year", "month", "day", "alternate_number", "alternate_count"}
_EXACT = 2**53  # from here on a float is another number than the one written
_LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "portuguese": "pt",
    "japanese": "ja", "korean": "ko", "chinese": "zh", "russian": "ru", "dutch": "nl", "polish": "pl",
    "swedish": "sv", "finnish": "fi", "danish": "da", "norwegian": "no", "czech": "cs", "turkish": "tr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookFacts:
    """What one file says about a book: facts, the label of pages by their number from 1, the direction it is read."""

    facts: Facts = ()
    labels: dict[int, str] = field(default_factory=dict)
    reading_direction: str | None = None


def tidy(pairs: Iterable[tuple[str, str | None]]) -> Facts:
    """Facts as the catalog keeps them: lists split, numbers without zeros in front, languages as codes, no doubles."""
    found = [(name, part) for name, value in pairs if value for part in _parts(name, clean(value))]
    artists = [("artist", value) for name, value in found if name in ARTISTS]
    return tuple(dict.fromkeys([*((n, v) for n, v in found if n != "artist"), *artists]))


def _parts(name: str, value: str) -> list[str]:
    items = value.split(",") if name in LISTS and name != "web" else [value]
    return [tidied for item in items if (tidied := _tidied(name, item.strip()))]


def _tidied(name: str, value: str) -> str:
    if name in _NUMBERS:
        return plain_number(value)
    if name == "language":
        return _LANGUAGES.get(value.lower(), value.lower() if len(value) < 12 else value)
    return value


def plain_number(value: str) -> str:
    """ "012" as "12", "1.0" as "1", "-1" (not known) as nothing; what is no number stays as it is."""
    value = value.strip().lstrip("#").strip()
    try:
        amount = float(value)
    except ValueError:
        return value
    if not math.isfinite(amount):
        return value  # an issue may be called "Infinity"
    if amount < 0:
        return ""
    if amount >= _EXACT:
        return value
    return str(int(amount)) if amount.is_integer() else str(amount)


def first_of_each(sources: Sequence[Facts]) -> Facts:
    """Each name's values from the first source that has it."""
    taken: set[str] = set()
    found: list[tuple[str, str]] = []
    for facts in sources:
        found += [(name, value) for name, value in facts if name not in taken]
        taken |= {name for name, _ in facts}
    return tuple(found)
