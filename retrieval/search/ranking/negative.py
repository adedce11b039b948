"""Negative query: panels with the negative text, or its meaning, move down.

The penalty of a panel is 10 x how explicitly it says one of the negative words, plus the cosine of its vector with the
negative text above the mean cosine of unrelated panels. Penalties change the order only; the score stays the cosine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retrieval.records import View
from retrieval.search.candidates import Candidates, Retriever, requested_candidates
from retrieval.search.full_text import MAX_TERMS
from retrieval.search.query import Query
from retrieval.search.ranking.context import NegativeQuery, NegativeView, RankingContext
from retrieval.search.ranking.text_match import explicit_mention
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.text import idf, tokens
from retrieval.store.scoring import Scores, exact_scores

MENTION_PENALTY = 10.0
"""More than a cosine and all word boosts of a query together (4 + 4): a panel with a negative word comes last."""

_BATCH = 256
"""Panels whose dialogue and vectors are read at once."""


def negative_query(
    query: Query, vectors: Mapping[View, NDArray[np.float32]], catalog: Catalog, retriever: Retriever
) -> NegativeQuery | None:
    """Return the negative text of a query with its weights and vectors; None if there is none.

    vectors: (512,) of the negative text by view.
    """
    if not vectors:
        return None
    terms = tokens(query.negative)[:MAX_TERMS] if View.DIALOGUE in vectors else []
    weights = idf(terms, catalog.panels.word_counts(terms), len(retriever.views[View.DIALOGUE]))
    views = [
        NegativeView(view, vector, retriever.background_stats(view, vector)[0]) for view, vector in vectors.items()
    ]
    return NegativeQuery(terms, weights, tuple(views))


def apply(candidates: Candidates, context: RankingContext, depth: int) -> Candidates:
    """Move candidates down by their penalties, reading only as many as the first `depth` places need.

    The candidates come in order of their ranking scores, which stay as they are. The result has only panels whose
    place is final; `truncated` says that a larger depth gives more.
    """
    if context.negative is None:
        return candidates
    bound = -math.inf if candidates.complete else _score_bound(candidates.scores, context.part.query)
    adjusted = np.empty(0)
    end = settled = 0
    while end < len(candidates) and settled < depth:
        start, end = end, min(end + _BATCH, len(candidates))
        scores = np.asarray(candidates.ranking_scores[start:end], np.float64)
        batch = penalties(candidates.ids[start:end], context.negative, context)
        adjusted = np.concatenate([adjusted, np.round(scores - batch, 6)])
        floor = bound if end == len(candidates) else max(bound, float(candidates.ranking_scores[end - 1]))
        # strictly above: a panel that ties with the floor may tie with one that was not read yet
        settled = int(np.count_nonzero(adjusted > np.round(floor, 6)))
    order = np.lexsort((candidates.ids[:end], -adjusted))[:settled]
    return replace(candidates.take(order), truncated=end < len(candidates))


def penalties(ids: NDArray[np.int64], query: NegativeQuery, context: RankingContext) -> NDArray[np.float64]:
    """Return (P,) penalties of panels, 0 or more."""
    known = context.cache.penalties
    new = np.array([i for i in ids.tolist() if i not in known], np.int64)
    if len(new):
        costs = _similarity_penalties(new, query, context.retriever)
        costs += _mention_penalties(new, query, context.catalog)
        known.update(zip(new.tolist(), costs.tolist(), strict=True))
    return np.array([known[i] for i in ids.tolist()], np.float64)


def _similarity_penalties(ids: NDArray[np.int64], query: NegativeQuery, retriever: Retriever) -> Scores:
    """Return (P,) cosines with the negative text above those of unrelated panels; 0 for a panel without such a view."""
    costs = np.zeros(len(ids), np.float32)
    for item in query.views:
        found, rows = retriever.views[item.view].rows_of(ids)
        cosines = exact_scores(retriever.vectors.read(item.view, rows), item.vector)
        by_id = dict(zip(found.tolist(), cosines, strict=True))
        likeness = np.array([by_id.get(i, item.background) for i in ids.tolist()], np.float32)
        costs += np.maximum(likeness - item.background, 0)
    return costs


def _mention_penalties(ids: NDArray[np.int64], query: NegativeQuery, catalog: Catalog) -> Scores:
    """Return (P,) penalties for negative words in the dialogue."""
    if not query.terms:
        return np.zeros(len(ids), np.float32)
    panels = catalog.panels.get(ids)
    mentions = [
        explicit_mention(query.terms, panels[i].dialogue, query.weights) if i in panels else 0.0 for i in ids.tolist()
    ]
    return np.asarray(MENTION_PENALTY * np.array(mentions, np.float32), np.float32)


def _score_bound(scores: Scores, query: Query) -> float:
    """Return an upper bound on the ranking score of any panel outside the candidates."""
    requested = requested_candidates(query)
    if requested >= len(scores):
        return float(scores.min(initial=np.inf))
    return float(np.partition(scores, -requested)[-requested])
