"""The package document of an EPUB: metadata of the book, its series, and the direction of its pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from index_builder.annotations.metadata import BookMetadata, normalize_fields
from index_builder.annotations.parsing import parse_direction
from retrieval.books.formats.xml import descendants, local_name

FIELDS = {"language": "language", "publisher": "publisher", "description": "summary", "subject": "genre"}

ROLES = {
    "aut": "writer", "adp": "writer", "scr": "writer", "art": "artist", "ill": "artist", "drm": "artist",
    "pnc": "penciller", "ink": "inker", "clr": "colorist", "ltr": "letterer", "cov": "cover_artist", "edt": "editor",
    "trl": "translator",
}  # fmt: skip
"""Roles of people (MARC relators) and their fields."""

_MIN_YEAR = 1400
"""Years before printing stand for an unknown date, as 101 in calibre."""

Refinements = Mapping[str, Mapping[str, str]]
"""property -> value by the id of the element that an EPUB 3 `meta` refines."""


def read(root: Element) -> BookMetadata | None:
    """Return the metadata, or None if this is another format."""
    if local_name(root.tag) != "package":
        return None
    elements = [item for metadata in descendants(root, "metadata") for item in metadata.iter()]
    metas = [item for item in elements if local_name(item.tag) == "meta"]
    refinements = _refinements(metas)
    pairs = [(FIELDS[local_name(item.tag)], item.text) for item in elements if local_name(item.tag) in FIELDS]
    pairs += [*_series(metas, elements, refinements), ("title", _title(elements, refinements))]
    pairs += [*_people(elements, refinements), ("year", _year(elements))]
    return BookMetadata(normalize_fields(pairs), {}, _direction(root, metas))


def _refinements(metas: list[Element]) -> Refinements:
    refined: dict[str, dict[str, str]] = defaultdict(dict)
    for meta in metas:
        if meta.get("refines"):
            refined[meta.get("refines", "").removeprefix("#")][meta.get("property", "")] = _text(meta)
    return refined


def _series(metas: list[Element], elements: list[Element], refinements: Refinements) -> list[tuple[str, str]]:
    """Return the series and the number in it: of EPUB 3, else of calibre, else of a title of the type collection."""
    for meta in metas:
        more = refinements.get(meta.get("id", ""), {})
        is_series = more.get("collection-type", "series") == "series"
        if meta.get("property") == "belongs-to-collection" and not meta.get("refines") and is_series and _text(meta):
            return [("series", _text(meta)), ("number", more.get("group-position", ""))]
    named = {meta.get("name", ""): meta.get("content", "") for meta in metas}
    if named.get("calibre:series", "").strip():
        return [("series", named["calibre:series"]), ("number", named.get("calibre:series_index", ""))]
    for title, more in _titles(elements, refinements):
        if more.get("title-type") == "collection":
            return [("series", title), ("number", more.get("group-position", ""))]
    return []


def _titles(elements: list[Element], refinements: Refinements) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the titles with their refinements."""
    for item in elements:
        if local_name(item.tag) == "title":
            yield _text(item), refinements.get(item.get("id", ""), {})


def _title(elements: list[Element], refinements: Refinements) -> str:
    """Return the main title, else the first that is neither a subtitle nor the series."""
    titles = [(more.get("title-type", ""), title) for title, more in _titles(elements, refinements)]
    return next((title for wanted in ("main", "") for kind, title in titles if kind == wanted), "")


def _people(elements: list[Element], refinements: Refinements) -> list[tuple[str, str]]:
    """Return (role, name) of each person; a creator without a role is a writer, a contributor nothing."""
    people = []
    for item in elements:
        kind = local_name(item.tag)
        if kind not in ("creator", "contributor") or not _text(item):
            continue
        role = next((value for name, value in item.attrib.items() if local_name(name) == "role"), "")
        role = (role or refinements.get(item.get("id", ""), {}).get("role", "")).strip().lower()
        field = ROLES.get(role, "writer" if kind == "creator" else "")
        people += [(field, " ".join(_text(item).replace(",", " ").split()))] if field else []
    return people


def _year(elements: list[Element]) -> str:
    """Return the year of the first date that has one."""
    dates = (_text(item) for item in elements if local_name(item.tag) == "date")
    years = (match[0] for date in dates if (match := re.match(r"\d{4}", date)))
    return next((year for year in years if int(year) >= _MIN_YEAR), "")


def _direction(root: Element, metas: list[Element]) -> str | None:
    """Return the direction of the spine, else that of Kindle's writing mode, such as `horizontal-rl`."""
    spines = [item.get("page-progression-direction", "").strip().lower() for item in descendants(root, "spine")]
    stated = next((direction for value in spines if (direction := parse_direction(value))), None)
    modes = [meta.get("content", "").strip().lower() for meta in metas if meta.get("name") == "primary-writing-mode"]
    return stated or ("rtl" if any(mode.endswith("-rl") for mode in modes) else None)


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
