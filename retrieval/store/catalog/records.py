"""Frozen records that the catalog reads and its writer takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.records import Box


@dataclass(frozen=True, slots=True)
class PreviousPage:
    """A page as the last build left it; a scan compares it with the page now."""

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
    """A book as the last build left it."""

    id: int
    title: str
    book_format: str
    metadata_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A page that is no longer in its source, with its last place."""

    id: int
    book_id: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """New number and fingerprint of a page that is present with unchanged content."""

    page_id: int
    number: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageMove:
    """New place of a page whose content was moved."""

    page_id: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None


@dataclass(frozen=True, slots=True)
class PageCopy:
    """A page with the content of page `copy_from`; rows: vector rows of its panels -> rows of their copies."""

    copy_from: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None
    rows: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class NewPanel:
    """A panel to write; gate: weights of picture, dialogue and composition.

    vector_checksums: of its vectors, from `VectorStore.append`. picture_norm: see `PanelEmbeddings.picture_norms`.
    """

    number: int
    box: Box
    dialogue: str
    box_source: str
    vector_row: int
    gate: tuple[float, float, float]
    sound_effects: str = ""
    text_source: str = ""
    vector_checksums: bytes = b""
    picture_norm: float | None = None


@dataclass(frozen=True, slots=True)
class EncodedPanel:
    """A panel as it was encoded: its place on the page, its text, and its vectors; see `NewPanel`."""

    id: int
    number: int
    box: Box
    dialogue: str
    vector_row: int
    gate: tuple[float, float, float]
    vector_checksums: bytes
    picture_norm: float | None


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page to write with all its panels, in one transaction."""

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
class PanelCounts:
    """Numbers of present panels that pass a filter, in K groups of one book and one page label.

    books: (K,) int64 ids. labels: of each group. numbers: (K, 2 + aspects) int64: panels, panels with dialogue, and
    panels of each of `ASPECTS`. titles: of all books, by id.
    """

    books: NDArray[np.int64]
    labels: list[str | None]
    numbers: NDArray[np.int64]
    titles: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class MetadataValues:
    """Metadata of books as M rows of a book and one of S spellings of values that filters compare as V values.

    names, values: (V) name (series, ...) and value without case. spellings: (S) as they are written. value_of: (S,)
    the value of each spelling. books: (M,) ids. spelling_of: (M,). first: (M,) False for a value that its book has in
    an earlier row, too.
    """

    names: list[str]
    values: list[str]
    spellings: list[str]
    value_of: NDArray[np.int64]
    books: NDArray[np.int64]
    spelling_of: NDArray[np.int64]
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str, str]]) -> MetadataValues:
        """Collect (book id, name, value, casefolded value) rows."""
        values: dict[tuple[str, str], int] = {}
        spellings: dict[tuple[int, str], int] = {}
        seen: set[tuple[int, int]] = set()
        books, spelling_of, first = [], [], []
        for book, name, spelling, casefolded in rows:
            value = values.setdefault((name, casefolded), len(values))
            books.append(book)
            spelling_of.append(spellings.setdefault((value, spelling), len(spellings)))
            first.append((book, value) not in seen)
            seen.add((book, value))
        return cls(
            [name for name, _ in values],
            [casefolded for _, casefolded in values],
            [spelling for _, spelling in spellings],
            np.array([value for value, _ in spellings], np.int64),
            np.array(books, np.int64),
            np.array(spelling_of, np.int64),
            np.array(first, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class PageLocation:
    """The place of a page's image: its book (folder or archive) and the name inside it."""

    page_id: int
    book: Path
    name: str
    number: int
    title: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class BookSummary:
    """One book of a library listing, with the numbers of its present pages and panels."""

    id: int
    title: str
    path: str
    source: str
    book_format: str
    pages: int
    panels: int


@dataclass(frozen=True, slots=True)
class CoverSummary:
    """The first present page of a book, and the number of its panels with dialogue."""

    page_id: int
    with_words: int


@dataclass(frozen=True, slots=True)
class VectorPlaces:
    """Where the vectors of P panels are: ids and rows (P,) int64, sums: the checksums of each panel's vectors."""

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    sums: list[bytes]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> VectorPlaces:
        """Return the places of some of the panels."""
        kept = np.arange(len(self))[chosen]
        return VectorPlaces(self.ids[kept], self.rows[kept], [self.sums[i] for i in kept])
