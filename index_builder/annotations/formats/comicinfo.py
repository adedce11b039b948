"""ComicInfo.xml, up to version 2.1: metadata of a book, page types and reading direction."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index_builder.annotations.metadata import BookMetadata, normalize_fields
from retrieval.books import is_page
from retrieval.books.formats.xml import descendants, local_name

FIELDS = {
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
"""All elements of version 2.1 and their fields."""

PAGE_TYPES = {
    "FrontCover": "cover", "InnerCover": "cover", "Roundup": "roundup", "Story": "story",
    "Advertisement": "advertisement", "Editorial": "editorial", "Letters": "letters", "Preview": "preview",
    "BackCover": "back_cover", "Other": "other", "Deleted": "deleted",
}  # fmt: skip
"""Page types of ComicInfo and their names here."""

_MAX_DIGITS = 8
"""Digits of a page number up to which it is accepted; no book has so many pages."""

_UNKNOWN_VALUES = {"unknown", "none"}
_FIELDS_WITH_UNKNOWN = {"manga", "black_and_white", "age_rating"}
"""Fields that have a value for "unknown"."""


def read(root: Element) -> BookMetadata | None:
    """Return the metadata, or None if this is another format."""
    if local_name(root.tag) != "ComicInfo":
        return None
    pairs = [(FIELDS[local_name(item.tag)], item.text) for item in root if local_name(item.tag) in FIELDS]
    fields = normalize_fields((name, value) for name, value in pairs if not _is_unknown(name, value))
    return BookMetadata(fields, _page_types(root), _direction(dict(fields).get("manga", "")))


def _is_unknown(name: str, value: str | None) -> bool:
    return name in _FIELDS_WITH_UNKNOWN and (value or "").strip().lower() in _UNKNOWN_VALUES


def _direction(manga: str) -> str | None:
    return {"yesandrighttoleft": "rtl", "no": "ltr"}.get(manga.lower())


def _page_types(root: Element) -> dict[int, str]:
    """Return the types of the listed pages by number from 1; the schema's default is "Story"."""
    return {int(image) + 1: page_type for image, page_type in _listed_pages(root) if _is_number(image)}


def page_types_by_name(root: Element) -> dict[str, str]:
    """Return the types of the pages that a program listed by the names of their images instead of their numbers."""
    return {image: page_type for image, page_type in _listed_pages(root) if is_page(image)}


def _is_number(image: str) -> bool:
    return image.isascii() and image.isdigit() and len(image) <= _MAX_DIGITS


def _listed_pages(root: Element) -> Iterator[tuple[str, str]]:
    """Yield (image, type) of each listed page."""
    for page in descendants(root, "Page"):
        page_type = next(iter(page.get("Type", "Story").split()), "Story")
        yield page.get("Image", "").strip(), PAGE_TYPES.get(page_type, page_type.lower())
