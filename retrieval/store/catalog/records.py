"""Frozen records that the catalog reads and its writer takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrieval.records import Box


@dataclass(frozen=True, slots=True)
class PreviousPage:
    """What the catalog remembers of a page, enough to tell its fate."""

    id: int
    name: str
    number: int
    fingerprint: str
    digest: str
    missing: bool
    label: str | None = None
    ocr_engine: str | None = None


@dataclass(frozen=True, slots=True)
class BookRecord:
    """What the catalog remembers of a book."""

    id: int
    title: str
    kind: str
    metadata_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A page that is not there any more, and where it was."""

    id: int
    book_id: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """Present again or still, with another place in its book or another file date."""

    page_id: int
    number: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageMove:
    """A page whose content lies somewhere else now."""

    page_id: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None


@dataclass(frozen=True, slots=True)
class PageCopy:
    """A page with the content of page `donor`; `rows`: vector rows of its panels -> rows that hold the same."""

    copy_from: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None
    rows: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class NewPanel:
    """A panel ready to be written; `gate` are the weights of picture, dialogue and composition."""

    number: int
    box: Box
    dialogue: str
    box_source: str
    vector_row: int
    gate: tuple[float, float, float]
    sound_effects: str = ""
    text_source: str = ""


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page with all its panels, written in one transaction."""

    book_id: int
    name: str
    number: int
    fingerprint: str
    digest: str
    width: int
    height: int
    panels: tuple[NewPanel, ...]
    label: str | None = None
    ocr_engine: str | None = None


@dataclass(frozen=True, slots=True)
class PanelCount:
    """How many panels of a book have one label, and what they are like; counts of present panels a filter lets by."""

    book_id: int
    book: str
    label: str | None
    panels: int
    with_dialogue: int
    aspects: tuple[int, ...]
    """In the order of `filters.ASPECTS`."""


@dataclass(frozen=True, slots=True)
class PageLocation:
    """Where a page's picture is: the book (folder or archive) and the name inside it."""

    page_id: int
    book: Path
    name: str
    number: int
    title: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class BookSummary:
    """One line of a library listing; counts are of what is present."""

    id: int
    title: str
    path: str
    source: str
    kind: str
    pages: int
    panels: int


@dataclass(frozen=True, slots=True)
class CoverSummary:
    """A book's first present page, and how many of its panels have words."""

    page_id: int
    with_words: int
