"""Look-alikes: the same drawing in several books, reprinted, scanned again or mirrored.

Vectors propose pairs, keypoints confirm them. The nearest panels of each panel come from an inverted-file index over 64
principal components of the `picture` vectors. Those with a high exact cosine in another book are compared by the
keypoints of their thumbnails, as they are and mirrored (`retrieval.images.keypoints`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PanelseekError
from retrieval.images.keypoints import (
    NO_KEYPOINTS,
    Keypoints,
    count_inliers,
    extract_keypoints,
    thumbnail_to_grey,
    with_mirror_image,
)
from retrieval.overview.intact import check_vectors
from retrieval.overview.lookalike_groups import Group, LookalikePairs, group_pairs, read_pairs, write_pairs
from retrieval.overview.pca import principal_components
from retrieval.overview.rejected_pairs import RejectedPairs
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.records import Panel, View
from retrieval.search.open_index import OpenIndex
from retrieval.store.scoring import exact_scores

MIN_COSINE = 0.75
"""Cosine from which keypoints are compared. Of scanned, mirrored and recoloured copies of openly licensed comics 98 of
100 reach it, and one in 20,000 pairs of unrelated panels."""

MIN_INLIERS = 25
"""Inliers from which two panels may show the same: of 2,461 pairs of unrelated panels none has more than 13."""

MIN_OVERLAP = 0.1
"""Inliers as a fraction of the keypoints of the image with fewer. Panels of one book with the same figure in the same
pose reach 0.10; of new scans 95 of 100 have 0.28, of strong JPEG copies 0.15, recoloured 0.17, mirrored 0.36."""

_COMPONENTS = 64
"""Principal components in which neighbours are searched."""

_NEAREST = 12
"""Neighbours of each panel that are scored exactly."""

_KEPT_PER_PANEL = 4
"""Pairs compared for each panel, the nearest first; bounds the time."""

_CACHED_PANELS = 4_096
"""Panels whose keypoints are kept for the next pair: 80 MB."""

_EXACT_UP_TO = 20_000
"""Panels up to which neighbours are searched exactly."""

_BATCH = 2_048
"""Panels whose neighbours are searched at once."""

_SEED = 13
_REPORT_EVERY = 200
"""Pairs between two progress reports."""


def load_lookalikes(index: OpenIndex) -> list[Group] | None:
    """Return the stored groups of look-alikes of this generation, without rejected pairs; None if not scanned."""
    pairs = read_pairs(index.folder, index.generation)
    return None if pairs is None else group_pairs(pairs, RejectedPairs(index.folder).pairs())


def make_lookalikes(index: OpenIndex, progress: ProgressCallback = no_progress) -> list[Group]:
    """Find the look-alikes of this generation and store them; return their groups, without rejected pairs."""
    number = index.generation.number
    pairs = find_pairs(index, progress)
    write_pairs(index.folder, number, pairs)
    return group_pairs(pairs, RejectedPairs(index.folder).pairs())


def find_pairs(index: OpenIndex, progress: ProgressCallback = no_progress) -> LookalikePairs:
    """Return all look-alikes of this generation. Time grows a little faster than the number of panels.

    Raises `IndexDamaged` if vectors are damaged.
    """
    check_vectors(index, View.PICTURE)
    pairs: list[tuple[int, int, float, float, bool]] = []
    proposed = list(_candidate_pairs(index, progress))
    report = StageProgress(progress, "comparing pictures", "pairs", len(proposed))
    panels = index.catalog.panels.get({i for a, b, _ in proposed for i in (a, b)})
    keypoints = lru_cache(_CACHED_PANELS)(lambda panel, mirrored: _keypoints(index, panels[panel], mirrored))
    for place, (a, b, score) in enumerate(proposed):
        if a in panels and b in panels and panels[a].book_id != panels[b].book_id:
            for mirrored in (False, True):
                fraction = overlap(keypoints(a, mirrored), keypoints(b, False))
                if fraction >= MIN_OVERLAP:
                    pairs.append((a, b, score, fraction, mirrored))
                    break
        if place % _REPORT_EVERY == 0:
            report(place)
    return _as_arrays(pairs)


def _as_arrays(pairs: Sequence[tuple[int, int, float, float, bool]]) -> LookalikePairs:
    columns: Any = list(zip(*pairs, strict=True)) or [[], [], [], [], []]
    ids = np.array(columns[:2], np.int64).reshape(2, -1).T
    return LookalikePairs(
        ids, np.array(columns[2], np.float32), np.array(columns[3], np.float32), np.array(columns[4], bool)
    )


def _candidate_pairs(index: OpenIndex, progress: ProgressCallback) -> Iterator[tuple[int, int, float]]:
    """Return (id, id, cosine) of near pairs, each once, the lower id first."""
    view = index.generation.views[View.PICTURE]
    ids, rows = np.asarray(view.ids), np.asarray(view.rows)
    if len(ids) < 2:
        return
    reduced = principal_components(
        view, index.vector_store, _COMPONENTS, StageProgress(progress, "reading vectors", "panels", len(ids))
    )
    nearest = _nearest(reduced)
    report = StageProgress(progress, "finding neighbours", "panels", len(ids))
    seen: set[tuple[int, int]] = set()
    for start in range(0, len(ids), _BATCH):
        batch = slice(start, min(start + _BATCH, len(ids)))
        _, places = nearest.search(reduced[batch], _NEAREST + 1)
        vectors = index.vector_store.read(View.PICTURE, rows[batch])
        for offset, near in enumerate(places):
            own = start + offset
            near = near[(near >= 0) & (near != own)]
            scores = exact_scores(index.vector_store.read(View.PICTURE, rows[near]), vectors[offset])
            for at in np.argsort(-scores)[:_KEPT_PER_PANEL]:
                pair = (int(min(ids[own], ids[near[at]])), int(max(ids[own], ids[near[at]])))
                if scores[at] >= MIN_COSINE and pair not in seen:
                    seen.add(pair)
                    yield (*pair, float(scores[at]))
        report(batch.stop)


def _nearest(reduced: NDArray[np.float32]) -> Any:
    """Return a FAISS index over the reduced vectors, exact for small libraries."""
    import faiss

    index: Any = faiss.IndexFlatL2(reduced.shape[1])
    if len(reduced) > _EXACT_UP_TO:
        lists = round(4 * math.sqrt(len(reduced)))
        index = faiss.IndexIVFFlat(index, reduced.shape[1], lists)
        index.cp.seed, index.cp.min_points_per_centroid, index.nprobe = _SEED, 1, 12
        index.train(reduced[np.sort(np.random.default_rng(_SEED).permutation(len(reduced))[: 64 * lists])])
    index.add(reduced)
    return index


def _keypoints(index: OpenIndex, panel: Panel, mirrored: bool) -> Keypoints:
    """Return the keypoints of a panel's thumbnail, as it is or mirrored; none if it cannot be read."""
    try:
        return extract_keypoints(with_mirror_image(thumbnail_to_grey(index.thumbnail(panel)))[mirrored])
    except (PanelseekError, OSError):
        return NO_KEYPOINTS


def overlap(one: Keypoints, other: Keypoints) -> float:
    """Return the inliers as a fraction of the keypoints of the image with fewer, 0 to 1; 0 with too few inliers."""
    inliers = count_inliers(one, other)
    return inliers / min(len(one.points), len(other.points)) if inliers >= MIN_INLIERS else 0.0
