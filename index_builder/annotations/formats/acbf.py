"""ACBF: frames and words on each page as polygons, in reading order, and what the book is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from index_builder.annotations.facts import BookFacts, tidy
from index_builder.annotations.parsing import around, clean
from index_builder.annotations.records import AnnotatedPanel, Point, TextBlock, Written
from retrieval.books.formats.xml import below, plain

ROLES = {
    "writer": "writer", "adapter": "writer", "artist": "artist", "penciller": "penciller", "inker": "inker",
    "colorist": "colorist", "letterer": "letterer", "coverartist": "cover_artist", "photographer": "artist",
    "editor": "editor", "assistanteditor": "editor", "translator": "translator", "other": "writer",
}  # fmt: skip
_BOX_TEXT = {"sign": "sign", "sound": "sfx"}


@dataclass(frozen=True, slots=True)
class Document:
    """The pages by the names of their pictures ("#x" without its sign), and what is known about the book."""

    pages: dict[str, Written]
    book: BookFacts


def read(root: Element) -> Document | None:
    """The document, or None when this is another form of XML."""
    if plain(root.tag) != "ACBF":
        return None
    drawn = _drawn_languages(root)
    covers = below(root, "coverpage")
    bodies = [body for body in root if plain(body.tag) == "body"]
    pages: dict[str, Written] = {}
    for page in [*covers, *(item for body in bodies for item in body if plain(item.tag) == "page")]:
        name = _picture(page)
        if name:
            pages.setdefault(name, _page(page, drawn))
    return Document(pages, _book(root))


def _picture(page: Element) -> str:
    """The name of a page's picture inside the book."""
    image = next((item for item in page if plain(item.tag) == "image"), None)
    href = "" if image is None else next((v for k, v in image.attrib.items() if plain(k) == "href"), "").strip()
    return unquote(href.removeprefix("#").removeprefix("./")).replace("\\", "/")


def _page(page: Element, drawn: list[str]) -> Written:
    notes: list[str] = []
    panels = []
    frames = [item for item in page if plain(item.tag) == "frame"]
    for place, frame in enumerate(frames, 1):
        outline = _points(frame)
        if not outline:
            notes.append(f"panel {place} dropped: its outline is not a list of points")
        else:
            box = around(outline)
            panels.append(AnnotatedPanel(place, box, None, outline if len(outline) > 2 else ()))
    return Written(tuple(panels) or None, None, tuple(notes), _blocks(page, drawn, notes))


def _blocks(page: Element, drawn: list[str], notes: list[str]) -> tuple[TextBlock, ...]:
    """The words in every language they are written down in, the one drawn in the picture first."""
    layers = [item for item in page if plain(item.tag) == "text-layer"]
    order = {language: place for place, language in enumerate(drawn)}
    layers.sort(key=lambda layer: order.get(layer.get("lang", ""), len(order)))
    found = []
    for layer in layers:
        for area in (item for item in layer if plain(item.tag) == "text-area"):
            outline, text = _points(area), clean(" ".join(" ".join(area.itertext()).split()))
            if outline and text:
                kind = area.get("type", "").strip().lower()
                found.append(TextBlock(around(outline), text, _BOX_TEXT.get(kind, kind), layer.get("lang", "")))
    return tuple(found)


def _drawn_languages(root: Element) -> list[str]:
    """The languages of the words in the pictures themselves (not laid over them), then the others, as listed."""
    layers = below(root, "text-layer")
    listed = [item for info in below(root, "languages") for item in below(info, "text-layer")] or layers
    drawn = [item.get("lang", "") for item in listed if item.get("show", "").strip().lower() == "false"]
    return list(dict.fromkeys([*drawn, *(item.get("lang", "") for item in listed)]))


def _points(item: Element) -> tuple[Point, ...]:
    """The corners of `points="x,y x,y ..."`; () where it is something else or fewer than two."""
    found = []
    for pair in item.get("points", "").split():
        match = re.fullmatch(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", pair)
        if match is None:
            return ()
        found.append((float(match[1]), float(match[2])))
    return tuple(found) if len(found) > 1 else ()


def _book(root: Element) -> BookFacts:
    info = next((item for meta in below(root, "meta-data") for item in meta if plain(item.tag) == "book-info"), root)
    published = next(
        (item for meta in below(root, "meta-data") for item in meta if plain(item.tag) == "publish-info"), root
    )
    pairs: list[tuple[str, str | None]] = [*_people(info), *_series(info)]
    pairs += [("title", _first(info, "book-title")), ("summary", _first(info, "annotation"))]
    pairs += [("genre", item.text.replace("_", " ")) for item in info if plain(item.tag) == "genre" and item.text]
    pairs += [("character", item.text) for group in below(info, "characters") for item in below(group, "name")]
    pairs += [("tag", item.text) for item in info if plain(item.tag) == "keywords"]
    pairs += [
        ("language", item.get("lang")) for group in below(info, "languages") for item in below(group, "text-layer")
    ]
    pairs += [("age_rating", item.text) for item in info if plain(item.tag) == "content-rating"]
    pairs += [("publisher", _first(published, "publisher"))]
    pairs += [("year", item.get("value", "")[:4]) for item in below(published, "publish-date")]
    direction = (_first(info, "reading-direction") or "").lower()
    return BookFacts(tidy(pairs), {}, direction if direction in ("ltr", "rtl") else None)


def _people(info: Element) -> list[tuple[str, str]]:
    found = []
    for author in (item for item in info if plain(item.tag) == "author"):
        parts = [_first(author, key) for key in ("first-name", "middle-name", "last-name")]
        name = " ".join(part for part in parts if part) or _first(author, "nickname") or ""
        role = ROLES.get(author.get("activity", "Writer").strip().lower().replace(" ", ""), "writer")
        found += [(role, name.replace(",", " "))] if name else []
    return found


def _series(info: Element) -> list[tuple[str, str]]:
    """Series, its volume, and the number of the book in it."""
    found = []
    for item in [item for item in info if plain(item.tag) == "sequence"][:1]:
        found = [("series", item.get("title", "")), ("volume", item.get("volume", "")), ("number", item.text or "")]
    return found


def _first(element: Element, name: str) -> str | None:
    item = next((item for item in element if plain(item.tag) == name), None)
    return None if item is None else clean(" ".join(" ".join(item.itertext()).split())) or None
