"""The figures themselves, on plain ranks and scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from retrieval.evaluation.records import MEAN, Detection, Found

DEPTH = 50
"""How far down a ranking is looked; what stands lower counts as not found."""


@dataclass(frozen=True, slots=True)
class FirstHit:
    """The first hit of one question.

    score: what it was ordered by. right: it is the panel asked for. known: that panel is in the library.
    """

    score: float
    right: bool
    known: bool


def rank_of(right: Collection[int], ranking: Sequence[int]) -> int | None:
    """The place, from 1, of the first of `right` in a ranking of panel ids; None where none is in it."""
    return next((place for place, panel in enumerate(ranking, 1) if panel in right), None)


def found(kind: str, by: str, ranks: Sequence[int | None]) -> Found:
    """R@1, R@10 and MRR over the ranks of at least one question.

    R@k: the share of questions whose right panel is among the first k. MRR: the mean of 1 / rank, 0 for what was not
    found (mean reciprocal rank, Voorhees 1999, "The TREC-8 Question Answering Track Report").
    """
    total = len(ranks)
    r1, r10 = (sum(rank is not None and rank <= k for rank in ranks) / total for k in (1, 10))
    return Found(kind, by, total, r1, r10, sum(1 / rank for rank in ranks if rank) / total)


def mean_over_kinds(rows: Sequence[Found]) -> list[Found]:
    """For each searcher the mean of its rows, every kind counting the same however many questions it has."""
    means = []
    for by in dict.fromkeys(row.by for row in rows):
        own = [row for row in rows if row.by == by]
        figures = (fmean(getattr(row, name) for row in own) for name in ("r1", "r10", "mrr"))
        means.append(Found(MEAN, by, sum(row.queries for row in own), *figures))
    return means


def detection(by: str, hits: Sequence[FirstHit]) -> Detection:
    """Micro average precision, and the single threshold of the score that serves best.

    All first hits are put in one order by score: what they were ordered by, which is `Hit.strength` in an index.
    Precision after n of them is the share of right ones among n; recall is the share, of the questions whose panel is
    known, that were answered rightly. The micro average precision is the sum over right hits of (precision there) /
    (number of known questions): Douze et al. 2021, "The 2021 Image Similarity Dataset and Challenge", section 4, with
    the first hit of each question as its only prediction.
    Equal scores stand or fall together: each is taken at the precision after the last of them.
    The threshold is the score from which accepting gives the largest F1; `precision` and `recall` are those there.
    """
    known = sum(hit.known for hit in hits)
    ordered = sorted(hits, key=lambda hit: -hit.score)
    area, best, right = 0.0, (0.0, float("inf"), 0.0, 0.0), 0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end].score == ordered[start].score:
            end += 1
        gained = sum(hit.right for hit in ordered[start:end])
        right += gained
        precision, recall = right / end, right / known if known else 0.0
        area += precision * gained / known if known else 0.0
        f1 = 2 * right / (end + known)
        if f1 > best[0]:
            best = (f1, ordered[start].score, precision, recall)
        start = end
    _, threshold, precision, recall = best
    return Detection(by, len(hits), len(hits) - known, area, threshold, precision, recall)
