"""Verification: whether the parts of an index are what was written, agree, and match the comics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from retrieval.collections.store import Collections
from retrieval.encoder.runtime.int8_ranges import AGAIN, has_copy, is_intact
from retrieval.encoder.runtime.int8_ranges import FILE as RANGES_FILE
from retrieval.errors import IndexDamaged
from retrieval.index import PanelIndex
from retrieval.overview.rejected_pairs import RejectedPairs
from retrieval.progress import ProgressCallback, no_progress
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.hints import REPAIR_HINT, RESTORE_HINT
from retrieval.store.layout import ID_FILE, catalog_url, check_index_id, existing_index, has_damaged_id, open_vectors
from retrieval.values import whole_number
from retrieval.verify.catalog import check_catalog
from retrieval.verify.generation import check_generation
from retrieval.verify.records import Part, Problem, Verification, VerifyReport
from retrieval.verify.sample import SAMPLE, check_sample
from retrieval.verify.thumbnails import check_thumbnails
from retrieval.verify.vectors import check_vectors

_Check = Callable[[Verification], Iterable[Problem]]


def verify_index(
    path: str | Path,
    *,
    sample: int | None = SAMPLE,
    part: Sequence[int] | None = None,
    device: str | None = None,
    encoder: Any = None,
    progress: ProgressCallback = no_progress,
) -> VerifyReport:
    """Compare every part with its checksums and the catalog, then encode panels again from their comics.

    sample: panels to encode again; the next run takes the following ones. None: all panels. part: (3, 10) checks the
    third tenth of the panels; the first part also covers catalog, full text and generation.

    Raises `IndexMissing` if there is no index, `IndexDamaged`, `IndexTooNew` or `IndexTooOld` if the catalog cannot be
    opened, `UsageError` for a sample that is no number, or a part that does not exist.
    """
    sample = whole_number("sample", sample, 0, optional=True)
    folder, chosen = existing_index(path), Part.of(part)
    problems: list[Problem] = []
    with Catalog.open(catalog_url(folder)) as catalog:
        run = Verification(folder, catalog, open_vectors(folder, catalog.settings()), chosen, progress)
        whole: list[_Check] = [_check_identity, check_catalog] if chosen.first else []
        checks = [*whole, check_vectors, *([check_generation] if chosen.first else []), check_thumbnails]
        for check in checks:
            problems += _run_check(check, run)
        if sample != 0 and all(p.part in ("vectors", "thumbnails") for p in problems):
            problems += _run_check(lambda run: _check_sample(run, sample, device, encoder), run)
    return VerifyReport(tuple(problems), tuple(run.notes), run.checked)


def _run_check(check: _Check, run: Verification) -> list[Problem]:
    """Return the problems that a check finds; damage that stops it is one of them."""
    problems: list[Problem] = []
    try:
        for problem in check(run):
            problems.append(problem)
    except IndexDamaged as error:
        problems.append(Problem("catalog", error.problem, error.hint or RESTORE_HINT, False, error.path))
    return problems


def _check_identity(run: Verification) -> Iterable[Problem]:
    """Compare the ids of folder and catalog, count what the catalog holds, and read what people marked and kept."""
    run.checked.update(run.catalog.library.counts())
    check_index_id(run.folder, run.catalog.settings().index_id)
    if has_damaged_id(run.folder):
        yield Problem("index id", "the file holds no id of an index", REPAIR_HINT, True, str(run.folder / ID_FILE))
    record = run.catalog.settings().encoder
    if record is not None and record.int8 and not is_intact(run.folder, record.int8):
        found = "the ranges of int8 are missing or damaged"
        copied = has_copy(record.int8)
        yield Problem("encoder", found, REPAIR_HINT if copied else AGAIN, copied, str(run.folder / RANGES_FILE))
    try:
        RejectedPairs(run.folder).pairs()
    except IndexDamaged as error:
        yield Problem("rejected pairs", error.problem, error.hint or RESTORE_HINT, False, error.path)
    try:
        kept = Collections(run.folder)
        for each in kept.summaries():
            kept.members(each.name)
    except IndexDamaged as error:
        yield Problem("collections", error.problem, error.hint or RESTORE_HINT, False, error.path)


def _check_sample(run: Verification, sample: int | None, device: str | None, encoder: Any) -> Iterable[Problem]:
    with PanelIndex.open(run.folder, encoder=encoder, device=device) as index:
        yield from check_sample(run, index, sample)
