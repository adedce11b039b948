"""Exhaustive search, as earlier servers of comic panels do it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 50_000
"""Rows that are compared at once, as in those servers."""

_EPSILON = 1e-8
"""Added to norms, as in those servers."""


class ExhaustiveSearch:
    """All vectors as float32 in memory; each query is compared with every one, and computes all their norms.

    vectors: (N, D) float32; those of one panel stand together. ids: (P,) int64 of the panels. N is a multiple of P.
    """

    name = "exhaustive, as earlier servers"

    def __init__(self, vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> None:
        self._vectors, self._ids = vectors, ids
        self.bytes = vectors.nbytes

    def search(self, query: NDArray[np.float32], count: int) -> list[int]:
        """Return the ids of the `count` panels that are most similar to a (D,) query."""
        scores = np.empty(len(self._vectors), np.float32)
        norm = float(np.linalg.norm(query)) + _EPSILON
        for start in range(0, len(scores), BLOCK_ROWS):
            block = self._vectors[start : start + BLOCK_ROWS]
            norms = np.linalg.norm(block, axis=1) + _EPSILON
            scores[start : start + len(block)] = block @ query / (norms * norm)
        best = scores.reshape(len(self._ids), -1).max(axis=1)
        places = np.argpartition(-best, min(count, len(best) - 1))[:count]
        return [int(self._ids[place]) for place in places[np.argsort(-best[places])]]
