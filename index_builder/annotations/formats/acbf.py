"""ACBF: frames and texts of each page as polygons in reading order, and metadata of the book."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from index_builder.annotations.metadata import BookMetadata, normalize_fields
from index_builder.annotations.parsing import bounding_box, clean_text, parse_direction
from index_builder.annotations.records import AnnotatedPanel, Point, RawAnnotation, TextBlock
from retrieval.books.formats.xml import descendants, local_name

ROLES = {
    "writer": "writer", "adapter": "writer", "artist": "artist", "penciller": "penciller", "inker": "inker",
    "colorist": "colorist", "letterer": "letterer", "coverartist": "cover_artist", "photographer": "artist",
    "editor": "editor", "assistanteditor": "editor", "translator": "translator", "other": "writer",
}  # fmt: skip
_TEXT_TYPES = {"sign": "sign", "sound": "sfx"}


@dataclass(frozen=True, slots=True)
class Document:
    """The pages by the names of their images ("#x" without its sign), and metadata of the book."""

    pages: dict[str, RawAnnotation]
    metadata: BookMetadata


def read(root: Element) -> Document | None:
    """Return the document, or None if this is another format."""
    if local_name(root.tag) != "ACBF":
        return None
    languages = _languages(root)
    covers = descendants(root, "coverpage")
    bodies = [body for body in root if local_name(body.tag) == "body"]
    pages: dict[str, RawAnnotation] = {}
    for page in [*covers, *(item for body in bodies for item in body if local_name(item.tag) == "page")]:
        name = _image_name(page)
        if name:
            pages.setdefault(name, _page(page, languages))
    return Document(pages, _metadata(root))


def _image_name(page: Element) -> str:
    """Return the name of a page's image inside the book, or ""."""
    image = next((item for item in page if local_name(item.tag) == "image"), None)
    href = "" if image is None else next((v for k, v in image.attrib.items() if local_name(k) == "href"), "").strip()
    return unquote(href.removeprefix("#").removeprefix("./")).replace("\\", "/")


def _page(page: Element, languages: list[str]) -> RawAnnotation:
    warnings: list[str] = []
    panels = []
    frames = [item for item in page if local_name(item.tag) == "frame"]
    for number, frame in enumerate(frames, 1):
        outline = _points(frame)
        if not outline:
            warnings.append(f"panel {number} dropped: its outline is not a list of points")
        else:
            box = bounding_box(outline)
            panels.append(AnnotatedPanel(number, box, None, outline if len(outline) > 2 else ()))
    return RawAnnotation(tuple(panels) or None, None, tuple(warnings), _blocks(page, languages))


def _blocks(page: Element, languages: list[str]) -> tuple[TextBlock, ...]:
    """Return the texts in all languages, in the order of `languages`."""
    layers = [item for item in page if local_name(item.tag) == "text-layer"]
    order = {language: position for position, language in enumerate(languages)}
    layers.sort(key=lambda layer: order.get(layer.get("lang", ""), len(order)))
    blocks = []
    for layer in layers:
        for area in (item for item in layer if local_name(item.tag) == "text-area"):
            outline, text = _points(area), _text(area)
            if outline and text:
                text_type = area.get("type", "").strip().lower()
                text_type = _TEXT_TYPES.get(text_type, text_type)
                blocks.append(TextBlock(bounding_box(outline), text, text_type, layer.get("lang", "")))
    return tuple(blocks)


def _languages(root: Element) -> list[str]:
    """Return the languages of the texts drawn in the images, then those of overlaid texts, as listed."""
    layers = descendants(root, "text-layer")
    listed = [item for info in descendants(root, "languages") for item in descendants(info, "text-layer")] or layers
    drawn = [item.get("lang", "") for item in listed if item.get("show", "").strip().lower() == "false"]
    return list(dict.fromkeys([*drawn, *(item.get("lang", "") for item in listed)]))


def _points(item: Element) -> tuple[Point, ...]:
    """Return the corners in `points="x,y x,y ..."`; () if it is malformed or has fewer than two."""
    points = []
    for pair in item.get("points", "").split():
        match = re.fullmatch(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", pair)
        if match is None:
            return ()
        points.append((float(match[1]), float(match[2])))
    return tuple(points) if len(points) > 1 else ()


def _metadata(root: Element) -> BookMetadata:
    info, published = _section(root, "book-info"), _section(root, "publish-info")
    pairs: list[tuple[str, str | None]] = [*_people(info), *_series(info)]
    pairs += [("title", _first(info, "book-title")), ("summary", _first(info, "annotation"))]
    pairs += [("genre", item.text.replace("_", " ")) for item in info if local_name(item.tag) == "genre" and item.text]
    pairs += [
        ("character", item.text) for group in descendants(info, "characters") for item in descendants(group, "name")
    ]
    pairs += [("tag", item.text) for item in info if local_name(item.tag) == "keywords"]
    pairs += [
        ("language", item.get("lang"))
        for group in descendants(info, "languages")
        for item in descendants(group, "text-layer")
    ]
    pairs += [("age_rating", item.text) for item in info if local_name(item.tag) == "content-rating"]
    pairs += [("publisher", _first(published, "publisher"))]
    pairs += [("year", item.get("value", "")[:4]) for item in descendants(published, "publish-date")]
    direction = parse_direction((_first(info, "reading-direction") or "").lower())
    return BookMetadata(normalize_fields(pairs), {}, direction)


def _section(root: Element, name: str) -> Element:
    """Return a section of the metadata, or the whole document if it has none."""
    return next(
        (item for meta in descendants(root, "meta-data") for item in meta if local_name(item.tag) == name), root
    )


def _people(info: Element) -> list[tuple[str, str]]:
    """Return (role, name) of each author."""
    people = []
    for author in (item for item in info if local_name(item.tag) == "author"):
        parts = [_first(author, key) for key in ("first-name", "middle-name", "last-name")]
        name = " ".join(part for part in parts if part) or _first(author, "nickname") or ""
        role = ROLES.get(author.get("activity", "Writer").strip().lower().replace(" ", ""), "writer")
        people += [(role, name.replace(",", " "))] if name else []
    return people


def _series(info: Element) -> list[tuple[str, str]]:
    """Return the series, the volume, and the number of the book in it."""
    item = next((item for item in info if local_name(item.tag) == "sequence"), None)
    if item is None:
        return []
    return [("series", item.get("title", "")), ("volume", item.get("volume", "")), ("number", item.text or "")]


def _first(element: Element, name: str) -> str | None:
    """Return the text of the first child with a name, or None."""
    item = next((item for item in element if local_name(item.tag) == name), None)
    return None if item is None else _text(item) or None


def _text(element: Element) -> str:
    """Return the text of an element and all below it, with single spaces."""
    return clean_text(" ".join(" ".join(element.itertext()).split()))
