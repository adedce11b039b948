"""Geometric verification: re-rank the top 40 by keypoint matches with the query image."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from retrieval.images.keypoints import (
    MAX_KEYPOINTS,
    MIN_INLIERS,
    NO_KEYPOINTS,
    GreyImage,
    Keypoints,
    extract_keypoints,
    match_affine,
    ncc,
    thumbnail_to_grey,
    with_mirror_image,
)
from retrieval.search.candidates import Candidates
from retrieval.search.ranking.context import RankingContext

VERIFIED = 40
"""Candidates that are verified: for each kind of distortion, 97 of 100 copies are among the first 40."""

IDENTICAL = 0.999
"""Cosine from which a panel is the query image itself; nothing else is then looked for."""

SURE_INLIERS = 5 * MIN_INLIERS
"""Inliers that leave no doubt of a match; the mirror image is then not compared."""

PHOTOMETRIC_WEIGHT = 4.0
"""Boost per correlation of the aligned images: a correlation of 0.5 counts like four times the inliers."""

_POOL = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "keypoints")  # OpenCV and Pillow release the interpreter lock


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
    ids = sorted(places)
    context.cache.boosts.update(dict.fromkeys(ids, 0.0))
    rows = [int(candidates.rows[places[i]]) for i in ids]
    thumbnails = context.thumbnails.get_many(rows)
    panels = list(_POOL.map(_panel_keypoints, (thumbnails.get(row) for row in rows)))
    for grey in with_mirror_image(query):
        results = list(_POOL.map(partial(_compare, grey, extract_keypoints(grey)), panels))
        for panel, (_, boost) in zip(ids, results, strict=True):
            context.cache.boosts[panel] = max(context.cache.boosts[panel], boost)
        if max((inliers for inliers, _ in results), default=0) >= SURE_INLIERS:
            break


@dataclass(frozen=True, slots=True)
class _PanelKeypoints:
    """A thumbnail in grey and its keypoints; None and no keypoints where it is missing or damaged."""

    grey: GreyImage | None
    keypoints: Keypoints


def _panel_keypoints(webp: bytes | None) -> _PanelKeypoints:
    try:
        grey = None if webp is None else thumbnail_to_grey(webp)
    except OSError:  # thumbnails are derived; `verify --repair` makes them again
        grey = None
    return _PanelKeypoints(None, NO_KEYPOINTS) if grey is None else _PanelKeypoints(grey, extract_keypoints(grey))


def _compare(query: GreyImage, keypoints: Keypoints, panel: _PanelKeypoints) -> tuple[int, float]:
    """Return the number of inliers and the boost for them."""
    match = match_affine(keypoints, panel.keypoints)
    if panel.grey is None or match.inliers < MIN_INLIERS:
        return match.inliers, 0.0
    return match.inliers, _boost(match.inliers, ncc(query, panel.grey, match))


def _boost(inliers: int, correlation: float) -> float:
    """Return 1, plus 1 for every doubling of the inliers, plus the weighted correlation of the aligned images.

    Half of the inliers may be chance or blur. The effect is measured in docs/evaluation.md.
    """
    return 1.0 + math.log2(inliers / MIN_INLIERS) + PHOTOMETRIC_WEIGHT * max(correlation, 0.0)
