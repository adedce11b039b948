"""Detection of moved and renamed pages by their content; they keep their panels, ids and vectors.

Before anything is written, all pages in question are hashed once. A page whose content the catalog has at a place that
no longer has it takes over the row of that place; pages may also change places in a circle. Content of a page that is
still present is no move: both are pages, and only the encoding is reused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from index_builder.decode.executors import PageExecutor
from index_builder.decode.records import DecodedPage
from index_builder.plan.plan import PageJob, PageStatus, Plan, present_status
from retrieval.names import name_key
from retrieval.progress import StageProgress
from retrieval.store.catalog.pages import PageReader
from retrieval.store.catalog.records import PageMove, PageUpdate, PreviousPage


class MoveCatalog(Protocol):
    """The part of the catalog that the detection of moves reads and writes; `write.CatalogWriter` implements it."""

    pages: PageReader

    def update_pages(self, updates: Sequence[PageUpdate]) -> None:
        """Write places and fingerprints of pages with unchanged content."""
        ...

    def move_pages(
        self, moves: Sequence[PageMove], replaced: Sequence[int], present_books: Collection[int]
    ) -> list[int]:
        """Move pages in one transaction; return the vector rows of deleted panels."""
        ...


@dataclass(frozen=True, slots=True)
class _VacatedRow:
    """The row of a page whose content is no longer at its place."""

    id: int
    book_id: int
    name: str


@dataclass
class _MoveResult:
    """The moves found so far.

    settled: positions in the plan of jobs that need no decoding. taken: ids of moved rows.
    """

    updates: list[PageUpdate] = field(default_factory=list)
    moves: list[PageMove] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    replaced: list[int] = field(default_factory=list)


def detect_moves(plan: Plan, catalog: MoveCatalog, executor: PageExecutor, report: StageProgress) -> list[int]:
    """Write the moved pages to the catalog, and leave in the plan the pages that have to be decoded.

    report: called with the number of hashed pages. Returns the vector rows of deleted panels.
    """
    vacated = _vacated_rows(catalog) if plan.jobs else {}
    if not vacated and not plan.previous_jobs:
        return []
    digests = _digests(plan, executor, report)
    result = _MoveResult()
    _match_unmoved(plan, digests, vacated, result)
    _match_moved(plan, digests, vacated, result)
    catalog.update_pages(result.updates)
    dropped = catalog.move_pages(result.moves, result.replaced, plan.present_books) if result.moves else []
    plan.replace_jobs(_remaining_jobs(plan, result))
    return dropped


def _vacated_rows(catalog: MoveCatalog) -> dict[str, list[_VacatedRow]]:
    """Return the rows of missing pages by digest."""
    vacated: dict[str, list[_VacatedRow]] = {}
    for page in catalog.pages.missing_pages():
        vacated.setdefault(page.digest, []).append(_VacatedRow(page.id, page.book_id, page.name))
    return vacated


def _digests(plan: Plan, executor: PageExecutor, report: StageProgress) -> list[str | None]:
    """Return the digest of each job's page; None if it cannot be read."""
    digests: list[str | None] = []
    tasks = ((None, replace(job.task, digest_only=True)) for job in plan.read())
    for _, result in executor.decode(tasks):
        digests.append(result.digest if isinstance(result, DecodedPage) else None)
        report(len(digests))
    return digests


def _match_unmoved(
    plan: Plan, digests: Sequence[str | None], vacated: dict[str, list[_VacatedRow]], result: _MoveResult
) -> None:
    """Settle pages with another date but the same content; the rows of all other known places become vacant."""
    for place, job in enumerate(plan.read()):
        previous = job.previous
        if previous is None:
            continue
        same = digests[place] == previous.digest
        if same:
            vacated[previous.digest] = [row for row in vacated.get(previous.digest, []) if row.id != previous.id]
        if same and not job.task.ocr_only:
            result.updates.append(PageUpdate(previous.id, job.page.number, job.fingerprint))
            result.settled.add(place)
            plan.status_counts[present_status(previous)] += 1
        elif not same and not previous.missing:
            row = _VacatedRow(previous.id, job.book_id, previous.name)
            vacated.setdefault(previous.digest, []).append(row)


def _match_moved(
    plan: Plan, digests: Sequence[str | None], vacated: dict[str, list[_VacatedRow]], result: _MoveResult
) -> None:
    """Give the vacated rows to the places that have their content now."""
    origin: dict[int, int] = {}  # by book: the book that its last moved page came from
    replaced: list[PreviousPage] = []
    for place, job in enumerate(plan.read()):
        rows = vacated.get(digests[place] or "")
        if place in result.settled or not rows or (job.previous and job.previous.digest == digests[place]):
            continue
        row = _take_best(rows, job, origin.get(job.book_id))
        origin[job.book_id] = row.book_id
        move = PageMove(row.id, job.book_id, job.page.name, job.page.number, job.fingerprint, job.label)
        result.moves.append(move)
        result.settled.add(place)
        result.taken.add(row.id)
        if job.previous is not None:
            replaced.append(job.previous)
    lost = [page for page in replaced if page.id not in result.taken]
    result.replaced += [page.id for page in lost]
    plan.status_counts[PageStatus.MOVED] += len(result.moves)
    plan.status_counts[PageStatus.MISSING] += sum(not page.missing for page in lost)
    plan.status_counts[PageStatus.MISSING] -= len(result.taken & plan.newly_missing)


def _take_best(rows: list[_VacatedRow], job: PageJob, book_id: int | None) -> _VacatedRow:
    """Take one of several identical pages: one of the previous page's book first, then one with the same file name."""
    name = posixpath.basename(job.page.name)
    best = max(rows, key=lambda row: (row.book_id == book_id, name_key(posixpath.basename(row.name)) == name_key(name)))
    rows.remove(best)
    return best


def _remaining_jobs(plan: Plan, result: _MoveResult) -> Iterator[PageJob]:
    """Return the jobs that are left; a place whose row moved away is a new page."""
    for place, job in enumerate(plan.read()):
        if place in result.settled:
            continue
        if job.previous is not None and job.previous.id in result.taken:
            task = replace(job.task, previous_digest=None, ocr_only=False)
            job = replace(job, previous=None, task=task)
        yield job
