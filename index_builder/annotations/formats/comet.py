"""CoMet: what a book is, in the XML of that name."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from index_builder.annotations.facts import BookFacts, tidy
from retrieval.books.formats.xml import plain

NAMES = {
    "title": "title", "description": "summary", "series": "series", "issue": "number", "volume": "volume",
    "publisher": "publisher", "genre": "genre", "character": "character", "format": "format", "language": "language",
    "rating": "age_rating", "rights": "rights", "identifier": "identifier", "pages": "page_count",
    "isVersionOf": "is_version_of", "writer": "writer", "creator": "writer", "penciller": "penciller",
    "penciler": "penciller", "inker": "inker", "colorist": "colorist", "letterer": "letterer",
    "coverDesigner": "cover_artist", "editor": "editor", "price": "price",
}  # fmt: skip
_DATE = ("year", "month", "day")


def read(root: Element) -> BookFacts | None:
    """What it says, or None when this is another form of XML."""
    if plain(root.tag).lower() != "comet":
        return None
    pairs = [(NAMES[plain(item.tag)], item.text) for item in root if plain(item.tag) in NAMES]
    said = {plain(item.tag): (item.text or "").strip() for item in root}
    date = re.match(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", said.get("date", ""))
    pairs += [(name, value) for name, value in zip(_DATE, date.groups(), strict=True) if value] if date else []
    direction = said.get("readingDirection", "").lower()
    return BookFacts(tidy(pairs), {}, direction if direction in ("ltr", "rtl") else None)
