"""Geometric verification: re-rank the top 40 by keypoint matches with the query image.

The keypoints of thumbnails are stored with them. A thumbnail itself is decoded only if its keypoints match, for the
pixel-wise comparison, or if no keypoints of it are stored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np

from retrieval.images.keypoints import (
    MAX_KEYPOINTS,
    MIN_INLIERS,
    NO_KEYPOINTS,
    AffineMatch,
    GreyImage,
    Keypoints,
    extract_keypoints,
    match_affine,
    ncc,
    thumbnail_to_grey,
    unpack_keypoints,
    with_mirror_image,
)
from retrieval.search.candidates import Candidates
from retrieval.search.ranking.context import RankingContext
from retrieval.store.thumbnails import Thumbnails

VERIFIED = 40
"""Candidates that are verified: for each kind of distortion, 97 of 100 copies are among the first 40."""

IDENTICAL = 0.999
"""Cosine from which a panel is the query image itself; nothing else is then looked for."""

SURE_INLIERS = 5 * MIN_INLIERS
"""Inliers that leave no doubt of a match; the mirror image is then not compared."""

PHOTOMETRIC_WEIGHT = 4.0
"""Boost per correlation of the aligned images: a correlation of 0.5 counts like four times the inliers."""

_PER_TASK = 5
"""Panels that one thread compares in one go, in some 4 ms: handing out each alone would take a tenth of that."""


def _use_one_core() -> None:
    """Let FAISS compute in the thread that calls it: there is one such thread for each core already."""
    import faiss

    faiss.omp_set_num_threads(1)


# OpenCV, Pillow and FAISS release the interpreter lock
_POOL = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "keypoints", _use_one_core)


def apply(candidates: Candidates, context: RankingContext) -> Candidates:
    """Boost the first candidates by their keypoint matches with the query image, also mirrored.

    A panel without a thumbnail, or with a damaged one, keeps its place.
    """
    if context.vectors.grey_image is None:
        return candidates
    first = candidates.ids[:VERIFIED].tolist()
    identical = [i for i, score in zip(first, candidates.scores[:VERIFIED].tolist(), strict=True) if score >= IDENTICAL]
    if identical:
        boosts = dict.fromkeys(identical, _boost(MAX_KEYPOINTS, 1.0))
    else:
        _verify(candidates, context.vectors.grey_image, context)
        boosts = context.cache.boosts
    ranking_scores = np.asarray(candidates.ranking_scores, np.float64).copy()
    ranking_scores[: len(first)] += [boosts.get(i, 0.0) for i in first]
    order = np.arange(len(candidates))
    order[: len(first)] = np.argsort(-ranking_scores[: len(first)], kind="stable")
    return replace(candidates, ranking_scores=ranking_scores).take(order)


def _verify(candidates: Candidates, query: GreyImage, context: RankingContext) -> None:
    """Compare the query with the first candidates and keep the boost of each; those compared before are skipped."""
    places = {i: place for place, i in enumerate(candidates.ids[:VERIFIED].tolist()) if i not in context.cache.boosts}
    if not places:
        return
    boosts = context.cache.boosts
    boosts.update(dict.fromkeys(sorted(places), 0.0))
    panels = _Panels(context.thumbnails, {i: int(candidates.rows[place]) for i, place in places.items()})
    for grey in with_mirror_image(query):
        matches = panels.matches(extract_keypoints(grey))
        for panel, correlation in panels.correlations(grey, matches).items():
            boosts[panel] = max(boosts[panel], _boost(matches[panel].inliers, correlation))
        if max((match.inliers for match in matches.values()), default=0) >= SURE_INLIERS:
            break


class _Panels:
    """Panels that a query is compared with: the keypoints of their thumbnails, and thumbnails as far as needed."""

    def __init__(self, store: Thumbnails, rows: dict[int, int]) -> None:
        """Read the keypoints. rows: vector rows by panel id."""
        self._store, self._rows = store, rows
        self._greys: dict[int, GreyImage | None] = {}
        packed = store.get_keypoints(list(rows.values()))
        found = {panel: unpack_keypoints(packed[row]) for panel, row in rows.items() if row in packed}
        self._keypoints = {panel: keypoints for panel, keypoints in found.items() if keypoints is not None}
        others = [panel for panel in rows if panel not in self._keypoints]
        self._decode(others)
        extracted = _POOL.map(_extract, [self._greys[panel] for panel in others])
        self._keypoints.update(zip(others, extracted, strict=True))

    def matches(self, query: Keypoints) -> dict[int, AffineMatch]:
        """Return the map of the query onto each panel that shows the same drawing and has an intact thumbnail."""
        items = list(self._keypoints.items())
        tasks = [items[start : start + _PER_TASK] for start in range(0, len(items), _PER_TASK)]
        found = dict(chain.from_iterable(_POOL.map(partial(_match, query), tasks)))
        self._decode(found)
        return {panel: match for panel, match in found.items() if self._greys[panel] is not None}

    def correlations(self, query: GreyImage, matches: dict[int, AffineMatch]) -> dict[int, float]:
        """Return the correlation of the query with each of these panels."""
        greys = [self._greys[panel] for panel in matches]
        return dict(zip(matches, _POOL.map(partial(_correlation, query), greys, matches.values()), strict=True))

    def _decode(self, panels: Iterable[int]) -> None:
        """Decode the thumbnails of panels, unless that was done before."""
        rows = {panel: self._rows[panel] for panel in panels if panel not in self._greys}
        if rows:
            webps = self._store.get_many(list(rows.values()))
            self._greys.update(zip(rows, _POOL.map(_to_grey, map(webps.get, rows.values())), strict=True))


def _to_grey(webp: bytes | None) -> GreyImage | None:
    """Return a thumbnail in grey; None where it is missing or damaged."""
    try:
        return None if webp is None else thumbnail_to_grey(webp)
    except OSError:  # thumbnails are derived; `verify --repair` makes them again
        return None


def _extract(grey: GreyImage | None) -> Keypoints:
    return NO_KEYPOINTS if grey is None else extract_keypoints(grey)


def _match(query: Keypoints, panels: Sequence[tuple[int, Keypoints]]) -> list[tuple[int, AffineMatch]]:
    """Return the maps with enough inliers, of some panels."""
    found = [(panel, match_affine(query, keypoints, MIN_INLIERS)) for panel, keypoints in panels]
    return [(panel, match) for panel, match in found if match.inliers >= MIN_INLIERS]


def _correlation(query: GreyImage, grey: GreyImage | None, match: AffineMatch) -> float:
    return 0.0 if grey is None else ncc(query, grey, match)


def _boost(inliers: int, correlation: float) -> float:
    """Return 1, plus 1 for every doubling of the inliers, plus the weighted correlation of the aligned images.

    Half of the inliers may be chance or blur. The effect is measured in docs/evaluation.md.
    """
    return 1.0 + math.log2(inliers / MIN_INLIERS) + PHOTOMETRIC_WEIGHT * max(correlation, 0.0)
