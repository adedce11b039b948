"""Retrieval by words: the panels whose dialogue has words of the query. What one shard can do alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.filters import Filter
from retrieval.records import View
from retrieval.search.query import ViewQuery
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.text import idf, tokens

MIN_LEXICAL = 200
"""Panels that are found and compared by their words, at least."""

MAX_TERMS = 64
"""Words of a longer query that are looked up; balloons rarely hold more."""


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """The words of a query with their weights, and (M,) ids of the panels that full text finds for them."""

    terms: list[str]
    weights: dict[str, float]
    panel_ids: NDArray[np.int64]


def lexical_query(part: ViewQuery, catalog: Catalog, spoken_panels: int, where: Filter) -> LexicalQuery:
    """Return the words of a query and the panels that full text finds; empty for a picture view.

    spoken_panels: number of panels with dialogue, for the weights.
    """
    query = part.query
    terms = [] if part.view is View.PICTURE else tokens(query.query_text)[:MAX_TERMS]
    if not terms:
        return LexicalQuery([], {}, np.empty(0, np.int64))
    weights = idf(terms, catalog.panels.word_counts(terms), spoken_panels)
    ids = catalog.panels.word_candidates(terms, max(MIN_LEXICAL, 2 * query.needed), where)
    return LexicalQuery(terms, weights, np.array(ids, dtype=np.int64))
