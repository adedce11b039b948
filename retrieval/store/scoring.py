"""Exact cosine scores, and the order of results: higher score first, then lower id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.records import View
from retrieval.store.vectors import VectorStore

Scores = NDArray[np.float32]

_VECTORS_PER_READ = 16_384
"""Vectors read from disk in one go: 34 MB."""


def exact_scores(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """(Q, P) cosine of (Q, D) unit queries with (P, D) unit vectors, kept within -1 and 1."""
    scores: NDArray[np.float32] = np.clip(queries @ vectors.T, -1.0, 1.0)
    return scores


def best_scores(shards: VectorStore, view: View, rows: NDArray[np.int64], query: NDArray[np.float32]) -> Scores:
    """(P,) of the panels at `rows` with a query of one or more unit vectors, (512,) or (V, 512).

    Where a panel or a query speaks with several vectors, the likest pair of them counts.
    """
    best: Scores = all_scores(shards, view, rows, np.atleast_2d(query)).max(axis=0)
    return best


def all_scores(shards: VectorStore, view: View, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> Scores:
    """(Q, P) of each of (Q, 512) unit vectors with the panels at `rows`, a panel's likest vector counting."""
    scores = np.empty((len(queries), len(rows)), np.float32)
    at_once = _VECTORS_PER_READ // vectors_per_panel(shards, view)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        found = exact_scores(shards.read(view, some), queries)
        if vectors_per_panel(shards, view) > 1:
            windows = exact_scores(shards.read_regions(some), queries)
            found = np.maximum(found, windows.reshape(len(queries), len(some), shards.regions).max(axis=2))
        scores[:, start : start + at_once] = found
    return scores


def vectors_per_panel(shards: VectorStore, view: View) -> int:
    """How many vectors a panel has in a view."""
    return 1 + shards.regions if view is View.PICTURE else 1


def top(scores: NDArray[np.float32], ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Positions of the `count` best, ordered; equal scores by id, so that twins come in a fixed order."""
    if count < len(scores):
        worst = np.partition(scores, len(scores) - count)[len(scores) - count]
        kept = np.flatnonzero(scores >= worst - 1e-6)
    else:
        kept = np.arange(len(scores))
    # matrix products differ in the last bit with their shape; rounding keeps equal vectors equal
    order = np.lexsort((ids[kept], -np.round(scores[kept], 6)))
    return kept[order[:count]]
