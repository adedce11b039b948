"""All panels in two dimensions, similar ones near each other; made once for a generation, on request.

    generations/N/map.npz     points (P, 2) float32 in 0-1, group (P,) uint8, in the order of picture.panels.npy

How: the `picture` vectors, reduced to 50 numbers by principal components; each panel's nearest neighbours among them
from FAISS; t-SNE (van der Maaten & Hinton, 2008) with interpolation (Linderman et al., 2019) as openTSNE does it,
started from the two widest components, so that far apart on the map is far apart as well. Groups are k-means on the
finished map: places one can name, for those who read the map as a list.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.overview.pca import principal_components
from retrieval.progress import Told, nobody
from retrieval.store.generation import ViewIndex, load_derived, save_derived
from retrieval.store.vectors import VectorStore

FILE = "map.npz"
GROUPS = 24
"""At most so many groups; one for every twenty panels."""

_COMPONENTS = 50
_PERPLEXITY = 30.0
_EARLY, _LATE = 250, 350
"""Rounds of t-SNE: with exaggerated attraction first, which finds the large shape."""

_MIN_TSNE = 100
"""Fewer panels lie where their two widest components put them: t-SNE draws so few into one point."""

_EXACT_UP_TO = 4_000
_SEED = 3
_REPORT_EVERY = 10


@dataclass(frozen=True, slots=True)
class PanelMap:
    """`ids` (P,) int64 rising; `points` (P, 2) float32, each axis in 0-1; `groups` (P,) uint8 from 0 on."""

    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    groups: NDArray[np.uint8]


def read_map(index: Path, number: int, view: ViewIndex) -> PanelMap | None:
    """The map of a generation, None where none was made yet (or what lies there is not one of these panels)."""
    stored = load_derived(index, number, FILE)
    points, groups = stored.get("points"), stored.get("groups")
    if points is None or groups is None or points.shape != (len(view), 2) or groups.shape != (len(view),):
        return None
    return PanelMap(np.asarray(view.ids), points.astype(np.float32), groups.astype(np.uint8))


def write_map(index: Path, number: int, found: PanelMap) -> None:
    """Raises `IndexDamaged` when the generation is gone or cannot be written."""
    save_derived(index, number, FILE, points=found.points, groups=found.groups)


def make_map(view: ViewIndex, shards: VectorStore, told: Told = nobody) -> PanelMap:
    """Lay out all panels of a view."""
    reduced = principal_components(view, shards, _COMPONENTS, partial(told, "reading vectors"))
    points = _layout(reduced, told)
    told("grouping", 0, 1)
    return PanelMap(np.asarray(view.ids), points, _cluster(points))


def _layout(reduced: NDArray[np.float32], told: Told) -> NDArray[np.float32]:
    count = len(reduced)
    if count < _MIN_TSNE:
        return _scale_to_unit(reduced[:, :2]) if count else np.empty((0, 2), np.float32)
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-9) * 1e-4
    start = start + np.random.default_rng(_SEED).normal(0, 1e-6, start.shape)  # twins must be able to part
    return _scale_to_unit(_tsne(reduced, start, told))


def _tsne(reduced: NDArray[np.float32], start: NDArray[Any], told: Told) -> NDArray[np.float32]:
    """openTSNE by its parts, with neighbours from FAISS."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    perplexity = min(_PERPLEXITY, len(reduced) / 10)
    told("finding neighbours", 0, 1)
    neighbours = _neighbours(reduced, math.ceil(3 * perplexity))
    jobs = os.cpu_count() or 1
    affinities = PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=_PrecomputedNeighbours(neighbours, len(reduced)),
        n_jobs=jobs,
        random_state=_SEED,
    )
    few = len(reduced) < _EXACT_UP_TO
    embedding: Any = TSNEEmbedding(
        start.astype(np.float64),
        affinities,
        negative_gradient_method="bh" if few else "fft",
        n_jobs=jobs,
        random_state=_SEED,
    )
    for rounds, before, settings in (
        (_EARLY, 0, {"exaggeration": 12, "momentum": 0.5}),
        (_LATE, _EARLY, {"momentum": 0.8}),
    ):
        embedding.optimize(
            n_iter=rounds,
            inplace=True,
            callbacks=lambda done, *_, before=before: told("laying out", before + done, _EARLY + _LATE),
            callbacks_every_iters=_REPORT_EVERY,
            propagate_exception=True,
            **settings,
        )
    return np.asarray(embedding, np.float32)


class _PrecomputedNeighbours:
    """Neighbours found already, in the form in which openTSNE asks for them."""

    def __init__(self, found: tuple[NDArray[np.int64], NDArray[np.float64]], samples: int) -> None:
        self._found = found
        self.n_samples = samples
        self.k = found[0].shape[1]

    def build(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self._found


def _neighbours(reduced: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(P, count) places and distances of each panel's nearest others; exact for small libraries."""
    import faiss

    count = min(count, len(reduced) - 1)
    width = reduced.shape[1]
    index: Any = faiss.IndexFlatL2(width)
    if len(reduced) > 4 * _EXACT_UP_TO:
        lists = round(2 * math.sqrt(len(reduced)))
        index = faiss.IndexIVFFlat(index, width, lists)
        index.cp.seed, index.cp.min_points_per_centroid, index.nprobe = _SEED, 1, max(8, lists // 24)
        index.train(reduced)
    index.add(reduced)
    squared, places = index.search(reduced, count + 1)
    return _drop_self(places, squared, count)


def _drop_self(
    places: NDArray[np.int64], squared: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each row less its own place, or its last where a twin took that; FAISS's padding becomes the first found."""
    own = places == np.arange(len(places))[:, None]
    own[~own.any(axis=1), -1] = True
    kept = places[~own].reshape(-1, count)
    distances = np.sqrt(np.maximum(squared[~own].reshape(-1, count), 0)).astype(np.float64)
    missing = kept < 0
    kept = np.where(missing, kept[:, :1], kept)
    return kept, np.where(missing, distances[:, :1], distances)


def _scale_to_unit(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Into the unit square, both axes by the same measure, in its middle."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    found: NDArray[np.float32] = (0.5 + (points - (low + high) / 2) / span * 0.98).astype(np.float32)
    return found


def _cluster(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Groups of the map by k-means, numbered from the largest down."""
    import faiss

    groups = min(GROUPS, len(points) // 20)
    if groups < 2:
        return np.zeros(len(points), np.uint8)
    means = faiss.Kmeans(2, groups, niter=20, seed=_SEED, min_points_per_centroid=1)
    means.train(np.ascontiguousarray(points))
    found = means.index.search(np.ascontiguousarray(points), 1)[1][:, 0]
    order = np.argsort(-np.bincount(found, minlength=groups), kind="stable")
    numbers = np.empty(groups, np.uint8)
    numbers[order] = np.arange(groups, dtype=np.uint8)
    return numbers[found]
