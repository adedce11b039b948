"""Exact cosine scores, and the order of results: higher score first, then lower id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def exact_scores(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """(Q, P) cosine of (Q, D) unit queries with (P, D) unit vectors, kept within -1 and 1."""
    scores: NDArray[np.float32] = np.clip(queries @ vectors.T, -1.0, 1.0)
    return scores


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
