"""Region coverage: panels that show more of the query image come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retrieval.records import View
from retrieval.search.candidates import Candidates
from retrieval.search.ranking.context import RankingContext
from retrieval.store.scoring import Scores, all_scores, top
from retrieval.store.vectors import VectorStore

_COMPARED = 200
"""Panels with the highest cosine whose regions are compared with those of the image; the others follow by cosine.
Fixed, so that further pages of results continue where the last one ended."""


def apply(candidates: Candidates, context: RankingContext) -> Candidates:
    """Order the nearest candidates by cosine plus coverage of the query's regions, the others by cosine."""
    query_regions = context.vectors.query_regions
    ids, scores = candidates.ids, candidates.scores
    order = top(scores, ids, len(ids))
    near, others = order[:_COMPARED], order[_COMPARED:]
    ranking_scores = scores.copy()
    if len(near):
        near = near[np.argsort(ids[near])]
        rows = np.asarray(candidates.rows)[near]
        ranking_scores[near] += region_coverage(context.retriever.vectors, context.part.view, rows, query_regions)
        near = near[top(ranking_scores[near], ids[near], len(near))]
        # the last compared panel stays before the first of the others
        if len(others):
            ranking_scores[others] += min(ranking_scores[near[-1]] - scores[order[_COMPARED - 1]], 0)
    return replace(candidates, ranking_scores=ranking_scores).take(np.concatenate([near, others]))


def region_coverage(
    vectors: VectorStore, view: View, rows: NDArray[np.int64], query_regions: Sequence[NDArray[np.float32]]
) -> Scores:
    """Return (P,) values from -1 to 1: how much of an image the panels at `rows` show.

    query_regions: one (W, 512) array for each size of region of the image. A region's similarity to a panel is that
    to the panel's nearest vector. A size counts with the mean over the best two thirds of its regions, so that a
    block pasted over the rest, or a corner outside the panel, costs nothing; the best size counts.
    """
    similarity = all_scores(vectors, view, rows, np.concatenate(query_regions))
    sizes = np.split(similarity, np.cumsum([len(size) for size in query_regions])[:-1])
    best: Scores = np.max([_mean_of_best(size) for size in sizes if len(size)], axis=0)
    return best


def _mean_of_best(similarity: Scores) -> Scores:
    """Return the (P,) mean over the best two thirds of W rows, rounded up."""
    kept = -(-2 * len(similarity) // 3)
    mean: Scores = np.sort(similarity, axis=0)[-kept:].mean(axis=0)
    return mean
