"""Words that may be said or drawn: two rankings, of the dialogue and of the pictures, made into one.

Cosines of two views cannot be compared as they are. Each is therefore counted from what panels of this library usually
score with the same words there, in standard deviations: a panel comes first that stands out most in either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrieval.records import Panel, View
from retrieval.search.searcher import Candidate, GroupLimits, Query

Found = tuple[Query, Candidate, Panel]
"""A panel, with the question that found it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one view answers; `mean` and `spread` are of the scores that panels there usually have."""

    query: Query
    view: View
    panels: list[tuple[Candidate, Panel]]
    mean: float
    spread: float

    def standing(self, item: Candidate) -> float:
        """Standard deviations above the usual."""
        return (item.ranking_score - self.mean) / self.spread


def asked_apart(query: Query) -> list[Query]:
    """The query itself; for words that may be said or drawn one for each view, from the first hit on."""
    if not query.searches_two_views:
        return [query]
    return [replace(query, view=view, k=query.offset + query.k, offset=0) for view in (View.DIALOGUE, View.PICTURE)]


def merged(query: Query, rankings: Sequence[Ranking]) -> list[Found]:
    """The k panels from `offset` on; a panel that both views found counts where it stands out more."""
    if len(rankings) == 1:
        return [(rankings[0].query, item, panel) for item, panel in rankings[0].panels]
    found = [(ranking, item, panel) for ranking in rankings for item, panel in ranking.panels]
    found.sort(key=lambda each: (-round(each[0].standing(each[1]), 6), each[1].id))
    best = {item.id: (ranking.query, item, panel) for ranking, item, panel in reversed(found)}
    groups = GroupLimits(query)
    order = [best[i] for i in dict.fromkeys(item.id for _, item, _ in found)]
    return [each for each in order if groups.admit(each[2])][query.offset : query.offset + query.k]
