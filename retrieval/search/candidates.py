"""Retrieval: the panels of one view that may answer a query, with exact scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged, UsageError
from retrieval.records import Panel, View
from retrieval.search.hits import LexicalMatch
from retrieval.search.query import Query
from retrieval.store.ann.base import CANDIDATES
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import ViewIndex
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.scoring import Scores, best_scores, exact_scores, vectors_per_panel
from retrieval.store.vectors import REGIONS, VectorStore

Ids = NDArray[np.int64]

EXACT_UP_TO = 5_000
"""Panels: if a filter leaves at most this many, all are scored exactly, which takes milliseconds."""

_MAX_APPROXIMATE = 50_000
"""Candidates: beyond this number, scoring every panel is simpler and not slower."""

_CACHED_VECTORS = 20_000
"""Vectors of a view without IVF-PQ that are kept in memory: at most 40 MB."""

_BACKGROUND_SAMPLE, _BACKGROUND_SEED = 512, 11
"""Panels of a view whose scores give the mean and deviation of unrelated panels."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Panels of one view that may answer a query, as arrays of one length C.

    ids, rows: (C,) int64 panel ids and vector rows. scores: (C,) float32 exact cosines.
    ranking_scores: (C,) the values to order by; equal to the scores until a ranking step changes them.
    matches: matching words by panel id. complete: True if no panel outside can be an answer.
    truncated: True if a ranking step left out candidates whose place is not final yet.
    """

    ids: Ids
    rows: Ids
    scores: Scores
    ranking_scores: NDArray[Any]
    complete: bool
    matches: Mapping[int, LexicalMatch] = field(default_factory=dict)
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, order: NDArray[np.intp]) -> Candidates:
        """Return the candidates at these positions, in this order."""
        arrays = {name: getattr(self, name)[order] for name in ("ids", "rows", "scores", "ranking_scores")}
        return replace(self, **arrays)


class Retriever:
    """Retrieval from the views of one open generation."""

    def __init__(self, catalog: Catalog, vectors: VectorStore, views: Mapping[View, ViewIndex]) -> None:
        self.vectors = vectors
        self.views = views
        self._catalog = catalog
        self._cached: dict[tuple[View, bool], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        self._background_rows: dict[View, Ids] = {}

    def stored_vector(self, panel_id: int, view: View) -> NDArray[np.float32]:
        """Return the (512,) vector of an indexed panel. Raises `UsageError` if it is unknown or has no such view."""
        _, rows = self.views[view].rows_of(np.array([panel_id], np.int64))
        if len(rows):
            stored = list(self._catalog.panels.get_with_sums([panel_id]).values())
            if self.damaged(view, [panel for panel, _ in stored], [sums for _, sums in stored]):
                raise IndexDamaged(f"the vectors of panel {panel_id} are damaged", self.vectors.folder, REPAIR_HINT)
            vector: NDArray[np.float32] = self.vectors.read(view, rows)[0]
            if view is View.DIALOGUE and not vector.any():
                problem = f"the encoder cannot read the dialogue of panel {panel_id}"
                raise UsageError(problem, hint="search with another view, or for its words")
            return vector
        if view is not View.DIALOGUE and self._catalog.panels.get([panel_id]):
            hint = f"{REPAIR_HINT}, or wait for the build to end"
            raise UsageError(f"panel {panel_id} is not in the searched generation", hint=hint)
        if view is View.DIALOGUE and self._catalog.panels.get([panel_id]):
            raise UsageError(f"panel {panel_id} has no dialogue", hint="search with view picture or fused instead")
        hint = "take a panel id from the results of a search"
        raise UsageError(f"the index has no panel {panel_id}", hint=hint)

    def damaged(self, view: View, panels: Sequence[Panel], sums: Sequence[bytes]) -> set[int]:
        """Return the ids of those panels whose vectors of a view are not what was written; sums: their checksums."""
        rows = np.array([panel.vector_row for panel in panels], np.int64)
        bad = self.vectors.damaged(rows, sums, self._streams(view))
        return {panel.id for panel, own in zip(panels, bad, strict=True) if own.any()}

    def holds(self, view: View, row: int, sums: bytes) -> bool:
        """Return True if a row has the vectors of a view that the checksums of a panel are of."""
        return not self.vectors.damaged(np.array([row], np.int64), [sums], self._streams(view)).any()

    def _streams(self, view: View) -> list[str]:
        return [str(view), *([REGIONS] if vectors_per_panel(self.vectors, view) > 1 else [])]

    def background_stats(self, view: View, vectors: NDArray[np.float32]) -> tuple[float, float]:
        """Return mean and standard deviation of the scores of a query with a fixed random sample of panels."""
        index = self.views[view]
        if view not in self._background_rows:
            rng = np.random.default_rng(_BACKGROUND_SEED)
            chosen = rng.choice(len(index), min(_BACKGROUND_SAMPLE, len(index)), replace=False)
            self._background_rows[view] = np.asarray(index.rows[np.sort(chosen)])
        if not len(self._background_rows[view]):
            return 0.0, 1.0
        scores = self._cached_scores(view, self._background_rows[view], np.atleast_2d(vectors), sample=True)
        return float(scores.mean()), max(float(scores.std()), 1e-3)

    def retrieve(
        self, view: View, query: Query, vectors: NDArray[np.float32], allowed: Ids | None, extra: Ids
    ) -> Iterator[Candidates]:
        """Return candidates in ever wider rounds; the last round is complete.

        vectors: (V, 512) of the query. allowed: sorted ids that pass the filter, None without one. extra: ids that
        are candidates in any case, from full text. A query without a vector (zeros) has no others.
        """
        index = self.views[view]
        if not vectors.any():
            ids, rows = index.rows_of(extra)
            scores = np.zeros(len(ids), np.float32)
            yield Candidates(ids, rows, scores, scores, complete=True)
            return
        reach = len(index) if allowed is None else len(allowed)
        if index.ann is not None and not query.exact and not (allowed is not None and reach <= EXACT_UP_TO):
            per_panel = vectors_per_panel(self.vectors, view)
            count = requested_candidates(query)
            effort = query.nprobe or index.ann.default_effort
            while count <= _MAX_APPROXIMATE:
                found = index.ann.search(np.atleast_2d(vectors), min(count, per_panel * len(index)), effort, allowed)
                ids, rows = index.rows_of(np.concatenate([*found, extra]))
                complete = effort >= index.ann.max_effort and count >= per_panel * reach
                scores = best_scores(self.vectors, view, rows, vectors)
                yield Candidates(ids, rows, scores, scores, complete)
                count, effort = 4 * count, 4 * effort
        yield self._score_all(index, vectors, allowed)

    def _score_all(self, index: ViewIndex, vectors: NDArray[np.float32], allowed: Ids | None) -> Candidates:
        """Return every allowed panel with its exact score."""
        per_panel = vectors_per_panel(self.vectors, index.view)
        if allowed is None and index.ann is None and per_panel * len(index) <= _CACHED_VECTORS:
            ids, rows = index.ids, index.rows
            scores = self._cached_scores(index.view, np.asarray(rows), np.atleast_2d(vectors), sample=False)
        else:
            ids, rows = (index.ids, index.rows) if allowed is None else index.rows_of(allowed)
            scores = best_scores(self.vectors, index.view, np.asarray(rows), vectors)
        return Candidates(ids, rows, scores, scores, complete=True)

    def _cached_scores(self, view: View, rows: Ids, vectors: NDArray[np.float32], *, sample: bool) -> Scores:
        """Return (P,) scores of panels whose vectors are kept in memory.

        rows: those of a whole small view, or of its sample of unrelated panels; always the same ones.
        """
        per_panel, key = vectors_per_panel(self.vectors, view), (view, sample)
        if key not in self._cached:
            regions = self.vectors.region_coordinates(rows if per_panel > 1 else rows[:0])
            self._cached[key] = self.vectors.read(view, rows), regions
        panels, regions = self._cached[key]
        best: Scores = exact_scores(panels, vectors).max(axis=0)
        if per_panel > 1:
            found = exact_scores(regions, self.vectors.query_coordinates(vectors)).max(axis=0)
            best = np.maximum(best, found.reshape(len(rows), per_panel - 1).max(axis=1))
        return best


def requested_candidates(query: Query) -> int:
    """Return the number of vectors that the first round requests from an IVF-PQ index."""
    return max(CANDIDATES, 4 * query.needed)
