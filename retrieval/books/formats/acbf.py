"""ACBF: a comic as one XML file that holds its images. An ACBF file in an archive states only the page order."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from xml.etree.ElementTree import Element

from retrieval.books.container import Container, Entry
from retrieval.books.formats.xml import descendants, local_name, parse_xml
from retrieval.books.limits import ReadLimits
from retrieval.books.names import escapes, page_name
from retrieval.books.problems import COPY_AGAIN, ReadProblem, megabytes


def page_hrefs(root: Element) -> list[str]:
    """Return the images of an ACBF document in reading order, the cover first. "#x" is an image in the document."""
    covers = [image for cover in descendants(root, "coverpage") for image in descendants(cover, "image")][:1]
    bodies = [item for item in root if local_name(item.tag) == "body"]
    pages = [page for body in bodies for page in body if local_name(page.tag) == "page"]
    images = [item for page in pages for item in page if local_name(item.tag) == "image"]
    hrefs = [_href(image) for image in [*covers, *images]]
    return list(dict.fromkeys(href for href in hrefs if href))


def _href(image: Element) -> str:
    return next((value.strip() for name, value in image.attrib.items() if local_name(name) == "href"), "")


class Acbf(Container):
    """An ACBF file. Its pages are the images it holds, in the order of its body."""

    unpacks_whole = True

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        if path.stat().st_size > limits.max_bytes:
            self.refuse(ReadProblem(f"larger than the limit of {megabytes(limits.max_bytes)}"))
        root = parse_xml(path.read_bytes(), path)
        binaries = descendants(root, "binary")
        self.refuse(limits.check_count(len(binaries)))
        self._texts = {page_name(item.get("id", "")): item.text or "" for item in binaries if item.get("id")}
        self.entries = {name: Entry(_fingerprint(text)) for name, text in self._texts.items()}
        self.order, missing = self._split_pages(page_hrefs(root))
        if missing:
            problem = f"names {len(missing)} pages it does not hold (like {missing[0]!r})"
            self.warning = ReadProblem(problem, COPY_AGAIN)

    def _split_pages(self, hrefs: list[str]) -> tuple[tuple[str, ...], list[str]]:
        """Return the names of the pages in the document, and the names it lacks."""
        found = (
            (href, self.find(page_name(href.removeprefix("#"))) if href.startswith("#") else None) for href in hrefs
        )
        names = [name or href.removeprefix("#") for href, name in found]
        present = tuple(name for name in names if name in self._texts and not escapes(name))
        return present, [name for name in names if name not in present]

    def _read_entry(self, name: str) -> bytes:
        try:
            return base64.b64decode("".join(self._texts[name].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.page_error(name, ReadProblem(f"damaged: {error}", COPY_AGAIN)) from error

    def _close_files(self) -> None:
        self._texts = {}


def _fingerprint(text: str) -> str:
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}:{len(text)}"
