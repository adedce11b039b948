"""Distribution-based score fusion: the rankings of dialogue and pictures for the same text, merged into one.

Cosines of two views cannot be compared. Each ranking score is therefore expressed in standard deviations above the
scores of unrelated panels with the same text (z-score), and a panel counts with its higher z-score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.records import View
from retrieval.search.hits import RankedPanel
from retrieval.search.query import Query
from retrieval.search.ranking.grouping import GroupLimits
from retrieval.search.relevance import Background


@dataclass(frozen=True, slots=True)
class ViewRanking:
    """The ranking of one view, and what its panels stand out from."""

    view: View
    panels: list[RankedPanel]
    background: Background

    def z_score(self, item: RankedPanel) -> float:
        """Return the ranking score in standard deviations above unrelated panels."""
        return (item.ranking_score - self.background.mean) / self.background.deviation


def fuse(query: Query, rankings: Sequence[ViewRanking]) -> list[RankedPanel]:
    """Return the first panels of one ranking, or of two merged by z-score."""
    ranked = rankings[0].panels if len(rankings) == 1 else _merge(query, rankings)
    return ranked[: query.needed]


def _merge(query: Query, rankings: Sequence[ViewRanking]) -> list[RankedPanel]:
    """Return all panels in order of z-score; one that both rankings have stands where its z-score is higher."""
    scored = [(ranking.z_score(item), item) for ranking in rankings for item in ranking.panels]
    scored.sort(key=lambda pair: (-round(pair[0], 6), pair[1].panel.id))
    best: dict[int, RankedPanel] = {}
    for _, item in scored:
        best.setdefault(item.panel.id, item)
    groups = GroupLimits(query)
    return [item for item in best.values() if groups.admit(item.panel)]
