"""Distribution-based score fusion: the rankings of dialogue and pictures for the same text, merged into one.

Cosines of two views cannot be compared. Each ranking score is therefore expressed in standard deviations above the
scores of unrelated panels with the same text (z-score), and a panel counts with its higher z-score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.search.hits import RankedPanel
from retrieval.search.query import Query, ViewQuery
from retrieval.search.ranking.grouping import GroupLimits

FusedPanel = tuple[ViewQuery, RankedPanel]
"""A panel, and the part of the query that found it."""


@dataclass(frozen=True, slots=True)
class ViewRanking:
    """The ranking of one view, with mean and standard deviation of the scores of unrelated panels."""

    part: ViewQuery
    panels: list[RankedPanel]
    mean: float
    deviation: float

    def z_score(self, item: RankedPanel) -> float:
        """Return the ranking score in standard deviations above unrelated panels."""
        return (item.ranking_score - self.mean) / self.deviation


def fuse(query: Query, rankings: Sequence[ViewRanking]) -> list[FusedPanel]:
    """Return the k panels after `offset` of one ranking, or of two merged by z-score."""
    if len(rankings) == 1:
        ranked = [(rankings[0].part, item) for item in rankings[0].panels]
    else:
        ranked = _merge(query, rankings)
    return ranked[query.offset : query.needed]


def _merge(query: Query, rankings: Sequence[ViewRanking]) -> list[FusedPanel]:
    """Return all panels in order of z-score; a panel in both rankings counts once, with its higher z-score."""
    found = [(ranking, item) for ranking in rankings for item in ranking.panels]
    found.sort(key=lambda each: (-round(each[0].z_score(each[1]), 6), each[1].panel.id))
    best = {item.panel.id: (ranking.part, item) for ranking, item in reversed(found)}
    groups = GroupLimits(query)
    ordered = [best[i] for i in dict.fromkeys(item.panel.id for _, item in found)]
    return [each for each in ordered if groups.admit(each[1].panel)]
