"""What a file is, by its content: its name means nothing.

A format is one function that takes the parsed file and gives a `Recognised`, or None when the file is of another form.
The more telling forms are asked first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from index_builder.annotations.facts import BookFacts, tidy
from index_builder.annotations.formats import (
    acbf,
    coco,
    comet,
    comicbookinfo,
    comicinfo,
    detections,
    detector_vlm,
    kumiko,
    mokuro,
    ocr,
    page_json,
    vlm,
)
from index_builder.annotations.json_text import parse_json
from index_builder.annotations.records import Written
from retrieval.books.formats.xml import parse_xml
from retrieval.books.labels import Labels, parse_labels
from retrieval.errors import SourceError


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file holds: one page, pages by name, facts of a book, labels, or a manifest (path of a picture -> id).

    `note` says what was amiss with the file as a whole.
    """

    format: str
    page: Written | None = None
    pages: Mapping[str, Written] = field(default_factory=dict)
    book: BookFacts | None = None
    labels: Labels | None = None
    manifest: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def _page(name: str, read: Callable[[Any], Written | None]) -> Callable[[Any], Recognised | None]:
    def found(value: Any) -> Recognised | None:
        page = read(value)
        return None if page is None else Recognised(name, page)

    return found


def _pages(name: str, read: Callable[[Any], Mapping[str, Written] | None]) -> Callable[[Any], Recognised | None]:
    def found(value: Any) -> Recognised | None:
        pages = read(value)
        return None if pages is None else Recognised(name, pages=pages)

    return found


def _book(name: str, read: Callable[[Any], BookFacts | None]) -> Callable[[Any], Recognised | None]:
    def found(value: Any) -> Recognised | None:
        book = read(value)
        return None if book is None else Recognised(name, book=book)

    return found


def _mokuro(value: Any) -> Recognised | None:
    volume = mokuro.read(value)
    if volume is None:
        return None
    return Recognised("mokuro", pages=volume.pages, book=BookFacts(tidy(volume.facts), {}, mokuro.DIRECTION))


def _acbf(root: Element) -> Recognised | None:
    document = acbf.read(root)
    return None if document is None else Recognised("ACBF", pages=document.pages, book=document.book)


def _labels(value: Any) -> Recognised | None:
    labels = parse_labels(value)
    return None if labels is None else Recognised("labels", labels=labels)


JSON_FORMS: tuple[Callable[[Any], Recognised | None], ...] = (
    _book("ComicBookInfo", comicbookinfo.read),
    _pages("COCO", coco.read),
    _mokuro,
    _pages("Kumiko", kumiko.read),
    _pages("reconciled panels", detector_vlm.read),
    _page("detections", detections.read),
    _page("OCR", ocr.read),
    _page("page JSON", page_json.read),
    _page("VLM", vlm.read),
    _labels,
)

XML_FORMS: tuple[Callable[[Element], Recognised | None], ...] = (
    _book("ComicInfo", comicinfo.read),
    _book("CoMet", comet.read),
    _acbf,
)

UNKNOWN = Recognised("")


def recognise(data: bytes) -> Recognised:
    """What the file holds; never raises. `format` is "" where it is nothing known, and `note` may say why."""
    head = data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if head.startswith(b"<"):
        return _xml(data)
    if head.startswith((b"{", b"[", b"```")):
        return _json(data)
    return _table(data)


def _json(data: bytes) -> Recognised:
    value, note = parse_json(data)
    found = next((found for form in JSON_FORMS if (found := form(value)) is not None), UNKNOWN)
    if not note:
        return found
    page = None if found.page is None else replace(found.page, notes=(note, *found.page.notes))
    return replace(found, page=page, note=note)


def _xml(data: bytes) -> Recognised:
    try:
        root = parse_xml(data)
    except SourceError as error:
        return replace(UNKNOWN, note=error.problem)
    return next((found for form in XML_FORMS if (found := form(root)) is not None), UNKNOWN)


def _table(data: bytes) -> Recognised:
    """A manifest: `canonical_id,absolute_image_path`, perhaps with the class of each page in a column of its own."""
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    if not re.match(r"[^\n]*\bcanonical_id\b", text):
        return UNKNOWN
    manifest: dict[str, str] = {}
    classes: dict[str, str] = {}
    try:
        for row in csv.DictReader(io.StringIO(text)):
            name = (row.get("canonical_id") or "").strip()
            if not name or "__MACOSX" in name:
                continue
            if row.get("absolute_image_path"):
                manifest[row["absolute_image_path"].strip()] = name
            label = next((row[key] for key in ("Rpage", "page_type", "label", "class") if row.get(key)), None)
            classes |= {name: label} if label else {}
    except csv.Error as error:
        return Recognised("manifest", manifest=manifest, note=f"the table is damaged: {error}")
    return Recognised("manifest", manifest=manifest, labels=Labels(classes) if classes else None)
