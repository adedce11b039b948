"""Pages that moved or were renamed, recognised by their content: they keep their panels, ids and vectors.

Before anything is written, the content of all pages in question is looked at once. A page whose content the catalog
knows from a place that has it no more takes over the row of that place; so pages may also change places in a circle.
Content that is known from a page that is still there is no move: both are pages, and only the encoding is saved.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from index_builder.decode.decode import DecodedPage
from index_builder.decode.workers import PageDecoder
from index_builder.plan.plan import BACK, GONE, MOVED, UNCHANGED, PageJob, Plan
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import PageMove, PageUpdate, PreviousPage


@dataclass(frozen=True, slots=True)
class _VacatedRow:
    """A page row whose content is not at its place any more."""

    id: int
    book_id: int
    name: str


@dataclass
class _MoveResult:
    """What was decided. `settled`: the jobs, by their place in the plan, that need no decoding any more."""

    updates: list[PageUpdate] = field(default_factory=list)
    moves: list[PageMove] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    away: set[int] = field(default_factory=set)
    displaced: list[int] = field(default_factory=list)


def detect_moves(plan: Plan, catalog: Catalog, workers: int, told: Callable[[int, int], None]) -> list[int]:
    """Write which pages moved, and leave in the plan what still has to be decoded.

    `told(done, total)` is called after each page that was looked at. Returns the vector rows no panel names any more.
    """
    free = _vacated_rows(catalog) if plan.jobs else {}
    if not free and not plan.previous_jobs:
        return []
    contents = _digests(plan, workers, told)
    found = _MoveResult()
    _match_unmoved(plan, contents, free, found)
    _match_moved(plan, contents, free, found)
    catalog.update_pages(found.updates)
    dropped = catalog.move_pages(found.moves, found.displaced) if found.moves else []
    plan.replace_jobs(_remaining_jobs(plan, found))
    return dropped


def _vacated_rows(catalog: Catalog) -> dict[str, list[_VacatedRow]]:
    """Pages that were not found at their place, by their content."""
    free: dict[str, list[_VacatedRow]] = {}
    for page in catalog.pages.missing_pages():
        free.setdefault(page.digest, []).append(_VacatedRow(page.id, page.book_id, page.name))
    return free


def _digests(plan: Plan, workers: int, told: Callable[[int, int], None]) -> list[str | None]:
    """The digest of each job's page; None where it cannot be read."""
    contents: list[str | None] = []
    with PageDecoder[None](workers) as decoder:
        for _, outcome in decoder.decode((None, replace(job.task, digest_only=True)) for job in plan.read()):
            contents.append(outcome.digest if isinstance(outcome, DecodedPage) else None)
            told(len(contents), plan.jobs)
    return contents


def _match_unmoved(
    plan: Plan, contents: Sequence[str | None], free: dict[str, list[_VacatedRow]], found: _MoveResult
) -> None:
    """Pages with another date and the content they had; the rows of all other known places become free."""
    for place, job in enumerate(plan.read()):
        known = job.previous
        if known is None:
            continue
        if contents[place] == known.digest and job.ocr_only:
            free[known.digest] = [row for row in free.get(known.digest, []) if row.id != known.id]
        elif contents[place] == known.digest:
            found.updates.append(PageUpdate(known.id, job.page.number, job.fingerprint))
            found.settled.add(place)
            plan.status_counts[BACK if known.missing else UNCHANGED] += 1
            free[known.digest] = [row for row in free.get(known.digest, []) if row.id != known.id]
        elif not known.missing:
            free.setdefault(known.digest, []).append(_VacatedRow(known.id, job.book_id, known.name))


def _match_moved(
    plan: Plan, contents: Sequence[str | None], free: dict[str, list[_VacatedRow]], found: _MoveResult
) -> None:
    """Give the free rows to the places that have their content now."""
    usual: dict[int, int] = {}  # the book that the last page of a book came from
    replaced: list[PreviousPage] = []
    for place, job in enumerate(plan.read()):
        rows = free.get(contents[place] or "")
        if place in found.settled or not rows or (job.previous and job.previous.digest == contents[place]):
            continue
        row = _take_best(rows, job, usual.get(job.book_id))
        usual[job.book_id] = row.book_id
        found.moves.append(PageMove(row.id, job.book_id, job.page.name, job.page.number, job.fingerprint, job.label))
        found.settled.add(place)
        found.away.add(row.id)
        if job.previous is not None:
            replaced.append(job.previous)
    lost = [known for known in replaced if known.id not in found.away]
    found.displaced += [known.id for known in lost]
    plan.status_counts[MOVED] += len(found.moves)
    plan.status_counts[GONE] += sum(not known.missing for known in lost) - len(found.away & plan.newly_missing)


def _take_best(rows: list[_VacatedRow], job: PageJob, book: int | None) -> _VacatedRow:
    """Of twins, one from the book that the page before came from, with the same name."""
    name = posixpath.basename(job.page.name)
    best = max(rows, key=lambda row: (row.book_id == book, posixpath.basename(row.name) == name))
    rows.remove(best)
    return best


def _remaining_jobs(plan: Plan, found: _MoveResult) -> Iterator[PageJob]:
    """The jobs that are left; a place whose row moved away starts anew."""
    for place, job in enumerate(plan.read()):
        if place in found.settled:
            continue
        if job.previous is not None and job.previous.id in found.away:
            job = replace(job, previous=None, task=replace(job.task, previous_digest=None))
        yield job
