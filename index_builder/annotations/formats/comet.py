"""CoMet: metadata of a book as XML."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from index_builder.annotations.metadata import BookMetadata, normalize_fields
from index_builder.annotations.parsing import parse_direction
from retrieval.books.formats.xml import local_name

FIELDS = {
    "title": "title", "description": "summary", "series": "series", "issue": "number", "volume": "volume",
    "publisher": "publisher", "genre": "genre", "character": "character", "format": "format", "language": "language",
    "rating": "age_rating", "rights": "rights", "identifier": "identifier", "pages": "page_count",
    "isVersionOf": "is_version_of", "writer": "writer", "creator": "writer", "penciller": "penciller",
    "penciler": "penciller", "inker": "inker", "colorist": "colorist", "letterer": "letterer",
    "coverDesigner": "cover_artist", "editor": "editor", "price": "price",
}  # fmt: skip
_DATE_FIELDS = ("year", "month", "day")


def read(root: Element) -> BookMetadata | None:
    """Return the metadata, or None if this is another format."""
    if local_name(root.tag).lower() != "comet":
        return None
    pairs = [(FIELDS[local_name(item.tag)], item.text) for item in root if local_name(item.tag) in FIELDS]
    texts = {local_name(item.tag): (item.text or "").strip() for item in root}
    date = re.match(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", texts.get("date", ""))
    pairs += [(name, value) for name, value in zip(_DATE_FIELDS, date.groups(), strict=True) if value] if date else []
    direction = parse_direction(texts.get("readingDirection", "").lower())
    return BookMetadata(normalize_fields(pairs), {}, direction)
