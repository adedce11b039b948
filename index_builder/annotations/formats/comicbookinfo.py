"""ComicBookInfo: what a book is, as JSON in the comment of its ZIP."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.facts import BookFacts, tidy
from index_builder.annotations.parsing import objects, words

_KEY = "ComicBookInfo/1.0"
NAMES = {
    "series": "series", "title": "title", "publisher": "publisher", "publicationMonth": "month",
    "publicationYear": "year", "publicationDay": "day", "issue": "number", "numberOfIssues": "count",
    "volume": "volume", "genre": "genre", "language": "language", "country": "country", "rating": "community_rating",
    "comments": "summary",
}  # fmt: skip
ROLES = {
    "writer": "writer", "author": "writer", "artist": "artist", "penciller": "penciller", "penciler": "penciller",
    "inker": "inker", "colorer": "colorist", "colorist": "colorist", "colourist": "colorist", "letterer": "letterer",
    "cover": "cover_artist", "cover artist": "cover_artist", "editor": "editor", "translator": "translator",
}  # fmt: skip


def read(value: Any) -> BookFacts | None:
    """What it says, or None when this is another form."""
    info = value.get(_KEY) if isinstance(value, dict) else None
    if not isinstance(info, dict):
        return None
    pairs: list[tuple[str, str | None]] = [(name, _text(info.get(key))) for key, name in NAMES.items()]
    for _, credit in objects(info.get("credits")):
        role = ROLES.get((words(credit.get("role")) or "").lower())
        person = words(credit.get("person"))
        pairs += [(role, _first_name_first(person))] if role and person else []
    tags = info.get("tags")
    pairs += [("tag", words(tag)) for tag in tags] if isinstance(tags, list) else []
    return BookFacts(tidy(pairs))


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else words(value)


def _first_name_first(person: str) -> str:
    """ "Moore, Alan" as "Alan Moore"."""
    last, comma, first = person.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and "," not in first else person.replace(",", "")
