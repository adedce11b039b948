"""The fate of every page: new, changed, gone, back again, or as it was.

The library is walked once. What has to be decoded goes to a file on disk, so that memory does not grow with it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from index_builder.config import BuildOptions
from index_builder.decode import PageTask
from index_builder.panels import FINDER
from index_builder.sources import BookRef, PageRef, Skipped, find_books
from retrieval.catalog import Catalog, KnownPage

NEW, CHANGED, BACK, GONE, UNCHANGED = "new", "changed", "back", "gone", "unchanged"


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


@dataclass
class Plan:
    """The outcome of a walk. `fates` counts pages; `skipped` holds (path, reason) for each source id."""

    jobs: int = 0
    books: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    skipped: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
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


def make_plan(sources: list[Path], catalog: Catalog, options: BuildOptions, seen: Callable[[int], None]) -> Plan:
    """Walk the sources and compare with the catalog; `seen(pages)` is called after each book."""
    plan = Plan()
    try:
        for source in sources:
            _plan_source(source, catalog, options, plan, seen)
    except BaseException:
        plan.close()
        raise
    return plan


def _plan_source(
    source: Path, catalog: Catalog, options: BuildOptions, plan: Plan, seen: Callable[[int], None]
) -> None:
    source_id = catalog.source_id(source)
    skipped = plan.skipped.setdefault(source_id, [])
    present: set[int] = set()
    unreadable: list[Path] = []
    for found in find_books(source, options.reading):
        if isinstance(found, Skipped):
            skipped.append((found.path, found.reason))
            unreadable.append(Path(found.path))
            continue
        book_id = catalog.book_id(source_id, found.relative, found.title, found.kind)
        present.add(book_id)
        plan.books += 1
        _plan_book(found, book_id, source_id, catalog, options, plan, found.path in unreadable)
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


def _plan_book(
    book: BookRef,
    book_id: int,
    source_id: int,
    catalog: Catalog,
    options: BuildOptions,
    plan: Plan,
    incomplete: bool,
) -> None:
    """Sort a book's pages by fate; where its listing is incomplete, nothing counts as gone."""
    known = catalog.known_pages(book_id)
    for page in book.pages:
        before = known.pop(page.name, None)
        stat = _stat(page, options)
        if before is not None and before.stat == stat:
            plan.fates[BACK if before.gone else UNCHANGED] += 1
            if before.gone or before.number != page.number:
                catalog.touch_page(before, page.number, stat)
            continue
        label = f"{book.relative}/{page.name}" if book.relative else page.name
        task = PageTask(
            book.path,
            page.name,
            page.annotation,
            before.digest if before else None,
            options.whole_pages,
            options.right_to_left,
            options.reading,
            options.thumbnails,
        )
        plan.add(PageJob(book_id, source_id, label, page, stat, before, task))
    gone = [] if incomplete else [page.id for page in known.values() if not page.gone]
    catalog.mark_gone(gone)
    plan.fates[GONE] += len(gone)


def _stat(page: PageRef, options: BuildOptions) -> str:
    """A page's cheap fingerprint, with what else decides its panels."""
    finder = "page" if options.whole_pages else FINDER
    return f"{page.stat}|{finder}|{'rtl' if options.right_to_left else 'ltr'}"
