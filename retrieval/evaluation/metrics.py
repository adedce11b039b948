"""Retrieval metrics on plain ranks and scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from retrieval.evaluation.records import MEAN, Detection, RetrievalScores

DEPTH = 50
"""Hits of a ranking that are evaluated; a panel further down counts as not found."""


@dataclass(frozen=True, slots=True)
class FirstHit:
    """The first hit of one query.

    score: ranking score. right: True for the query's panel. in_library: True if that panel is in the library.
    """

    score: float
    right: bool
    in_library: bool


def rank_of(right: Collection[int], ranking: Sequence[int]) -> int | None:
    """Return the rank, from 1, of the first of `right` in a ranking of panel ids; None if none is in it."""
    return next((place for place, panel in enumerate(ranking, 1) if panel in right), None)


def retrieval_scores(query_type: str, method: str, ranks: Sequence[int | None]) -> RetrievalScores:
    """Return R@1, R@10 and MRR over the ranks of at least one query.

    R@k: share of queries whose right panel is among the first k. MRR: mean of 1 / rank, 0 for panels not found (mean
    reciprocal rank, Voorhees 1999, "The TREC-8 Question Answering Track Report").
    """
    total = len(ranks)
    r1, r10 = (sum(rank is not None and rank <= k for rank in ranks) / total for k in (1, 10))
    return RetrievalScores(query_type, method, total, r1, r10, sum(1 / rank for rank in ranks if rank) / total)


def mean_over_types(rows: Sequence[RetrievalScores]) -> list[RetrievalScores]:
    """Return the mean of each method's rows; every query type has the same weight."""
    means = []
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        figures = (fmean(getattr(row, name) for row in own) for name in ("r1", "r10", "mrr"))
        means.append(RetrievalScores(MEAN, method, sum(row.queries for row in own), *figures))
    return means


def detection(method: str, hits: Sequence[FirstHit]) -> Detection:
    """Return micro average precision, and the score threshold with the largest F1.

    All first hits are ordered by their ranking score. Precision after n of them is the share of right ones among n.
    Recall is the share of right ones among queries whose panel is in the library. Micro average precision is the sum
    over right hits of (precision there) / (number of queries in the library): Douze et al. 2021, "The 2021 Image
    Similarity Dataset and Challenge", section 4, with the first hit of each query as its only prediction.
    Equal scores stay together: each counts with the precision after the last of them.
    `precision` and `recall` are those at the threshold.
    """
    in_library = sum(hit.in_library for hit in hits)
    ordered = sorted(hits, key=lambda hit: -hit.score)
    area, best, right = 0.0, (0.0, float("inf"), 0.0, 0.0), 0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end].score == ordered[start].score:
            end += 1
        gained = sum(hit.right for hit in ordered[start:end])
        right += gained
        precision, recall = right / end, right / in_library if in_library else 0.0
        area += precision * gained / in_library if in_library else 0.0
        f1 = 2 * right / (end + in_library)
        if f1 > best[0]:
            best = (f1, ordered[start].score, precision, recall)
        start = end
    _, threshold, precision, recall = best
    return Detection(method, len(hits), len(hits) - in_library, area, threshold, precision, recall)
