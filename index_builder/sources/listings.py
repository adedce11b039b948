"""Stored listings of books that are slow to list, so that a build does not unpack an unchanged book again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from index_builder.sources.books import BookRef, PageRef, Skipped
from retrieval.books import BookFormat, ReadLimits, is_compressed_tar
from retrieval.books.formats.seven_zip import lists_cheaply

_VERSION = 3
"""Version of the listing of books; stored, so that another version lists them again."""

_KINDS_VERSION = "picture kinds 1"
"""Version of the kinds of files; stored, so that another version reads the first bytes again."""


@dataclass(frozen=True, slots=True)
class Listings:
    """Access to the stored listings of a source.

    cached: (fingerprint, listing) by path. store(path, fingerprint, listing): stores one. Listings are JSON values.
    """

    cached: Mapping[str, tuple[str, Any]]
    store: Callable[[str, str, Any], None]


class PictureKinds:
    """Kinds of files whose names do not tell what they are, stored as the listing of their folder."""

    def __init__(self, listings: Listings | None) -> None:
        self._listings = listings

    def of_folder(self, relative: str) -> Mapping[str, Sequence[str]]:
        """Return name -> (fingerprint, kind) of the files in a folder, as the last build found them."""
        version, stored = ("", {}) if self._listings is None else self._listings.cached.get(relative, ("", {}))
        return stored if version == _KINDS_VERSION else {}

    def store(self, relative: str, known: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]) -> None:
        """Store the kinds of the files in a folder if they changed."""
        found = {name: list(item) for name, item in found.items()}
        if self._listings is not None and found != known:
            self._listings.store(relative, _KINDS_VERSION, found)


def is_slow_to_list(book_format: BookFormat, head: bytes) -> bool:
    """Return True if a book that starts with `head` has to be read as a whole before its pages are known."""
    if book_format is BookFormat.TAR:
        return is_compressed_tar(head)
    return book_format is BookFormat.ACBF or (book_format is BookFormat.SEVEN_ZIP and not lists_cheaply())


def listing_fingerprint(path: Path, title: str, limits: ReadLimits) -> str:
    """Return a fingerprint that changes when the listing of a book may change."""
    stat = path.stat()
    values = ", ".join(
        f"{item.name}={getattr(limits, item.name)!r}" for item in fields(limits) if item.name != "within"
    )
    return f"{_VERSION}|{stat.st_size}:{stat.st_mtime_ns}|{title}|Reading({values})"


def to_json(items: Sequence[BookRef | Skipped]) -> list[dict[str, Any]]:
    """Return a listing as a JSON value."""
    return [_book_to_json(item) if isinstance(item, BookRef) else asdict(item) for item in items]


def _book_to_json(book: BookRef) -> dict[str, Any]:
    pages = [
        {"name": page.name, "number": page.number, "stat": page.fingerprint, "annotation": page.annotation}
        for page in book.pages
    ]
    return {
        "path": str(book.path),
        "relative": book.relative,
        "title": book.title,
        "book_format": book.book_format,
        "pages": pages,
        "about": book.metadata_files,
        "beside": book.sidecar_files,
        "comment": book.comment.hex(),
    }


def from_json(value: Sequence[Mapping[str, Any]]) -> list[BookRef | Skipped]:
    """Return the listing in a JSON value."""
    return [_book_from_json(item) if "pages" in item else Skipped(**item) for item in value]


def _book_from_json(item: Mapping[str, Any]) -> BookRef:
    pages = tuple(PageRef(page["name"], page["number"], page["stat"], page["annotation"]) for page in item["pages"])
    about, beside = (tuple((name, fingerprint) for name, fingerprint in item[key]) for key in ("about", "beside"))
    comment = bytes.fromhex(item["comment"])
    return BookRef(
        Path(item["path"]), item["relative"], item["title"], item["book_format"], pages, about, beside, comment
    )
