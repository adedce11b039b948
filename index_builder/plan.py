"""The fate of every page: new, changed, gone, back again, or as it was.

The library is walked once. What has to be decoded goes to a file on disk, so that memory does not grow with it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from index_builder.annotations.collection import Collection
from index_builder.config import BuildOptions
from index_builder.decode import PageTask
from index_builder.dialogue import OcrSettings
from index_builder.known import KnownBook, full_path, remember
from index_builder.panels import FINDER
from index_builder.sources import BookRef, PageRef, Skipped, find_books, fingerprint, may_join, strip_pages, with_joined
from retrieval.catalog import Catalog, KnownPage

NEW, CHANGED, BACK, GONE, UNCHANGED, LEFT_OUT = "new", "changed", "back", "gone", "unchanged", "left out"


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


@dataclass
class Plan:
    """The outcome of a walk. `fates` counts pages; `skipped` holds (path, reason) for each source id, `notes` (path,
    remark) of what was said about books and could not be understood."""

    jobs: int = 0
    books: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    skipped: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    collection: Collection = field(default_factory=Collection)
    ocr: OcrSettings | None = None
    _spool: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def add(self, job: PageJob) -> None:
        pickle.dump(job, self._spool)  # our own file, deleted by the system when closed
        self.jobs += 1

    def read(self) -> Iterator[PageJob]:
        """The jobs in order."""
        self._spool.seek(0)
        for _ in range(self.jobs):
            job: PageJob = pickle.load(self._spool)
            yield job

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
        walks = {source: find_books(source, options.reading) for source in sources}
        if collection:
            walks = {source: iter(found) for source, found in _matched(walks, collection).items()}
        for source in sources:
            _plan_source(source, walks[source], catalog, options, plan, seen)
    except BaseException:
        plan.close()
        raise
    return plan


def _matched(
    walks: Mapping[Path, Iterator[BookRef | Skipped]], collection: Collection
) -> dict[Path, list[BookRef | Skipped]]:
    """The walks, done, and every page told to the collection."""
    found = {source: list(walk) for source, walk in walks.items()}
    books = [item for items in found.values() for item in items if isinstance(item, BookRef)]
    collection.match([full_path(book, page) for book in books for page in book.pages])
    return found


def _plan_source(
    source: Path,
    walk: Iterator[BookRef | Skipped],
    catalog: Catalog,
    options: BuildOptions,
    plan: Plan,
    seen: Callable[[int], None],
) -> None:
    source_id = catalog.source_id(source)
    skipped = plan.skipped.setdefault(source_id, [])
    present: set[int] = set()
    unreadable: list[Path] = []
    strips = catalog.strips(source_id)
    for found in walk:
        if isinstance(found, Skipped):
            skipped.append((found.path, found.reason))
            unreadable.append(Path(found.path))
            continue
        book_id = catalog.book_id(source_id, found.relative, found.title, found.kind)
        present.add(book_id)
        plan.books += 1
        book = _joined(found, source, book_id, strips.get(book_id), catalog, options, plan)
        _plan_book(book, source, book_id, source_id, catalog, options, plan, found.path in unreadable)
        seen(plan.jobs + plan.fates[UNCHANGED] + plan.fates[BACK])
    if not present and not unreadable:
        # an unmounted drive is an empty folder: say so and touch nothing
        skipped.append(
            (str(source), "no comics found: expected pictures (JPEG, PNG, ...) or book files (CBZ, PDF, ...)")
        )
        return
    missing = [
        book_id
        for book_id, path in catalog.book_paths(source_id).items()
        if book_id not in present and not any((source / path).is_relative_to(p) for p in unreadable)
    ]
    plan.fates[GONE] += catalog.mark_books_gone(missing)


def _joined(
    book: BookRef,
    source: Path,
    book_id: int,
    known: tuple[str, list[str]] | None,
    catalog: Catalog,
    options: BuildOptions,
    plan: Plan,
) -> BookRef:
    """A strip with its slices joined; whether a book is one is found out once, and again when its pages change."""
    if not may_join(book, options.strips):
        return book
    about = KnownBook(book, source, "", {}, plan.collection, options)
    stat = fingerprint(book, options.strips, options.reading, [about.page_stat(page) for page in book.pages])
    if known is None or known[0] != stat:
        annotated = {page.name for page in book.pages if page.annotation or about.said(page)}
        known = (stat, strip_pages(book, options.strips, options.reading, annotated))
        catalog.remember_strip(book_id, *known)
    return with_joined(book, known[1]) if known[1] else book


def _plan_book(
    book: BookRef,
    source: Path,
    book_id: int,
    source_id: int,
    catalog: Catalog,
    options: BuildOptions,
    plan: Plan,
    incomplete: bool,
) -> None:
    """Sort a book's pages by fate; where its listing is incomplete, nothing counts as gone."""
    known = catalog.known_pages(book_id)
    about = KnownBook(book, source, catalog.book_facts_stat(book_id), dict(known), plan.collection, options)
    remember(catalog, book_id, book, about, known)
    for page in book.pages:
        if about.left_out(page):
            plan.fates[LEFT_OUT] += 1
            continue
        before = known.pop(page.name, None)
        stat = _stat(page, options, about)
        unread = before is not None and _unread(before, plan.ocr, options)
        if before is not None and before.stat == stat and not unread:
            plan.fates[BACK if before.gone else UNCHANGED] += 1
            if before.gone or before.number != page.number:
                catalog.touch_page(before, page.number, stat)
            continue
        label = f"{book.relative}/{page.name}" if book.relative else page.name
        task = PageTask(
            book.path,
            page.name,
            page.annotation,
            before.digest if before and not unread else None,
            options.whole_pages,
            about.right_to_left,
            options.reading,
            options.thumbnails,
            about.said(page),
            plan.ocr,
        )
        plan.add(PageJob(book_id, source_id, label, page, stat, before, task, about.label(page)))
    gone = [] if incomplete else [page.id for page in known.values() if not page.gone]
    catalog.mark_gone(gone)
    plan.fates[GONE] += len(gone)
    plan.notes += about.notes


def _unread(page: KnownPage, ocr: OcrSettings | None, options: BuildOptions) -> bool:
    """Whether words are wanted that nobody read, or that were read in another way than now."""
    if ocr is None or page.reader == "":
        return False
    return page.reader is None or (page.reader != ocr.name and not options.ocr_only_missing)


def _stat(page: PageRef, options: BuildOptions, about: KnownBook) -> str:
    """A page's cheap fingerprint, with what else decides its panels."""
    finder = "page" if options.whole_pages else FINDER
    return f"{page.stat}|{finder}|{'rtl' if about.right_to_left else 'ltr'}|{about.page_stat(page)}"
