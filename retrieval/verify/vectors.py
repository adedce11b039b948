"""Verification of the vectors: each panel's own are compared with its checksums in the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel
from retrieval.store.catalog.records import VectorPlaces
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.vectors import REGIONS, VectorStore
from retrieval.verify.records import MAX_LISTED, Problem, Verification

_BLOCK = 1_024
"""Panels between two progress reports."""


def check_vectors(run: Verification) -> Iterator[Problem]:
    """Compare the basis with its SHA-256, the number of vectors with the catalog, and vectors with their checksums."""
    if damage := run.vectors.damaged_basis():
        yield Problem("region basis", damage.problem, REPAIR_HINT, True, damage.path)
    named, stored = run.catalog.panels.last_vector_row() + 1, run.vectors.rows()
    run.checked["vectors"] = stored
    if stored < named:
        yield Problem("vectors", f"there are {stored} rows; the catalog names {named}", REPAIR_HINT, False)
    if stored > named:
        extra = f"{stored - named} vectors at the end have no panel (an interrupted build)"
        run.notes.append(f"{extra}; the next build reuses their rows")
    places = run.part.select(run.catalog.panels.vector_places(with_missing=True))
    run.checked["panels_compared"] = len(places)
    damaged = damaged_panels(run.vectors, places, run.progress)
    run.damaged.update(damaged)
    if damaged:
        run.checked["panels_damaged"] = len(damaged)
    if stored < named:
        return  # one sentence says it for all
    panels = run.catalog.panels.get(list(damaged)[:MAX_LISTED])
    for panel_id, streams in list(damaged.items())[:MAX_LISTED]:
        panel = panels.get(panel_id)
        yield Problem(
            "vectors",
            f"{described(panel_id, panel)}: {_vectors(streams)} not what was written",
            REPAIR_HINT,
            False,
            panel.page_path if panel else None,
        )
    if len(damaged) > MAX_LISTED:
        more = f"{len(damaged) - MAX_LISTED:,} more panels have damaged vectors"
        yield Problem("vectors", more, REPAIR_HINT, False, str(run.vectors.folder))


def damaged_panels(vectors: VectorStore, places: VectorPlaces, progress: ProgressCallback) -> dict[int, Sequence[str]]:
    """Return the ids of panels with damaged vectors, each with the streams."""
    report = StageProgress(progress, "comparing vectors", "panels", len(places))
    streams, found = np.array(list(vectors.streams())), {}
    for start in range(0, len(places), _BLOCK):
        block = slice(start, start + _BLOCK)
        bad = vectors.damaged(places.rows[block], places.sums[block])
        for place in np.nonzero(bad.any(axis=1))[0].tolist():
            found[int(places.ids[start + place])] = streams[bad[place]].tolist()
        report(min(start + _BLOCK, len(places)))
    return found


def _vectors(streams: Sequence[str]) -> str:
    if len(streams) > 1:
        return f"its vectors ({', '.join(streams)}) are"
    return "its region vectors are" if streams[0] == REGIONS else f"its {streams[0]} vector is"


def described(panel_id: int, panel: Panel | None) -> str:
    """Return a panel in words: its id, book and page."""
    return f"panel {panel_id} " + (
        "(on a missing page)" if panel is None else f"({panel.book}, page {panel.page_number})"
    )
