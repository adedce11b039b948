"""The fate of every page: new, changed, moved, gone, back again, or as it was.

The library is walked once. What has to be decoded goes to a file on disk, so that memory does not grow with it; an
unchanged book costs one query. Which pages moved is found out afterwards (`moves`), when all places were looked at.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from index_builder.annotations.collection import Collection
from index_builder.decode.decode import PageTask
from index_builder.dialogue import OcrSettings
from index_builder.options import BuildOptions
from index_builder.panels import DETECTOR_VERSION
from index_builder.plan.book_metadata import KnownBook, full_path, remember
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
from retrieval.store.catalog.catalog import BookRecord, Catalog, KnownPage, PageUpdate

NEW, CHANGED, MOVED, BACK, GONE = "new", "changed", "moved", "back", "gone"
UNCHANGED, LEFT_OUT = "unchanged", "left out"


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page to be decoded: where its row belongs, and what the catalog knew of it."""

    book_id: int
    source_id: int
    label: str
    page: PageRef
    stat: str
    known: KnownPage | None
    task: PageTask
    page_label: str | None = None

    @property
    def reread(self) -> bool:
        """Whether the page may be as it was, and is decoded all the same, for its words."""
        return self.known is not None and self.task.known is None


@dataclass
class Plan:
    """The outcome of a walk. `fates` counts pages; `skipped` holds (path, reason) for each source id, `notes` (path,
    remark) of what was said about books and could not be understood.

    `gone_now`: ids of the pages that went in this walk. `known_jobs`: how many jobs have a page in the catalog.
    """

    jobs: int = 0
    known_jobs: int = 0
    books: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    skipped: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    collection: Collection = field(default_factory=Collection)
    ocr: OcrSettings | None = None
    gone_now: set[int] = field(default_factory=set)
    _spool: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def add(self, job: PageJob) -> None:
        pickle.dump(job, self._spool)  # our own file, deleted by the system when closed
        self.jobs += 1
        self.known_jobs += job.known is not None

    def read(self) -> Iterator[PageJob]:
        """The jobs in order."""
        self._spool.seek(0)
        for _ in range(self.jobs):
            job: PageJob = pickle.load(self._spool)
            yield job

    def replace(self, jobs: Iterable[PageJob]) -> None:
        """Other jobs instead; they may be made from those that are read meanwhile."""
        spool, kept, known = tempfile.TemporaryFile(), 0, 0  # noqa: SIM115 (closed with the plan)
        for job in jobs:
            pickle.dump(job, spool)
            kept, known = kept + 1, known + (job.known is not None)
        self._spool.close()
        self._spool, self.jobs, self.known_jobs = spool, kept, known

    def close(self) -> None:
        self._spool.close()


def make_plan(
    sources: list[Path],
    catalog: Catalog,
    options: BuildOptions,
    seen: Callable[[int], None],
    collection: Collection | None = None,
    ocr: OcrSettings | None = None,
) -> Plan:
    """Walk the sources and compare with the catalog; `seen(pages)` is called after each book.

    Where there are annotations of a whole collection, the walk is kept in memory: which page an entry means can only
    be told when all pages are known. ocr: how words are read that no annotation tells; None: not at all.
    """
    plan = Plan(collection=collection or Collection(), ocr=ocr)
    try:
        walks = {source: find_books(source, options.reading, _listings(source, catalog)) for source in sources}
        if collection:
            walks = {source: iter(found) for source, found in _matched(walks, collection).items()}
        for source in sources:
            _SourceWalk(source, catalog, options, plan, seen).run(walks[source])
    except BaseException:
        plan.close()
        raise
    return plan


def _listings(source: Path, catalog: Catalog) -> Listings:
    """What earlier builds found in the books of a source that are costly to list."""
    source_id = catalog.source_id(source)
    return Listings(catalog.listings(source_id), partial(catalog.remember_listing, source_id))


def _matched(
    walks: Mapping[Path, Iterator[BookRef | Skipped]], collection: Collection
) -> dict[Path, list[BookRef | Skipped]]:
    """The walks, done, and every page told to the collection."""
    found = {source: list(walk) for source, walk in walks.items()}
    books = [item for items in found.values() for item in items if isinstance(item, BookRef)]
    collection.match([full_path(book, page) for book in books for page in book.pages])
    return found


class _SourceWalk:
    """One source, compared with what the catalog knows of it; what differs is written at the end, all of it at once."""

    def __init__(
        self, source: Path, catalog: Catalog, options: BuildOptions, plan: Plan, seen: Callable[[int], None]
    ) -> None:
        self.source = source
        self.catalog = catalog
        self.options = options
        self.plan = plan
        self.seen = seen
        self.source_id = catalog.source_id(source)
        self.known = catalog.known_books(self.source_id)
        self.strips = catalog.strips(self.source_id)
        self.present: set[int] = set()
        self.unreadable: list[Path] = []
        self.updates: list[PageUpdate] = []
        self.gone: list[int] = []

    def run(self, walk: Iterator[BookRef | Skipped]) -> None:
        skipped = self.plan.skipped.setdefault(self.source_id, [])
        for found in walk:
            if isinstance(found, Skipped):
                skipped.append((found.path, found.reason))
                self.unreadable.append(Path(found.path))
                continue
            self.plan.books += 1
            self._book(found)
            self.seen(self.plan.jobs + self.plan.fates[UNCHANGED] + self.plan.fates[BACK])
        if not self.present and not self.unreadable:
            # an unmounted drive is an empty folder: say so and touch nothing
            reason = "no comics found: expected pictures (JPEG, PNG, ...) or book files (CBZ, PDF, ...)"
            skipped.append((str(self.source), reason))
            return
        self._write()

    def _book(self, book: BookRef) -> None:
        """Sort a book's pages by fate; where its listing is incomplete, nothing counts as gone."""
        known = self.known.get(book.relative)
        book_id = self._book_id(book, known)
        self.present.add(book_id)
        book = self._joined(book, book_id)
        pages = {} if known is None else self.catalog.known_pages(book_id)
        facts = known.facts_stat if known is not None else ""
        language = "" if self.plan.ocr is None else self.plan.ocr.language
        about = KnownBook(book, self.source, facts, dict(pages), self.plan.collection, self.options, language)
        remember(self.catalog, book_id, book, about, pages)
        for page in book.pages:
            if about.left_out(page):
                self.plan.fates[LEFT_OUT] += 1
            else:
                self._page(book, book_id, page, pages.pop(page.name, None), about)
        self.plan.notes += about.notes
        if book.path not in self.unreadable:
            self.gone += [page.id for page in pages.values() if not page.gone]

    def _book_id(self, book: BookRef, known: BookRecord | None) -> int:
        if known is not None and (known.title, known.kind) == (book.title, book.book_format):
            return known.id
        return self.catalog.book_id(self.source_id, book.relative, book.title, book.book_format)

    def _joined(self, book: BookRef, book_id: int) -> BookRef:
        """A strip with its slices joined; whether a book is one is found out once, and again when its pages change."""
        options = self.options
        if not may_join(book, options.strips):
            return book
        about = KnownBook(book, self.source, "", {}, self.plan.collection, options)
        stat = strip_fingerprint(book, options.strips, options.reading, [about.page_stat(page) for page in book.pages])
        known = self.strips.get(book_id)
        if known is None or known[0] != stat:
            annotated = {page.name for page in book.pages if page.annotation or about.said(page)}
            known = (stat, joined_page_names(book, options.strips, options.reading, annotated))
            self.catalog.remember_strip(book_id, *known)
        return with_joined_pages(book, known[1]) if known[1] else book

    def _page(self, book: BookRef, book_id: int, page: PageRef, before: KnownPage | None, about: KnownBook) -> None:
        stat = _stat(page, self.options, about)
        unread = before is not None and _unread(before, self.plan.ocr, self.options)
        if before is not None and before.stat == stat and not unread:
            self.plan.fates[BACK if before.gone else UNCHANGED] += 1
            if before.gone or before.number != page.number:
                self.updates.append(PageUpdate(before.id, page.number, stat))
            return
        label = f"{book.relative}/{page.name}" if book.relative else page.name
        task = PageTask(
            book.path,
            page.name,
            page.annotation,
            before.digest if before and not unread else None,
            self.options.whole_pages,
            about.right_to_left,
            self.options.reading,
            self.options.thumbnails,
            about.said(page),
            self.plan.ocr,
        )
        self.plan.add(PageJob(book_id, self.source_id, label, page, stat, before, task, about.label(page)))

    def _write(self) -> None:
        missing = [known.id for path, known in self.known.items() if self._is_missing(path, known)]
        self.gone += self.catalog.present_pages(missing)
        self.catalog.update_pages(self.updates)
        self.catalog.mark_gone(self.gone)
        self.plan.gone_now.update(self.gone)
        self.plan.fates[GONE] += len(self.gone)

    def _is_missing(self, path: str, known: BookRecord) -> bool:
        if known.id in self.present:
            return False
        return not any((self.source / path).is_relative_to(p) for p in self.unreadable)


def _unread(page: KnownPage, ocr: OcrSettings | None, options: BuildOptions) -> bool:
    """Whether words are wanted that nobody read, or that were read in another way than now."""
    if ocr is None or page.reader == "":
        return False
    return page.reader is None or (page.reader != ocr.engine_id and not options.ocr_only_missing)


def _stat(page: PageRef, options: BuildOptions, about: KnownBook) -> str:
    """A page's cheap fingerprint, with what else decides its panels."""
    finder = "page" if options.whole_pages else DETECTOR_VERSION
    return f"{page.fingerprint}|{finder}|{'rtl' if about.right_to_left else 'ltr'}|{about.page_stat(page)}"
