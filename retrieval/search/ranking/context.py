"""The context of the ranking steps of one query: everything but the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import QueryVectors
from retrieval.records import View
from retrieval.search.candidates import Retriever
from retrieval.search.full_text import LexicalQuery
from retrieval.search.query import ViewQuery
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.thumbnails import Thumbnails


@dataclass(frozen=True, slots=True)
class NegativeView:
    """Negative text in one view: its (512,) vector, and the mean cosine of unrelated panels with it."""

    view: View
    vector: NDArray[np.float32]
    background: float


@dataclass(frozen=True, slots=True)
class NegativeQuery:
    """The negative text of a query: its terms with their weights, and its vectors."""

    terms: Sequence[str]
    weights: Mapping[str, float]
    views: tuple[NegativeView, ...]


@dataclass(slots=True)
class RankingCache:
    """Results by panel id that are kept while one query is answered: keypoint boosts, and penalties."""

    boosts: dict[int, float] = field(default_factory=dict)
    penalties: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RankingContext:
    """One view's part of a query in every form that a ranking step needs, and where to read panels from."""

    part: ViewQuery
    vectors: QueryVectors
    retriever: Retriever
    catalog: Catalog
    thumbnails: Thumbnails
    lexical: LexicalQuery
    negative: NegativeQuery | None
    cache: RankingCache = field(default_factory=RankingCache)
