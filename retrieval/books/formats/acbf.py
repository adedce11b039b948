"""ACBF: a comic as one XML file that holds its pictures; and the page order such a file gives an archive."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from xml.etree.ElementTree import Element

from retrieval.books.container import Container, Entry
from retrieval.books.formats.xml import below, parse_xml, plain
from retrieval.books.limits import Reading
from retrieval.books.names import climbs, page_name
from retrieval.errors import SourceError


def page_hrefs(root: Element) -> list[str]:
    """The pictures of an ACBF document in reading order: the cover, then the pages. "#x" is one it holds itself."""
    covers = [image for cover in below(root, "coverpage") for image in below(cover, "image")][:1]
    bodies = [item for item in root if plain(item.tag) == "body"]
    pages = [page for body in bodies for page in body if plain(page.tag) == "page"]
    images = [item for page in pages for item in page if plain(item.tag) == "image"]
    hrefs = [_href(image) for image in [*covers, *images]]
    return list(dict.fromkeys(href for href in hrefs if href))


def _href(image: Element) -> str:
    return next((value.strip() for name, value in image.attrib.items() if plain(name) == "href"), "")


class Acbf(Container):
    """A plain ACBF file; its pages are the pictures it holds, in the order its body gives."""

    heavy = True

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        size = path.stat().st_size
        if size > reading.max_bytes:
            self.refuse(f"is larger than the limit of {reading.max_bytes / 2**20:.4g} MiB")
        root = parse_xml(path.read_bytes(), str(path))
        binaries = below(root, "binary")
        self.refuse(reading.too_many(len(binaries)))
        self._texts = {page_name(item.get("id", "")): item.text or "" for item in binaries if item.get("id")}
        self.entries = {name: Entry(_mark(text)) for name, text in self._texts.items()}
        self.order, missing = self._ordered(page_hrefs(root))
        if missing:
            self.trouble = f"names {len(missing)} pages it does not hold (like {missing[0]!r})"

    def _ordered(self, hrefs: list[str]) -> tuple[tuple[str, ...], list[str]]:
        """The names of the pages, and those that are not there."""
        names = [page_name(href.removeprefix("#")) if href.startswith("#") else href for href in hrefs]
        kept = tuple(name for name in names if name in self._texts and not climbs(name))
        return kept, [name for name in names if name not in kept]

    def _bytes(self, name: str, label: str) -> bytes:
        try:
            return base64.b64decode("".join(self._texts[name].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise SourceError(f"{label} is damaged: {error}") from error

    def _close(self) -> None:
        self._texts = {}


def _mark(text: str) -> str:
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}:{len(text)}"
