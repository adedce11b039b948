"""What was found in books that are costly to list, kept so that an unchanged one is not unpacked by every build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index_builder.sources.books import BookRef, PageRef, Skipped
from retrieval.books import BookFormat, ReadLimits, is_compressed_tar
from retrieval.books.formats.seven_zip import lists_cheaply

Found = Sequence[BookRef | Skipped]

_VERSION = 2  # of how books are listed: another one lists them again


@dataclass(frozen=True, slots=True)
class Listings:
    """`known`: (stat, value) by path; `keep(path, stat, value)` remembers one. Values are ready for JSON."""

    known: Mapping[str, tuple[str, Any]]
    keep: Callable[[str, str, Any], None]


def is_costly(kind: BookFormat, head: bytes) -> bool:
    """Whether a book of this kind that starts so has to be read as a whole before its pages are known."""
    packed = kind is BookFormat.TAR and is_compressed_tar(head)
    return packed or kind is BookFormat.ACBF or (kind is BookFormat.SEVEN_ZIP and not lists_cheaply())


def stat_of(path: Path, title: str, reading: ReadLimits) -> str:
    """Changes when a listing may be another one."""
    stat = path.stat()
    return f"{_VERSION}|{stat.st_size}:{stat.st_mtime_ns}|{title}|{reading}"


def as_json(found: Found) -> list[dict[str, Any]]:
    return [_book(item) if isinstance(item, BookRef) else asdict(item) for item in found]


def _book(book: BookRef) -> dict[str, Any]:
    return {**asdict(book), "path": str(book.path), "comment": book.comment.hex()}


def from_json(value: Sequence[Mapping[str, Any]]) -> list[BookRef | Skipped]:
    return [_read_book(item) if "pages" in item else Skipped(**item) for item in value]


def _read_book(item: Mapping[str, Any]) -> BookRef:
    pages = tuple(PageRef(**page) for page in item["pages"])
    about, beside = (tuple((name, stat) for name, stat in item[key]) for key in ("about", "beside"))
    comment = bytes.fromhex(item["comment"])
    return BookRef(
        Path(item["path"]), item["relative"], item["title"], item["kind"], pages, about, beside, comment=comment
    )
