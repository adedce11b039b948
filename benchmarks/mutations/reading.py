"""Reading of a folder of comics with the code of a build: listing, metadata, decoding; without a catalog."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from index_builder.annotations.collection import Collection
from index_builder.decode.decode import decode_page
from index_builder.decode.records import DecodeError, DecodeSettings, PageTask
from index_builder.options import BuildOptions
from index_builder.plan.book_metadata import BookMetadataReader
from index_builder.sources import BookRef, Skipped, find_books
from retrieval.books import DEFAULT_LIMITS, read_page
from retrieval.images.decode import open_image

_MORE = re.compile(r"\(and (\d+) more")
_UNEXPECTED = "it cannot be decoded ("
"""How `decode_page` reports an exception that no reader of images is known to raise."""


@dataclass
class Reading:
    """The books of a folder as they were read.

    pixels: SHA-1 of each page that was decoded. named: number of pages that a message names. is_book_named: True if a
    message is about the book as a whole. annotated: pages with boxes or text from annotations. unexpected: exceptions
    inside decoding that are reported like damage. warnings: number of warnings about files read in part.
    """

    pixels: list[str] = field(default_factory=list)
    named: int = 0
    is_book_named: bool = False
    annotated: int = 0
    warnings: int = 0
    unexpected: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)


def read_folder(root: Path) -> Reading:
    """Read all books below a folder."""
    reading = Reading()
    for item in find_books(root):
        if isinstance(item, Skipped):
            _add_skipped(reading, item, root)
        else:
            _add_book(reading, item, root)
    return reading


def _add_skipped(reading: Reading, item: Skipped, root: Path) -> None:
    path = Path(item.path)
    reading.messages.append(f"{path.relative_to(root)}: {item.reason}")
    more = _MORE.search(item.reason)
    reading.named += 1 + (int(more[1]) if more else 0)
    reading.is_book_named |= path.is_file() and path.suffix.startswith((".cb", ".pdf", ".epub", ".acbf"))


def _add_book(reading: Reading, book: BookRef, root: Path) -> None:
    metadata = BookMetadataReader(book, root, "", {}, Collection(), BuildOptions())
    settings = DecodeSettings({1: root}, DEFAULT_LIMITS, page_is_panel=True, thumbnails=False, ocr=None)
    for page in book.pages:
        annotations = metadata.annotations(page)
        metadata.label(page)
        task = PageTask(
            source_id=1,
            book=book.relative,
            name=page.name,
            annotation=page.annotation,
            previous_digest=None,
            right_to_left=metadata.right_to_left,
            annotations=annotations,
        )
        result = decode_page(task, settings)
        if isinstance(result, DecodeError):
            reading.named += 1
            reading.messages.append(f"{page.name}: {result.reason}")
            if result.reason.startswith(_UNEXPECTED):
                reading.unexpected.append(result.reason)
            continue
        image = open_image(read_page(book.path, page.name))
        reading.pixels.append(hashlib.sha1(image.tobytes(), usedforsecurity=False).hexdigest())
        reading.annotated += any("annotation" in (p.detected.box_source, p.detected.text_source) for p in result.panels)
        reading.warnings += len(result.warnings)
        reading.messages += [f"{page.name}: {warning}" for warning in result.warnings]
    reading.warnings += len(metadata.warnings)
    reading.messages += [f"{file}: {text}" for file, text in metadata.warnings]
