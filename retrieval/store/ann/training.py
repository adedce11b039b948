"""Choices about an IVF-PQ index: its type, the number of its lists, and the vectors that it is trained on."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import UsageError
from retrieval.store.ann.base import Blocks

IndexType = Literal["exact", "ivfpq"]

SUBQUANTIZERS = 64
"""PQ subquantizers, one byte each."""

CENTROIDS = 256
"""Centroids of each subquantizer."""

POINTS_PER_CENTROID = 39
"""Training points that FAISS expects per centroid (`ClusteringParameters.min_points_per_centroid`)."""

MIN_IVFPQ_VECTORS = POINTS_PER_CENTROID * CENTROIDS
"""Vectors (9,984) from which PQ can be trained as FAISS expects; below, exact search is as fast."""

SEED = 20_261_122
"""Seed of the training sample and of its clustering."""

MAX_LISTS = 4_096
"""Lists at most: the time of training grows with lists times sample."""

_MAX_TRAINING = 131_072
"""Vectors at most in a training sample: 32 for each of the most lists, and 268 MB."""


def choose_index_type(count: int, requested: str) -> IndexType:
    """Return the type of index for `count` vectors; `requested` is auto, exact or ivfpq.

    IVF-PQ needs at least one vector per PQ centroid; below that search is exact even if IVF-PQ is requested.
    """
    if requested not in ("auto", "exact", "ivfpq"):
        raise UsageError(f"no index kind is called {requested!r}", hint="choose auto, exact or ivfpq")
    if requested == "exact" or count < CENTROIDS:
        return "exact"
    return "ivfpq" if requested == "ivfpq" or count >= MIN_IVFPQ_VECTORS else "exact"


def list_count(count: int) -> int:
    """Return the number of inverted lists: 4 sqrt(N), fewer if that leaves under 39 vectors for each."""
    return max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_CENTROID, MAX_LISTS))


def default_nprobe(lists: int) -> int:
    """Return the number of lists to search: a sixteenth of up to 1,024 lists, at least 16; then a thirty-second.

    Of 4,000 lists with a million vectors, 64 already have all of the ten nearest (docs/measured.md).
    """
    return min(lists, max(16, min(lists // 16, 64), lists // 32))


def training_sample(count: int, lists: int, blocks: Blocks) -> NDArray[np.float32]:
    """Return (S, 512) vectors with a direction, drawn from the `count` of a view."""
    size = min(count, max(POINTS_PER_CENTROID * max(lists, CENTROIDS), 4 * MIN_IVFPQ_VECTORS), _MAX_TRAINING)
    chosen = np.sort(np.random.default_rng(SEED).choice(count, size, replace=False))
    return np.concatenate([vectors[usable(vectors)] for _, vectors in blocks(chosen)])


def usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return True for vectors with a direction: not zeros, and all of them numbers."""
    norms = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.isfinite(norms) & (norms > 0), np.bool_)
