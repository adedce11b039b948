"""Exact cosine scores, and the order of results: higher score first, then lower id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.records import View
from retrieval.store.vectors import VectorStore

Scores = NDArray[np.float32]
"""Cosines, -1 to 1."""

_VECTORS_PER_READ = 16_384
"""Vectors read at once: 34 MB."""


def exact_scores(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (Q, P) cosines of (Q, D) unit queries with (P, D) unit vectors, clipped to -1 and 1."""
    scores: NDArray[np.float32] = np.clip(queries @ vectors.T, -1.0, 1.0)
    return scores


def best_scores(vectors: VectorStore, view: View, rows: NDArray[np.int64], query: NDArray[np.float32]) -> Scores:
    """Return the (P,) scores of the panels at `rows` with a query of one or more unit vectors, (512,) or (V, 512).

    If a panel or the query has several vectors, the most similar pair counts.
    """
    best: Scores = all_scores(vectors, view, rows, np.atleast_2d(query)).max(axis=0)
    return best


def all_scores(vectors: VectorStore, view: View, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> Scores:
    """Return the (Q, P) scores of (Q, 512) unit vectors with the most similar vector of each panel at `rows`."""
    scores = np.empty((len(queries), len(rows)), np.float32)
    per_panel = vectors_per_panel(vectors, view)
    batch_size = _VECTORS_PER_READ // per_panel
    region_queries = vectors.query_coordinates(queries) if per_panel > 1 else queries
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        best = exact_scores(vectors.read(view, batch), queries)
        if per_panel > 1:
            regions = exact_scores(vectors.region_coordinates(batch), region_queries)
            best = np.maximum(best, regions.reshape(len(queries), len(batch), vectors.regions).max(axis=2))
        scores[:, start : start + batch_size] = best
    return scores


def vectors_per_panel(vectors: VectorStore, view: View) -> int:
    """Return the number of vectors of each panel in a view."""
    return 1 + vectors.regions if view is View.PICTURE else 1


def top(scores: NDArray[np.float32], ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the positions of the `count` highest scores, in order; equal scores are ordered by id."""
    if count < len(scores):
        worst = np.partition(scores, len(scores) - count)[len(scores) - count]
        kept = np.flatnonzero(scores >= worst - 1e-6)
    else:
        kept = np.arange(len(scores))
    # matrix products of other shapes differ in the last bit; rounding keeps equal vectors equal
    order = np.lexsort((ids[kept], -np.round(scores[kept], 6)))
    return kept[order[:count]]
