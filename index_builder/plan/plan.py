"""The plan of a build: the status of every page, and the pages to decode, spooled to disk."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO

from index_builder.annotations.collection import Collection
from index_builder.decode.records import PageTask
from index_builder.sources import PageRef
from retrieval.store.catalog.records import PreviousPage
from retrieval.temporary import temporary_errors, temporary_file, write_temporary


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
    the catalog. present_books: ids of books that the scan found.
    """

    jobs: int = 0
    previous_jobs: int = 0
    status_counts: Counter[PageStatus] = field(default_factory=Counter)
    skipped: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    collection: Collection = field(default_factory=Collection)
    newly_missing: set[int] = field(default_factory=set)
    present_books: set[int] = field(default_factory=set)
    _spool: IO[bytes] = field(default_factory=temporary_file)

    def add(self, job: PageJob) -> None:
        """Append a job to the spool."""
        write_temporary(self._spool, pickle.dumps(job))  # a private file, which the system deletes when it is closed
        self.jobs += 1
        self.previous_jobs += job.previous is not None

    def read(self) -> Iterator[PageJob]:
        """Return the jobs in order."""
        with temporary_errors():
            self._spool.seek(0)  # writes what is buffered
        for _ in range(self.jobs):
            job: PageJob = pickle.load(self._spool)
            yield job

    def replace_jobs(self, jobs: Iterable[PageJob]) -> None:
        """Replace all jobs; the new ones may come from `read`."""
        spool, count, previous = temporary_file(), 0, 0
        for job in jobs:
            write_temporary(spool, pickle.dumps(job))
            count, previous = count + 1, previous + (job.previous is not None)
        self._spool.close()
        self._spool, self.jobs, self.previous_jobs = spool, count, previous

    def close(self) -> None:
        """Delete the spool."""
        self._spool.close()

    def all_skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of everything skipped, source after source."""
        return [item for items in self.skipped.values() for item in items]
