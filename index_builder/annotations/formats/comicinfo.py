"""ComicInfo.xml, up to version 2.1: what a book is, what kind of page each page is, and how it is read."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from index_builder.annotations.facts import BookFacts, tidy
from retrieval.books.formats.xml import below, plain

NAMES = {
    "Title": "title", "Series": "series", "Number": "number", "Count": "count", "Volume": "volume",
    "AlternateSeries": "alternate_series", "AlternateNumber": "alternate_number", "AlternateCount": "alternate_count",
    "Summary": "summary", "Notes": "notes", "Year": "year", "Month": "month", "Day": "day",
    "Writer": "writer", "Penciller": "penciller", "Inker": "inker", "Colorist": "colorist", "Letterer": "letterer",
    "CoverArtist": "cover_artist", "Editor": "editor", "Translator": "translator",
    "Publisher": "publisher", "Imprint": "imprint", "Genre": "genre", "Tags": "tag", "Web": "web",
    "PageCount": "page_count", "LanguageISO": "language", "Format": "format",
    "BlackAndWhite": "black_and_white", "Manga": "manga", "Characters": "character", "Teams": "team",
    "Locations": "location", "ScanInformation": "scan_information", "StoryArc": "story_arc",
    "StoryArcNumber": "story_arc_number", "SeriesGroup": "series_group", "AgeRating": "age_rating",
    "CommunityRating": "community_rating", "MainCharacterOrTeam": "main_character", "Review": "review", "GTIN": "gtin",
}  # fmt: skip
"""Every field of version 2.1 and the name of its fact."""

LABELS = {
    "FrontCover": "cover", "InnerCover": "cover", "Roundup": "roundup", "Story": "story",
    "Advertisement": "advertisement", "Editorial": "editorial", "Letters": "letters", "Preview": "preview",
    "BackCover": "back_cover", "Other": "other", "Deleted": "deleted",
}  # fmt: skip
"""Its page types and their labels."""

_DIGITS = 9  # no book has so many pages
_UNSAID = {"unknown", "none"}
_MAY_BE_UNSAID = {"manga", "black_and_white", "age_rating"}


def read(root: Element) -> BookFacts | None:
    """What it says, or None when this is another form of XML."""
    if plain(root.tag) != "ComicInfo":
        return None
    pairs = [(NAMES[plain(item.tag)], item.text) for item in root if plain(item.tag) in NAMES]
    facts = tidy((n, v) for n, v in pairs if not (n in _MAY_BE_UNSAID and (v or "").strip().lower() in _UNSAID))
    return BookFacts(facts, _labels(root), _direction(dict(facts).get("manga", "")))


def _direction(manga: str) -> str | None:
    return {"yesandrighttoleft": "rtl", "no": "ltr"}.get(manga.lower())


def _labels(root: Element) -> dict[int, str]:
    """The label of each page listed, by its number from 1; a page without a type is a story, as the schema says."""
    found: dict[int, str] = {}
    for page in below(root, "Page"):
        image = page.get("Image", "").strip()
        if image.isascii() and image.isdigit() and len(image) < _DIGITS:
            kind = next(iter(page.get("Type", "Story").split()), "Story")
            found[int(image) + 1] = LABELS.get(kind, kind.lower())
    return found
