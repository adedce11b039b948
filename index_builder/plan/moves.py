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
from retrieval.store.catalog.catalog import Catalog, KnownPage, PageMove, PageUpdate


@dataclass(frozen=True, slots=True)
class _Free:
    """A page row whose content is not at its place any more."""

    id: int
    book_id: int
    name: str


@dataclass
class _Moves:
    """What was decided. `settled`: the jobs, by their place in the plan, that need no decoding any more."""

    updates: list[PageUpdate] = field(default_factory=list)
    moves: list[PageMove] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    away: set[int] = field(default_factory=set)
    displaced: list[int] = field(default_factory=list)


def settle_moves(plan: Plan, catalog: Catalog, workers: int, told: Callable[[int, int], None]) -> list[int]:
    """Write which pages moved, and leave in the plan what still has to be decoded.

    `told(done, total)` is called after each page that was looked at. Returns the vector rows no panel names any more.
    """
    free = _gone(catalog) if plan.jobs else {}
    if not free and not plan.known_jobs:
        return []
    contents = _contents(plan, workers, told)
    found = _Moves()
    _settle_unmoved(plan, contents, free, found)
    _settle_moved(plan, contents, free, found)
    catalog.update_pages(found.updates)
    dropped = catalog.move_pages(found.moves, found.displaced) if found.moves else []
    plan.replace(_rest(plan, found))
    return dropped


def _gone(catalog: Catalog) -> dict[str, list[_Free]]:
    """Pages that were not found at their place, by their content."""
    free: dict[str, list[_Free]] = {}
    for page in catalog.gone_pages():
        free.setdefault(page.digest, []).append(_Free(page.id, page.book_id, page.name))
    return free


def _contents(plan: Plan, workers: int, told: Callable[[int, int], None]) -> list[str | None]:
    """The digest of each job's page; None where it cannot be read."""
    contents: list[str | None] = []
    with PageDecoder[None](workers) as decoder:
        for _, outcome in decoder.decode((None, replace(job.task, look=True)) for job in plan.read()):
            contents.append(outcome.digest if isinstance(outcome, DecodedPage) else None)
            told(len(contents), plan.jobs)
    return contents


def _settle_unmoved(plan: Plan, contents: Sequence[str | None], free: dict[str, list[_Free]], found: _Moves) -> None:
    """Pages with another date and the content they had; the rows of all other known places become free."""
    for place, job in enumerate(plan.read()):
        known = job.known
        if known is None:
            continue
        if contents[place] == known.digest and job.reread:
            free[known.digest] = [row for row in free.get(known.digest, []) if row.id != known.id]
        elif contents[place] == known.digest:
            found.updates.append(PageUpdate(known.id, job.page.number, job.stat))
            found.settled.add(place)
            plan.fates[BACK if known.gone else UNCHANGED] += 1
            free[known.digest] = [row for row in free.get(known.digest, []) if row.id != known.id]
        elif not known.gone:
            free.setdefault(known.digest, []).append(_Free(known.id, job.book_id, known.name))


def _settle_moved(plan: Plan, contents: Sequence[str | None], free: dict[str, list[_Free]], found: _Moves) -> None:
    """Give the free rows to the places that have their content now."""
    usual: dict[int, int] = {}  # the book that the last page of a book came from
    replaced: list[KnownPage] = []
    for place, job in enumerate(plan.read()):
        rows = free.get(contents[place] or "")
        if place in found.settled or not rows or (job.known and job.known.digest == contents[place]):
            continue
        row = _take(rows, job, usual.get(job.book_id))
        usual[job.book_id] = row.book_id
        found.moves.append(PageMove(row.id, job.book_id, job.page.name, job.page.number, job.stat, job.page_label))
        found.settled.add(place)
        found.away.add(row.id)
        if job.known is not None:
            replaced.append(job.known)
    lost = [known for known in replaced if known.id not in found.away]
    found.displaced += [known.id for known in lost]
    plan.fates[MOVED] += len(found.moves)
    plan.fates[GONE] += sum(not known.gone for known in lost) - len(found.away & plan.gone_now)


def _take(rows: list[_Free], job: PageJob, book: int | None) -> _Free:
    """Of twins, one from the book that the page before came from, with the same name."""
    name = posixpath.basename(job.page.name)
    best = max(rows, key=lambda row: (row.book_id == book, posixpath.basename(row.name) == name))
    rows.remove(best)
    return best


def _rest(plan: Plan, found: _Moves) -> Iterator[PageJob]:
    """The jobs that are left; a place whose row moved away starts anew."""
    for place, job in enumerate(plan.read()):
        if place in found.settled:
            continue
        if job.known is not None and job.known.id in found.away:
            job = replace(job, known=None, task=replace(job.task, known=None))
        yield job
