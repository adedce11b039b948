"""Recognition of a file's format by its content; its name is not used.

A format is a function that takes the parsed JSON or XML and returns a `ParsedFile`, or None for another format.
The more specific formats are tried first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from index_builder.annotations import epub_package
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
from index_builder.annotations.metadata import BookMetadata, normalize_fields
from index_builder.annotations.records import RawAnnotation
from retrieval.books.formats.xml import decode_text, parse_xml
from retrieval.books.labels import Labels, parse_labels
from retrieval.errors import SourceError


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The content of a file. format: its name, "" if unknown. warning: a problem with the file as a whole, or "".

    page: the annotation of one page. pages: annotations by page name. metadata: metadata of a book.
    labels: page types. manifest: image path -> page id.
    """

    format: str
    page: RawAnnotation | None = None
    pages: Mapping[str, RawAnnotation] = field(default_factory=dict)
    metadata: BookMetadata | None = None
    labels: Labels | None = None
    manifest: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""


def _page_format(name: str, read: Callable[[Any], RawAnnotation | None]) -> Callable[[Any], ParsedFile | None]:
    """Return the format of files that describe one page."""

    def parse(value: Any) -> ParsedFile | None:
        page = read(value)
        return None if page is None else ParsedFile(name, page)

    return parse


def _pages_format(
    name: str, read: Callable[[Any], Mapping[str, RawAnnotation] | None]
) -> Callable[[Any], ParsedFile | None]:
    """Return the format of files that describe many pages."""

    def parse(value: Any) -> ParsedFile | None:
        pages = read(value)
        return None if pages is None else ParsedFile(name, pages=pages)

    return parse


def _metadata_format(name: str, read: Callable[[Any], BookMetadata | None]) -> Callable[[Any], ParsedFile | None]:
    """Return the format of files that describe a book."""

    def parse(value: Any) -> ParsedFile | None:
        metadata = read(value)
        return None if metadata is None else ParsedFile(name, metadata=metadata)

    return parse


def _mokuro(value: Any) -> ParsedFile | None:
    volume = mokuro.read(value)
    if volume is None:
        return None
    metadata = BookMetadata(normalize_fields(volume.fields), {}, mokuro.DIRECTION)
    return ParsedFile("mokuro", pages=volume.pages, metadata=metadata)


def _comicinfo(root: Element) -> ParsedFile | None:
    metadata = comicinfo.read(root)
    if metadata is None:
        return None
    named = comicinfo.page_types_by_name(root)
    return ParsedFile("ComicInfo", metadata=metadata, labels=Labels(named) if named else None)


def _acbf(root: Element) -> ParsedFile | None:
    document = acbf.read(root)
    return None if document is None else ParsedFile("ACBF", pages=document.pages, metadata=document.metadata)


def _labels(value: Any) -> ParsedFile | None:
    labels = parse_labels(value)
    return None if labels is None else ParsedFile("labels", labels=labels)


JSON_FORMATS: tuple[Callable[[Any], ParsedFile | None], ...] = (
    _metadata_format("ComicBookInfo", comicbookinfo.read),
    _pages_format("COCO", coco.read),
    _mokuro,
    _pages_format("Kumiko", kumiko.read),
    _pages_format("reconciled panels", detector_vlm.read),
    _page_format("detections", detections.read),
    _page_format("OCR", ocr.read),
    _page_format("page JSON", page_json.read),
    _page_format("VLM", vlm.read),
    _labels,
)

XML_FORMATS: tuple[Callable[[Element], ParsedFile | None], ...] = (
    _comicinfo,
    _metadata_format("CoMet", comet.read),
    _metadata_format("EPUB package", epub_package.read),
    _acbf,
)

UNKNOWN = ParsedFile("")


def parse_file(data: bytes) -> ParsedFile:
    """Parse a file of any known format; never raises. An unknown file has the format "", and may have a warning."""
    head = data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if head.startswith(b"<"):
        return _parse_xml(data)
    if head.startswith((b"{", b"[", b"```")):
        return _parse_json(data)
    return _parse_manifest(data)


def _parse_json(data: bytes) -> ParsedFile:
    value, warning = parse_json(data)
    parsed = next((parsed for parse in JSON_FORMATS if (parsed := parse(value)) is not None), UNKNOWN)
    if not warning:
        return parsed
    page = None if parsed.page is None else replace(parsed.page, warnings=(warning, *parsed.page.warnings))
    return replace(parsed, page=page, warning=warning)


def _parse_xml(data: bytes) -> ParsedFile:
    try:
        root = parse_xml(data)
    except SourceError as error:
        return replace(UNKNOWN, warning=error.problem)
    return next((parsed for parse in XML_FORMATS if (parsed := parse(root)) is not None), UNKNOWN)


def _parse_manifest(data: bytes) -> ParsedFile:
    """Parse a table with the columns `canonical_id`, `absolute_image_path` and, optionally, the type of each page."""
    text = decode_text(data).replace("\0", "")
    if not re.match(r"[^\n]*\bcanonical_id\b", text):
        return UNKNOWN
    manifest: dict[str, str] = {}
    page_types: dict[str, str] = {}
    try:
        for row in csv.DictReader(io.StringIO(text)):
            page_id = (row.get("canonical_id") or "").strip()
            if not page_id or "__MACOSX" in page_id:
                continue
            if row.get("absolute_image_path"):
                manifest[row["absolute_image_path"].strip()] = page_id
            page_type = next((row[key] for key in ("Rpage", "page_type", "label", "class") if row.get(key)), None)
            page_types |= {page_id: page_type} if page_type else {}
    except csv.Error as error:
        return ParsedFile("manifest", manifest=manifest, warning=f"the table is damaged: {error}")
    return ParsedFile("manifest", manifest=manifest, labels=Labels(page_types) if page_types else None)
