"""Words taken away: "like this, without ...".

A panel costs what it says or means of these words: 10 x how plainly it says one of them, and the cosine of its own
vector with theirs, as far as that exceeds what panels of the library usually have. Costs move panels down; they do
not touch a score, which stays the cosine with the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.search.ranking.text_match import explicit_mention
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import ViewIndex
from retrieval.store.scoring import Scores, exact_scores
from retrieval.store.vectors import VectorStore

if TYPE_CHECKING:
    from retrieval.search.searcher import Candidate

SAID_COSTS = 10.0
"""More than a cosine and all that words of a question are worth (4 + 4) can make up for: a panel that says what was
taken away comes after all others."""

_AT_ONCE = 256
"""Panels whose dialogue and vectors are read in one go."""

Compared = tuple[ViewIndex, NDArray[np.float32], float]
"""A view, the words' (512,) vector there, and the cosine that is nothing special."""


@dataclass(frozen=True, slots=True)
class TakenAway:
    """The words a question takes away: as words with their rarity, and as vectors."""

    catalog: Catalog
    shards: VectorStore
    terms: Sequence[str]
    weights: Mapping[str, float]
    compared: tuple[Compared, ...]

    def costs(self, ids: NDArray[np.int64]) -> Scores:
        """(P,) from 0 on: by how much each panel is moved down."""
        costs = np.zeros(len(ids), np.float32)
        for view, vector, usual in self.compared:
            costs += np.maximum(self._likeness(view, vector, ids, usual) - usual, 0)
        if self.terms:
            panels = self.catalog.panels(ids)
            said = [
                explicit_mention(self.terms, panels[i].dialogue, self.weights) if i in panels else 0.0
                for i in ids.tolist()
            ]
            costs += SAID_COSTS * np.array(said, np.float32)
        return costs

    def _likeness(self, view: ViewIndex, vector: NDArray[np.float32], ids: NDArray[np.int64], absent: float) -> Scores:
        """(P,) cosines of the panels' own vectors; `absent` for a panel that has none in this view."""
        found, rows = view.rows_of(ids)
        likeness = dict(zip(found.tolist(), exact_scores(self.shards.read(view.view, rows), vector), strict=True))
        return np.array([likeness.get(i, absent) for i in ids.tolist()], np.float32)


def pushed_down(
    ranked: Iterator[Candidate], costs: Callable[[NDArray[np.int64]], Any], sure: float
) -> Iterator[Candidate]:
    """The same panels in order of key less cost, as far as that is known: `ranked` comes with falling keys, and
    panels that are not in it have keys up to `sure`. Only as many are looked at as the caller takes.
    """
    waiting: list[tuple[float, int, Candidate]] = []
    while part := list(islice(ranked, _AT_ONCE)):
        for item, cost in zip(part, costs(np.array([item.id for item in part], np.int64)), strict=True):
            heappush(waiting, (-round(item.ranking_score - float(cost), 6), item.id, item))
        yield from _down_to(waiting, max(sure, part[-1].ranking_score))
    yield from _down_to(waiting, sure)


def _down_to(waiting: list[tuple[float, int, Candidate]], key: float) -> Iterator[Candidate]:
    while waiting and -waiting[0][0] >= key:
        yield heappop(waiting)[2]
