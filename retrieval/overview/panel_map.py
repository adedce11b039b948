"""Map of all panels in two dimensions, similar panels near each other; made once for a generation, on request.

    generations/N/map.npz     points (P, 2) float32 from 0 to 1, groups (P,) uint8, in the order of picture.panels.npy

The `picture` vectors are reduced to 50 principal components. FAISS finds the nearest neighbours among them. t-SNE
(van der Maaten and Hinton 2008) with interpolation (Linderman et al. 2019), from openTSNE, lays them out. It starts
from the two widest components, so that global distances stay meaningful. Groups are k-means clusters of the map.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.overview.intact import check_vectors
from retrieval.overview.pca import principal_components
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.records import View
from retrieval.search.open_index import OpenIndex
from retrieval.store.derived import load_derived, save_derived
from retrieval.store.generation import Generation, ViewIndex
from retrieval.store.vectors import VectorStore

FILE = "map.npz"
GROUPS = 24
"""Largest number of groups; there is one for every twenty panels."""

_COMPONENTS = 50
"""Principal components that t-SNE sees."""

_PERPLEXITY = 30.0
"""Effective number of neighbours of a panel, the usual value for t-SNE."""

_EARLY, _LATE = 250, 350
"""Iterations of t-SNE: first with exaggerated attraction, which finds the global shape."""

_MIN_TSNE = 100
"""Panels below which the two widest components are the map: t-SNE contracts so few to one point."""

_EXACT_UP_TO = 4_000
"""Panels from which t-SNE interpolates instead of using a tree; from 4 times as many, neighbours are approximate."""

_SEED = 3
_REPORT_EVERY = 10
"""Iterations between two progress reports."""


@dataclass(frozen=True, slots=True)
class PanelMap:
    """Positions of P panels: ids (P,) int64 ascending, points (P, 2) float32 from 0 to 1, groups (P,) uint8."""

    ids: NDArray[np.int64]
    points: NDArray[np.float32]
    groups: NDArray[np.uint8]


def load_panel_map(index: OpenIndex) -> PanelMap | None:
    """Return the map made before for the open generation; None if there is none, or a damaged one."""
    return read_map(index.folder, index.generation)


def read_map(folder: Path, generation: Generation) -> PanelMap | None:
    """Return the map that is stored for a generation; None if there is none, or a damaged one."""
    view = generation.views[View.PICTURE]
    expected = {"points": (np.float32, (len(view), 2)), "groups": (np.uint8, (len(view),))}
    stored = load_derived(folder, generation.number, FILE, expected)
    if not stored or stored["groups"].max(initial=0) >= GROUPS:
        return None
    points = stored["points"]
    if points.size and not (points.min() >= 0 and points.max() <= 1):
        return None
    return PanelMap(np.asarray(view.ids), points, stored["groups"])


def make_panel_map(index: OpenIndex, progress: ProgressCallback = no_progress) -> PanelMap:
    """Lay out all panels of this generation and store the map.

    Raises `IndexDamaged` if vectors are damaged, or if the generation is gone or cannot be written.
    """
    check_vectors(index, View.PICTURE)
    number, view = index.generation.number, index.generation.views[View.PICTURE]
    panel_map = lay_out(view, index.vector_store, progress)
    save_derived(index.folder, number, FILE, points=panel_map.points, groups=panel_map.groups)
    return panel_map


def lay_out(view: ViewIndex, vectors: VectorStore, progress: ProgressCallback = no_progress) -> PanelMap:
    """Return the map of all panels of a view."""
    report = StageProgress(progress, "reading vectors", "panels", len(view))
    points = _layout(principal_components(view, vectors, _COMPONENTS, report), progress)
    StageProgress(progress, "grouping")(0, 1)
    return PanelMap(np.asarray(view.ids), points, _cluster(points))


def _layout(reduced: NDArray[np.float32], progress: ProgressCallback) -> NDArray[np.float32]:
    """Return (P, 2) positions for (P, C) principal components."""
    count = len(reduced)
    if count < _MIN_TSNE:
        return _scale_to_unit(reduced[:, :2]) if count else np.empty((0, 2), np.float32)
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-9) * 1e-4
    # noise, so that identical panels can separate
    start = start + np.random.default_rng(_SEED).normal(0, 1e-6, start.shape)
    return _scale_to_unit(_tsne(reduced, start, progress))


def _tsne(reduced: NDArray[np.float32], start: NDArray[Any], progress: ProgressCallback) -> NDArray[np.float32]:
    """Return the (P, 2) embedding of openTSNE, with neighbours from FAISS."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    perplexity = min(_PERPLEXITY, len(reduced) / 10)
    StageProgress(progress, "finding neighbours")(0, 1)
    neighbours = _neighbours(reduced, math.ceil(3 * perplexity))
    jobs = os.cpu_count() or 1
    affinities = PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=_PrecomputedNeighbours(neighbours, len(reduced)),
        n_jobs=jobs,
        random_state=_SEED,
    )
    small = len(reduced) < _EXACT_UP_TO
    embedding: Any = TSNEEmbedding(
        start.astype(np.float64),
        affinities,
        negative_gradient_method="bh" if small else "fft",
        n_jobs=jobs,
        random_state=_SEED,
    )
    report = StageProgress(progress, "laying out", "iterations", _EARLY + _LATE)
    for rounds, before, settings in (
        (_EARLY, 0, {"exaggeration": 12, "momentum": 0.5}),
        (_LATE, _EARLY, {"momentum": 0.8}),
    ):
        embedding.optimize(
            n_iter=rounds,
            inplace=True,
            callbacks=lambda done, *_, before=before: report(before + done),
            callbacks_every_iters=_REPORT_EVERY,
            propagate_exception=True,
            **settings,
        )
    return np.asarray(embedding, np.float32)


class _PrecomputedNeighbours:
    """Nearest neighbours in the interface that openTSNE expects."""

    def __init__(self, neighbours: tuple[NDArray[np.int64], NDArray[np.float64]], samples: int) -> None:
        self._neighbours = neighbours
        self.n_samples = samples
        self.k = neighbours[0].shape[1]

    def build(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return (indices, distances)."""
        return self._neighbours


def _neighbours(reduced: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the (P, count) positions and distances of each panel's nearest others; exact for small libraries."""
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
    """Remove each row's own position, or its last if duplicates displaced that; FAISS padding becomes the nearest."""
    own = places == np.arange(len(places))[:, None]
    own[~own.any(axis=1), -1] = True
    kept = places[~own].reshape(-1, count)
    distances = np.sqrt(np.maximum(squared[~own].reshape(-1, count), 0)).astype(np.float64)
    missing = kept < 0
    kept = np.where(missing, kept[:, :1], kept)
    return kept, np.where(missing, distances[:, :1], distances)


def _scale_to_unit(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return points scaled into the unit square by one factor, centred."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    scaled: NDArray[np.float32] = (0.5 + (points - (low + high) / 2) / span * 0.98).astype(np.float32)
    return scaled


def _cluster(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the (P,) k-means clusters of the map, numbered from the largest."""
    import faiss

    groups = min(GROUPS, len(points) // 20)
    if groups < 2:
        return np.zeros(len(points), np.uint8)
    means = faiss.Kmeans(2, groups, niter=20, seed=_SEED, min_points_per_centroid=1)
    means.train(np.ascontiguousarray(points))
    clusters = means.index.search(np.ascontiguousarray(points), 1)[1][:, 0]
    order = np.argsort(-np.bincount(clusters, minlength=groups), kind="stable")
    numbers = np.empty(groups, np.uint8)
    numbers[order] = np.arange(groups, dtype=np.uint8)
    return numbers[clusters]
