"""Scan of the sources: walk them once and compare every page with the catalog.

Pages to decode go to a spool on disk, so that memory does not grow with the library. An unchanged book costs one query.
Moved pages are detected afterwards (`moves`), when all places are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from index_builder.annotations.collection import Collection
from index_builder.decode.records import PageTask
from index_builder.dialogue import OcrSettings
from index_builder.options import BuildOptions
from index_builder.panels import DETECTOR_VERSION
from index_builder.plan.book_metadata import BookMetadataReader, MetadataWriter, annotation_path, update_catalog
from index_builder.plan.plan import PageJob, PageStatus, Plan, present_status
from index_builder.sources import (
    BookRef,
    Listings,
    PageRef,
    Skipped,
    find_books,
    joined_page_names,
    may_join,
    strip_fingerprint,
    with_joined_pages,
)
from retrieval.store.catalog.pages import PageReader
from retrieval.store.catalog.records import BookRecord, PageUpdate, PreviousPage


class ScanCatalog(MetadataWriter, Protocol):
    """The part of the catalog that a scan reads and writes; `write.CatalogWriter` implements it."""

    pages: PageReader

    def source_id(self, path: Path) -> int:
        """Return the id of a source, added if it is new."""
        ...

    def book_id(self, source_id: int, path: str, title: str, book_format: str) -> int:
        """Return the id of a book, added if it is new."""
        ...

    def update_pages(self, updates: Sequence[PageUpdate]) -> None:
        """Write places and fingerprints of pages with unchanged content."""
        ...

    def mark_missing(self, page_ids: Sequence[int]) -> None:
        """Mark pages as missing."""
        ...

    def write_listing(self, source_id: int, path: str, fingerprint: str, content: Any) -> None:
        """Store the listing of a book that has to be unpacked to be listed."""
        ...

    def write_joined_pages(self, book_id: int, fingerprint: str, pages: Sequence[str]) -> None:
        """Store the joined pages of a book."""
        ...


def scan_books(
    plan: Plan,
    sources: list[Path],
    catalog: ScanCatalog,
    options: BuildOptions,
    ocr: OcrSettings | None = None,
) -> Iterator[None]:
    """Walk the sources, compare them with the catalog and fill the plan; each item is one more book.

    With annotations of a whole collection the walk is kept in memory: an entry can be matched only when all pages are
    known. ocr: OCR settings; None to leave text unread.
    """
    walks = {source: find_books(source, options.limits, _listings(source, catalog)) for source in sources}
    if plan.collection:
        walks = {source: iter(found) for source, found in _match_collection(walks, plan.collection).items()}
    for source in sources:
        yield from _SourceScan(source, catalog, options, plan, ocr).run(walks[source])


def _listings(source: Path, catalog: ScanCatalog) -> Listings:
    """Return the listings of earlier builds for books that are slow to list."""
    source_id = catalog.source_id(source)
    return Listings(catalog.pages.listings(source_id), partial(catalog.write_listing, source_id))


def _match_collection(
    walks: Mapping[Path, Iterator[BookRef | Skipped]], collection: Collection
) -> dict[Path, list[BookRef | Skipped]]:
    """Run the walks and match all their pages with the collection's annotations."""
    found = {source: list(walk) for source, walk in walks.items()}
    books = [item for items in found.values() for item in items if isinstance(item, BookRef)]
    collection.match([annotation_path(book, page) for book in books for page in book.pages])
    return found


class _SourceScan:
    """One source compared with the catalog; all differences are written at the end."""

    def __init__(
        self,
        source: Path,
        catalog: ScanCatalog,
        options: BuildOptions,
        plan: Plan,
        ocr: OcrSettings | None,
    ) -> None:
        self.source = source
        self.catalog = catalog
        self.options = options
        self.plan = plan
        self.ocr = ocr
        self.source_id = catalog.source_id(source)
        self.previous_books = catalog.pages.previous_books(self.source_id)
        self.joined_pages = catalog.pages.joined_pages(self.source_id)
        self.present: set[int] = set()
        self.unreadable: list[Path] = []
        self.updates: list[PageUpdate] = []
        self.missing: list[int] = []

    def run(self, walk: Iterator[BookRef | Skipped]) -> Iterator[None]:
        """Sort all pages of the source by status, a book with each item, and write the changes."""
        skipped = self.plan.skipped.setdefault(self.source_id, [])
        for item in walk:
            if isinstance(item, Skipped):
                skipped.append((item.path, item.reason))
                if not item.left_out:
                    self.unreadable.append(Path(item.path))
                continue
            self._book(item)
            yield
        if not self.present and not self.unreadable:
            # an unmounted drive is an empty folder: report it and change nothing
            reason = "no comics found: expected images (JPEG, PNG, ...) or book files (CBZ, PDF, ...)"
            skipped.append((str(self.source), reason))
            return
        self._write()

    def _book(self, book: BookRef) -> None:
        """Sort the pages of a book by status; if its listing is incomplete, no page counts as missing."""
        previous = self.previous_books.get(book.relative)
        book_id = self._book_id(book, previous)
        self.present.add(book_id)
        self.plan.present_books.add(book_id)
        book = self._join_slices(book, book_id)
        pages = {} if previous is None else self.catalog.pages.previous_pages(book_id)
        metadata = self._metadata(book, previous.metadata_fingerprint if previous else "", dict(pages))
        update_catalog(self.catalog, book_id, book, metadata, pages)
        for page in book.pages:
            if metadata.excluded(page):
                self.plan.status_counts[PageStatus.EXCLUDED] += 1
            else:
                self._page(book, book_id, page, pages.pop(page.name, None), metadata)
        self.plan.warnings += metadata.warnings
        if book.path not in self.unreadable:
            self.missing += [page.id for page in pages.values() if not page.missing]

    def _metadata(
        self, book: BookRef, fingerprint: str, pages: Mapping[str, PreviousPage], *, with_language: bool = True
    ) -> BookMetadataReader:
        language = self.ocr.language if self.ocr is not None and with_language else ""
        return BookMetadataReader(book, self.source, fingerprint, pages, self.plan.collection, self.options, language)

    def _book_id(self, book: BookRef, previous: BookRecord | None) -> int:
        if previous is not None and (previous.title, previous.book_format) == (book.title, book.book_format):
            return previous.id
        return self.catalog.book_id(self.source_id, book.relative, book.title, book.book_format)

    def _join_slices(self, book: BookRef, book_id: int) -> BookRef:
        """Return a book with its slices joined to pages, if it has any; decided once, and again when pages change."""
        options = self.options
        if not may_join(book, options.strips):
            return book
        metadata = self._metadata(book, "", {}, with_language=False)
        fingerprint = strip_fingerprint(
            book, options.strips, options.limits, [metadata.page_fingerprint(page) for page in book.pages]
        )
        previous = self.joined_pages.get(book_id)
        if previous is None or previous[0] != fingerprint:
            annotated = {page.name for page in book.pages if page.annotation or metadata.annotations(page)}
            previous = (fingerprint, joined_page_names(book, options.strips, options.limits, annotated))
            self.catalog.write_joined_pages(book_id, *previous)
        return with_joined_pages(book, previous[1]) if previous[1] else book

    def _page(
        self, book: BookRef, book_id: int, page: PageRef, previous: PreviousPage | None, metadata: BookMetadataReader
    ) -> None:
        fingerprint = _fingerprint(page, self.options, metadata)
        ocr_only = previous is not None and _needs_ocr(previous, self.ocr, self.options)
        if previous is not None and previous.fingerprint == fingerprint and not ocr_only:
            self.plan.status_counts[present_status(previous)] += 1
            if previous.missing or previous.number != page.number:
                self.updates.append(PageUpdate(previous.id, page.number, fingerprint))
            return
        task = PageTask(
            source_id=self.source_id,
            book=book.path.relative_to(self.source).as_posix() if book.path != self.source else "",
            name=page.name,
            annotation=page.annotation,
            previous_digest=previous.digest if previous else None,
            right_to_left=metadata.right_to_left,
            annotations=metadata.annotations(page),
            ocr_only=ocr_only,
        )
        display_path = f"{book.relative}/{page.name}" if book.relative else page.name
        self.plan.add(PageJob(book_id, display_path, page, fingerprint, previous, task, metadata.label(page)))

    def _write(self) -> None:
        missing_books = [book.id for path, book in self.previous_books.items() if self._is_missing(path, book)]
        self.missing += self.catalog.pages.present_pages(missing_books)
        self.catalog.update_pages(self.updates)
        self.catalog.mark_missing(self.missing)
        self.plan.newly_missing.update(self.missing)
        self.plan.status_counts[PageStatus.MISSING] += len(self.missing)

    def _is_missing(self, path: str, book: BookRecord) -> bool:
        if book.id in self.present:
            return False
        return not any((self.source / path).is_relative_to(p) for p in self.unreadable)


def _needs_ocr(page: PreviousPage, ocr: OcrSettings | None, options: BuildOptions) -> bool:
    """Return True if the page has unread text, or text of another engine or language and `keep_ocr` is off."""
    if ocr is None or page.ocr_engine == "":
        return False
    return page.ocr_engine is None or (page.ocr_engine != ocr.engine_id and not options.keep_ocr)


def _fingerprint(page: PageRef, options: BuildOptions, metadata: BookMetadataReader) -> str:
    """Return the fingerprint of a page file, its annotations and the settings that decide its panels."""
    detector = "page" if options.page_is_panel else DETECTOR_VERSION
    direction = "rtl" if metadata.right_to_left else "ltr"
    return f"{page.fingerprint}|{detector}|{direction}|{metadata.page_fingerprint(page)}"
