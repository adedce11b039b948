"""Metadata of the books of a build: it decides labels, filters, and which pages are decoded again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from index_builder.annotations.book import BookAnnotations, book_fingerprint, page_files_fingerprint, read_book
from index_builder.annotations.collection import AnnotationRef, Collection, combined_fingerprint
from index_builder.annotations.merge import select_language
from index_builder.annotations.records import RawAnnotation
from index_builder.options import BuildOptions
from index_builder.sources import BookRef, PageRef
from index_builder.sources.books import root_name
from retrieval.books import BookFormat
from retrieval.books.labels import normalize_label
from retrieval.store.catalog.records import PreviousPage

STORY_PAGES = frozenset({"story", "first-page"})
"""Labels of pages that are part of the story."""


class MetadataWriter(Protocol):
    """The part of the catalog that takes metadata and labels; `write.CatalogWriter` implements it."""

    def label_pages(self, book_id: int, labels: Mapping[str, str | None]) -> None:
        """Write page labels by page name."""
        ...

    def set_book_metadata(self, book_id: int, metadata: Sequence[tuple[str, str]], fingerprint: str = "") -> None:
        """Replace the metadata of a book."""
        ...


class BookMetadataReader:
    """Metadata of one book, read only if it changed since the last build.

    stored: the `fingerprint` of the last build, "" for a new book. previous: pages in the catalog by name.
    language: that of the OCR settings; it selects among annotated languages if the options name none.
    """

    def __init__(
        self,
        book: BookRef,
        source: Path,
        stored: str,
        previous: Mapping[str, PreviousPage],
        collection: Collection,
        options: BuildOptions,
        language: str = "",
    ) -> None:
        self._book = book
        self._names = path_components(book, source)
        self._previous = previous
        self._collection = collection
        self._options = options
        self._language = options.language or language
        labels = repr([(p.name, label) for p in book.pages if (label := self._collection_label(p))])
        self._current = book_fingerprint(book, [*self._names, labels])
        self._stored, _, self._stored_direction = stored.partition("|")
        self._page_files = page_files_fingerprint(book)

    @property
    def changed(self) -> bool:
        """True if metadata or labels may differ from the catalog."""
        return self._stored != self._current

    @property
    def fingerprint(self) -> str:
        """The fingerprint to store, so that the next build reads the files only if they changed."""
        return f"{self._current}|{self._direction or ''}"

    @cached_property
    def read(self) -> BookAnnotations:
        """The content of the metadata files, read at the first use."""
        return read_book(self._book, self._names, self._options.limits)

    @cached_property
    def _direction(self) -> str | None:
        return self.read.reading_direction if self.changed else (self._stored_direction or None)

    @property
    def right_to_left(self) -> bool:
        """The reading direction of pages without their own: that of the book, else that of the options."""
        return self._options.right_to_left if self._direction is None else self._direction == "rtl"

    @property
    def warnings(self) -> tuple[tuple[str, str], ...]:
        """(file, text) pairs of problems in the files, if they were read."""
        return self.read.warnings if "read" in self.__dict__ else ()

    def page_fingerprint(self, page: PageRef) -> str:
        """Return a fingerprint of a page's annotations in files of the book and the collection; "" without any."""
        annotated = f"{self._page_files}{combined_fingerprint(self._collection_annotations(page))}"
        return f"{annotated}:{self._language}" if annotated else ""

    def annotations(self, page: PageRef) -> tuple[AnnotationRef, ...]:
        """Return the annotations of a page, the most trusted first: of its book, then of the collection."""
        items = (*self.read.pages.get(page.name, ()), *self._collection_annotations(page))
        return tuple(
            select_language(item, self._language) if isinstance(item, RawAnnotation) else item for item in items
        )

    def label(self, page: PageRef) -> str | None:
        """Return the label of a page: that of the collection, else that of the book; None if unknown."""
        label = self._collection_label(page)
        if label is not None:
            return normalize_label(label)
        previous = self._previous.get(page.name)
        if self.changed or previous is None:
            return self.read.page_types.get(page.name)
        return previous.label

    def excluded(self, page: PageRef) -> bool:
        """Return True if only story pages are indexed and the page has another label."""
        return self._options.story_only and self.label(page) not in (None, *STORY_PAGES)

    def _collection_annotations(self, page: PageRef) -> tuple[AnnotationRef, ...]:
        return self._collection.annotations.get(annotation_path(self._book, page), ()) if self._collection else ()

    def _collection_label(self, page: PageRef) -> str | None:
        return self._collection.page_types.get(annotation_path(self._book, page)) if self._collection else None


def update_catalog(
    catalog: MetadataWriter,
    book_id: int,
    book: BookRef,
    metadata: BookMetadataReader,
    previous: Mapping[str, PreviousPage],
) -> None:
    """Write changed metadata and labels to the catalog."""
    if not metadata.changed:
        return
    labels = {p.name: metadata.label(p) for p in book.pages if p.name in previous}
    catalog.label_pages(book_id, {name: label for name, label in labels.items() if label != previous[name].label})
    catalog.set_book_metadata(book_id, metadata.read.metadata, metadata.fingerprint)


def annotation_path(book: BookRef, page: PageRef) -> str:
    """Return the path by which collection annotations name a page: a book file counts as a folder of its name."""
    if book.book_format != BookFormat.FOLDER:
        root = book.path.with_suffix("")
    else:
        root = book.path.parent if book.path.name == page.name and len(book.pages) == 1 else book.path
    return f"{root.as_posix()}/{page.name}"


def path_components(book: BookRef, source: Path) -> Sequence[str]:
    """Return the components of a book's path without its extension, after the name of the source."""
    parts = [root_name(source), *(part for part in book.relative.split("/") if part)]
    if book.book_format != BookFormat.FOLDER or not book.path.is_dir():
        parts[-1] = Path(parts[-1]).stem
    return parts
