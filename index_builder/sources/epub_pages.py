"""Images that a page document of an EPUB shows: `img`, SVG `image`, `object`, and backgrounds of its style."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

from index_builder.sources.style_sheets import Element, StyleSheet, background_urls, parse_style_sheet
from retrieval.books import Container, is_page, page_name, suffix_of
from retrieval.names import name_key

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"""(?:encoding\s*=|charset\s*=|@charset)\s*["']?([\w.:-]+)""", re.IGNORECASE)
_DECLARATION_BYTES = 1024
_MAX_DEPTH = 3
"""Documents inside documents that are followed: an SVG in a page, a style sheet that imports another."""


@dataclass(frozen=True, slots=True)
class PageImages:
    """Images of one page document, by their names in the archive.

    from_style_sheets: True if it shows no others than backgrounds from rules outside its elements.
    """

    names: tuple[str, ...] = ()
    from_style_sheets: bool = False


class EpubFiles:
    """The files of an EPUB, found by the references of its documents."""

    def __init__(self, book: Container, encrypted: Collection[str]) -> None:
        self._book = book
        self._encrypted = encrypted
        self._folded = {name_key(name): name for name in reversed(book.entries)}
        self._sheets: dict[str, StyleSheet] = {}

    def resolve(self, reference: str, document: str = "") -> str:
        """Return the name in the archive of a reference in `document`.

        References are percent-encoded. Some writers forget that, or write a name in other capitals or in another
        normal form of Unicode than the archive.
        """
        path = urldefrag(reference)[0]
        names = [_join(document, unquote(path)), _join(document, path)]
        exact = next((name for name in names if name in self._book.entries), None)
        return exact or self._folded.get(name_key(names[0]), names[0])

    def images(self, name: str, media_type: str = "", depth: int = 0) -> PageImages:
        """Return the images in one document of the spine, in the order of its elements."""
        if media_type.startswith("image/") and media_type != "image/svg+xml":
            return PageImages((name,))
        text = self._text(name)
        if text is None:
            return PageImages()
        parser = _PageParser()
        parser.feed(text)
        found = [self.resolve(reference, name) for reference in parser.references]
        if found:
            return PageImages(tuple(image for each in found for image in self._inner_images(each, depth)))
        return PageImages(tuple(self._backgrounds(parser, name)), from_style_sheets=True)

    def _inner_images(self, name: str, depth: int) -> tuple[str, ...]:
        """Return the images in an SVG; the name itself if it is another file, or an SVG that only draws."""
        if suffix_of(name) != ".svg" or depth >= _MAX_DEPTH:
            return (name,)
        return self.images(name, depth=depth + 1).names or (name,)

    def _text(self, name: str) -> str | None:
        """Return the text of a document; None if it is missing or encrypted."""
        if name not in self._book.entries or name in self._encrypted:
            return None
        return decode_markup(self._book.read(name))

    def _backgrounds(self, parser: _PageParser, document: str) -> list[str]:
        """Return the background images of a document's elements, from its own styles and linked style sheets."""
        sheets = [parse_style_sheet("".join(parser.style), document)]
        sheets += [self._sheet(self.resolve(link, document)) for link in parser.style_sheets]
        sheets = [each for sheet in sheets for each in self._with_imports(sheet)]
        rules = [(rule, sheet.document) for sheet in sheets for rule in sheet.rules]
        rules = [item for item in rules if item[0].may_apply(parser.elements)]
        return [
            self.resolve(url, owner)
            for element in parser.elements
            for rule, owner in rules
            if rule.matches(element)
            for url in rule.urls
        ]

    def _with_imports(self, sheet: StyleSheet, depth: int = 0) -> list[StyleSheet]:
        imported = [self._sheet(self.resolve(url, sheet.document)) for url in sheet.imports if depth < _MAX_DEPTH]
        return [each for inner in imported for each in self._with_imports(inner, depth + 1)] + [sheet]

    def _sheet(self, name: str) -> StyleSheet:
        """Return a style sheet of the book, parsed once; an empty one if it is missing."""
        if name not in self._sheets:
            self._sheets[name] = parse_style_sheet(self._text(name) or "", name)
        return self._sheets[name]


@dataclass
class _PageParser(HTMLParser):
    """Collector of what a page shows; accepts malformed pages, and ignores entities.

    references: images in elements and in their own styles. elements: all elements, for the rules of style sheets.
    """

    references: list[str] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    style_sheets: list[str] = field(default_factory=list)
    style: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._in_style = False
        self._shown_object = 0
        """Open `object` elements since one that shows an image: what is inside them stands in for it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = tag.rpartition(":")[2]
        values = {"href" if name.endswith(":href") else name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "link" and "stylesheet" in values.get("rel", "").lower().split() and values.get("href"):
            self.style_sheets.append(values["href"].strip())
        if self._shown_object:
            self._shown_object += tag == "object"
            return
        self.elements.append(Element(tag, values.get("id", ""), frozenset(values.get("class", "").split())))
        reference = _image_reference(tag, values).strip()
        self._shown_object = int(tag == "object" and bool(reference))
        references = [reference, *background_urls(values.get("style", ""))]
        self.references += [each for each in references if each and not each.startswith("data:")]

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        self._in_style = False
        self._shown_object -= int(tag == "object" and self._shown_object > 0)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style.append(data)


def _image_reference(tag: str, values: dict[str, str]) -> str:
    """Return the reference to the image that an element shows; "" if it shows none."""
    if tag == "img":
        return values.get("src", "")
    if tag == "image":
        return values.get("href", "")
    if tag in ("object", "embed"):
        reference = values.get("data" if tag == "object" else "src", "")
        path = urldefrag(reference)[0]
        is_image = values.get("type", "").startswith("image/") or is_page(path) or suffix_of(path) == ".svg"
        return reference if is_image else ""
    return ""


def decode_markup(data: bytes) -> str:
    """Return the text of XML, HTML or CSS by its byte order mark or declaration, else as UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if data[:4:2] == b"\0\0" or data[1:4:2] == b"\0\0":  # markup begins with ASCII
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    declared = _DECLARED_ENCODING.search(data[:_DECLARATION_BYTES])
    encoding = declared[1].decode() if declared else "utf-8"
    if encoding.lower().startswith(("utf-16", "utf-32", "ucs")):  # wrong: its declaration could be read as ASCII
        encoding = "utf-8"
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _join(document: str, path: str) -> str:
    """Return the name in the archive of a path that is relative to a document."""
    return page_name(posixpath.normpath(posixpath.join("/", posixpath.dirname(document), path)).lstrip("/"))
