"""The plan of a build: the status of every page, and the pages to decode, spooled to disk."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO

from index_builder.annotations.collection import Collection
from index_builder.decode.records import PageTask
from index_builder.sources import PageRef
from retrieval.errors import SourceError
from retrieval.store.catalog.records import PreviousPage
from retrieval.temporary import temporary_errors, temporary_file, write_temporary

_READ_JOBS = 500
"""Jobs that are read from the spool at once."""

_SHOWN_REASONS = 5
"""Skipped items that the error for a build without pages names."""


class PageStatus(StrEnum):
    """The status of a page in a build, compared with the catalog."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    RESTORED = "restored"
    MISSING = "missing"
    UNCHANGED = "unchanged"
    EXCLUDED = "excluded"


def present_status(previous: PreviousPage) -> PageStatus:
    """Return the status of a page whose content did not change."""
    return PageStatus.RESTORED if previous.missing else PageStatus.UNCHANGED


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page to decode, with the place of its row in the catalog and its previous row.

    display_path: path below the source, for reports. fingerprint: of the page file, its annotations and the
    settings that decide its panels. label: page type, None if unknown. counted: True if its status is counted already.
    """

    book_id: int
    display_path: str
    page: PageRef
    fingerprint: str
    previous: PreviousPage | None
    task: PageTask
    label: str | None = None
    counted: bool = False


@dataclass
class Plan:
    """The result of a scan.

    status_counts: number of pages by status. skipped: (path, reason) by source id. warnings: (path, text) of files
    that were read in part. newly_missing: ids of pages that disappeared. previous_jobs: number of jobs whose page is in
    the catalog. unread_jobs: number of jobs without an annotation, whose page may have to be read. present_books: ids
    of books that the scan found.
    """

    jobs: int = 0
    previous_jobs: int = 0
    unread_jobs: int = 0
    status_counts: Counter[PageStatus] = field(default_factory=Counter)
    skipped: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    collection: Collection = field(default_factory=Collection)
    newly_missing: set[int] = field(default_factory=set)
    present_books: set[int] = field(default_factory=set)
    _spool: IO[bytes] = field(default_factory=temporary_file)

    @property
    def pages(self) -> int:
        """Number of pages found so far that are jobs, unchanged or found again."""
        counts = self.status_counts
        return self.jobs + counts[PageStatus.UNCHANGED] + counts[PageStatus.RESTORED]

    def add(self, job: PageJob) -> None:
        """Append a job to the spool."""
        write_temporary(self._spool, pickle.dumps(job))  # a private file, which the system deletes when it is closed
        self.jobs += 1
        self.previous_jobs += job.previous is not None
        self.unread_jobs += not job.task.annotation and not job.task.annotations

    def read(self, more: Callable[[], bool] = lambda: False) -> Iterator[PageJob]:
        """Return the jobs in order. more: called when they are used up; adds jobs, or returns False at the end."""
        number, place = 0, 0
        while number < self.jobs or more():
            jobs, place = self._read_some(place, min(_READ_JOBS, self.jobs - number))
            number += len(jobs)
            yield from jobs

    def _read_some(self, place: int, count: int) -> tuple[list[PageJob], int]:
        """Return so many jobs from a place of the spool, and the place after them."""
        with temporary_errors():
            self._spool.seek(place)  # writes what is buffered
            jobs = [pickle.load(self._spool) for _ in range(count)]
            after = self._spool.tell()
            self._spool.seek(0, os.SEEK_END)
        return jobs, after

    def replace_jobs(self, jobs: Iterable[PageJob]) -> None:
        """Replace all jobs; the new ones may come from `read`."""
        others = Plan()
        for job in jobs:
            others.add(job)
        self._spool.close()
        self._spool, self.jobs = others._spool, others.jobs
        self.previous_jobs, self.unread_jobs = others.previous_jobs, others.unread_jobs

    def close(self) -> None:
        """Delete the spool."""
        self._spool.close()

    def all_warnings(self) -> list[tuple[str, str]]:
        """Return (path, text) of all files that were read in part, those of the collection's annotations last."""
        return [*self.warnings, *self.collection.warnings]

    def all_skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of everything skipped, source after source."""
        return [item for items in self.skipped.values() for item in items]


def nothing_indexed(plan: Plan) -> SourceError:
    """Return the error for a build that found no page to index."""
    skipped = plan.all_skipped()
    reasons = "; ".join(f"{path}: {reason}" for path, reason in skipped[:_SHOWN_REASONS])
    more = f" (and {len(skipped) - _SHOWN_REASONS} more)" if len(skipped) > _SHOWN_REASONS else ""
    excluded = plan.status_counts[PageStatus.EXCLUDED]
    story = f" {excluded:,} pages have another label than story" if excluded else ""
    return SourceError(f"no page could be indexed. {reasons}{more}{story}".rstrip())
