"""ComicBookInfo: metadata of a book as JSON in the comment of its ZIP."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.metadata import BookMetadata, normalize_fields
from index_builder.annotations.parsing import numbered_objects, parse_text

_KEY = "ComicBookInfo/1.0"
FIELDS = {
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


def read(value: Any) -> BookMetadata | None:
    """Return the metadata, or None if this is another format."""
    info = value.get(_KEY) if isinstance(value, dict) else None
    if not isinstance(info, dict):
        return None
    pairs: list[tuple[str, str | None]] = [(name, _text(info.get(key))) for key, name in FIELDS.items()]
    for _, credit in numbered_objects(info.get("credits")):
        role = ROLES.get((parse_text(credit.get("role")) or "").lower())
        person = parse_text(credit.get("person"))
        pairs += [(role, _first_name_first(person))] if role and person else []
    tags = info.get("tags")
    pairs += [("tag", parse_text(tag)) for tag in tags] if isinstance(tags, list) else []
    return BookMetadata(normalize_fields(pairs))


def _text(value: Any) -> str | None:
    """Return a number or text as text, or None."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else parse_text(value)


def _first_name_first(person: str) -> str:
    """Put the first name first: "Moore, Alan" as "Alan Moore"."""
    last, comma, first = person.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and "," not in first else person.replace(",", "")
