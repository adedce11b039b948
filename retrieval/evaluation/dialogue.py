"""Text queries: the dialogue of panels, searched by vectors alone, by words alone, and by both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import QueryInput
from retrieval.evaluation.metrics import DEPTH, mean_over_types, rank_of, retrieval_scores
from retrieval.evaluation.pictures import searches_approximately, with_exact
from retrieval.evaluation.queries import read_rephrased, text_query
from retrieval.evaluation.records import DEFAULT, EXACT, RetrievalScores, Settings
from retrieval.filters import Filter
from retrieval.names import name_key
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel, View
from retrieval.search.open_index import OpenIndex
from retrieval.search.query import Query
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog.text import idf, tokens
from retrieval.store.scoring import top
from retrieval.store.vectors import VectorStore

VECTORS, WORDS = "vectors alone", "words alone"

_BATCH = 64
"""Queries encoded and searched together."""
_ROW_BATCH = 65_536
"""Vectors read at once: 128 MB as float32."""
_WORD_CANDIDATES = 200
"""Panels of the full text that are scored by words alone."""


class TextSearcher(Protocol):
    """A method that ranks the library's panels for a text."""

    @property
    def name(self) -> str:
        """Return the name of the method in tables."""
        ...

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return at most the first `DEPTH` panel ids for each text."""
        ...


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A text, and every panel that counts as right: the query's own and those with the same dialogue."""

    query_type: str
    text: str
    right: frozenset[int]


@dataclass(frozen=True, slots=True)
class FusedSearcher:
    """The search by text as users get it: vectors and words fused."""

    name: str
    index: OpenIndex
    exact: bool

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first panel ids for each text."""
        queries = [Query(text=text, k=DEPTH, exact=self.exact) for text in texts]
        return [[hit.panel.id for hit in hits] for hits in self.index.search_many(queries)]


class VectorSearcher:
    """The stored `dialogue` vectors alone, all of them scored."""

    name = VECTORS

    def __init__(self, index: OpenIndex) -> None:
        self._encoder = index.encoder
        self._shards = VectorStore(index.folder / "vectors")
        self._ids, self._rows = index.catalog.panels.vector_rows(with_dialogue_only=True)

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first panel ids for each text."""
        vectors = self._encoder.encode_queries([QueryInput(text=text) for text in texts], View.DIALOGUE)
        blocks = [
            vectors @ self._shards.read(View.DIALOGUE, self._rows[start : start + _ROW_BATCH]).T
            for start in range(0, len(self._rows), _ROW_BATCH)
        ]
        return first_ids(self._ids, np.concatenate(blocks, axis=1))


class CatalogWords:
    """The word matching of the search alone: the catalog's full text, ordered by the share of the query matched."""

    name = WORDS

    def __init__(self, index: OpenIndex) -> None:
        self._catalog = index.catalog
        self._panels_with_dialogue = index.catalog.library.counts()["panels_with_dialogue"]

    def search(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the first panel ids for each text."""
        return [self._ranked(tokens(text)) for text in texts]

    def _ranked(self, terms: list[str]) -> list[int]:
        if not terms:
            return []
        weights = idf(terms, self._catalog.panels.word_counts(terms), self._panels_with_dialogue)
        panels = self._catalog.panels.get(self._catalog.panels.word_candidates(terms, _WORD_CANDIDATES, Filter()))
        scores = {i: lexical_match(terms, panel.dialogue, weights).coverage for i, panel in panels.items()}
        return sorted(scores, key=lambda i: (-scores[i], i))[:DEPTH]


def first_ids(ids: NDArray[np.int64], scores: NDArray[np.floating]) -> list[list[int]]:
    """Return the first `DEPTH` ids for each row of (Q, P) scores."""
    return [[int(ids[i]) for i in top(row.astype(np.float32), ids, DEPTH)] for row in scores]


def text_searchers(index: OpenIndex) -> list[TextSearcher]:
    """Return the default search, the exact one if it may differ, and its two parts."""
    searchers: list[TextSearcher] = [FusedSearcher(DEFAULT, index, exact=False)]
    if searches_approximately(index, View.DIALOGUE):
        searchers.append(FusedSearcher(EXACT, index, exact=True))
    return [*searchers, VectorSearcher(index), CatalogWords(index)]


def panels_by_words(index: OpenIndex) -> dict[tuple[str, ...], frozenset[int]]:
    """Return panel ids by normalised words: panels with the same words count as right for each other."""
    ids: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for panel in panels_with_dialogue(index):
        ids[tuple(tokens(panel.dialogue))].add(panel.id)
    return {words: frozenset(some) for words, some in ids.items()}


def panels_with_dialogue(index: OpenIndex) -> list[Panel]:
    """Return all panels with dialogue, in order of id."""
    ids, _ = index.catalog.panels.vector_rows(with_dialogue_only=True)
    panels = index.catalog.panels.get(ids.tolist())
    return [panels[i] for i in sorted(panels)]


def dialogue_queries(
    index: OpenIndex, panels: Sequence[Panel], settings: Settings
) -> tuple[list[TextQuery], list[str]]:
    """Return (queries of every chosen type, notes); dialogue of fewer than five words makes none."""
    right = panels_by_words(index)
    queries = []
    notes = []
    for name in settings.chosen("dialogue"):
        if name == "rephrased":
            rephrased, note = _rephrased(index, settings.rephrased, right)
            queries += rephrased
            notes += note
            continue
        for panel in panels:
            text = text_query(panel.dialogue, name, seed=settings.seed, key=f"{panel.page_path}#{panel.number}")
            if text is not None:
                queries.append(TextQuery(name, text, right[tuple(tokens(panel.dialogue))]))
    return queries, notes


def _rephrased(
    index: OpenIndex, path: Path | None, right: dict[tuple[str, ...], frozenset[int]]
) -> tuple[list[TextQuery], list[str]]:
    if path is None:
        return [], ["rephrased lines are not measured: none were given"]
    entries = read_rephrased(path)
    places = {(name_key(panel.book), panel.page_number, panel.number): panel for panel in panels_with_dialogue(index)}
    queries = []
    for entry in entries:
        panel = places.get((name_key(entry.book), entry.page, entry.panel))
        if panel is not None and " ".join(tokens(entry.line)) in " ".join(tokens(panel.dialogue)):
            queries.append(TextQuery("rephrased", entry.rephrased, right[tuple(tokens(panel.dialogue))]))
    missing = len(entries) - len(queries)
    return queries, [
        f"{missing} of {len(entries)} rephrased lines of {path.name} are not in this index"
    ] if missing else []


def measure_dialogue(
    queries: Sequence[TextQuery],
    searchers: Sequence[TextSearcher],
    progress: ProgressCallback,
    *,
    exact_is_default: bool,
) -> list[RetrievalScores]:
    """Return scores of each query type, and their mean."""
    ranks: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    report = StageProgress(progress, "dialogue", "queries", len(queries))
    for start in range(0, len(queries), _BATCH):
        batch = queries[start : start + _BATCH]
        for searcher in searchers:
            for query, ranking in zip(batch, searcher.search([q.text for q in batch]), strict=True):
                ranks[query.query_type, searcher.name].append(rank_of(query.right, ranking))
        report(start + len(batch))
    types = dict.fromkeys(query.query_type for query in queries)
    rows = [retrieval_scores(name, s.name, ranks[name, s.name]) for name in types for s in searchers]
    return with_exact(rows + mean_over_types(rows), exact_is_default=exact_is_default)
