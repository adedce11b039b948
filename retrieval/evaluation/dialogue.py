"""The words of a panel, remembered well or badly: asked of the vectors alone, of the words alone, and of both."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import QueryInput
from retrieval.evaluation.metrics import DEPTH, found, mean_over_kinds, rank_of
from retrieval.evaluation.pictures import searches_approximately, with_exact
from retrieval.evaluation.queries import question, read_rephrased
from retrieval.evaluation.records import DEFAULT, EXACT, Found, Progress, Settings, Watcher
from retrieval.filters import Filter
from retrieval.index import PanelIndex
from retrieval.records import Panel, View
from retrieval.search.query import Query
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog.text import idf, tokens
from retrieval.store.scoring import top
from retrieval.store.vectors import VectorStore

VECTORS, WORDS = "vectors alone", "words alone"

_AT_ONCE = 64
"""Questions encoded and asked together."""
_ROWS_AT_ONCE = 65_536
_WORD_CANDIDATES = 200


class WordSearcher(Protocol):
    """Answers words with ranked panels of the library."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        """At most the first `DEPTH` panel ids for each text."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and every panel that counts as found: the one meant and those that say the same."""

    kind: str
    text: str
    right: frozenset[int]


@dataclass(frozen=True, slots=True)
class FusedSearcher:
    """The search by words as a person gets it: vectors and words fused."""

    name: str
    index: PanelIndex
    exact: bool

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        queries = [Query(text=text, k=DEPTH, exact=self.exact) for text in texts]
        return [[hit.panel.id for hit in hits] for hits in self.index.search_many(queries)]


class VectorSearcher:
    """The stored `dialogue` vectors alone, all of them scored."""

    name = VECTORS

    def __init__(self, index: PanelIndex) -> None:
        self._encoder = index.encoder
        self._shards = VectorStore(index.folder / "vectors")
        self._ids, self._rows = index.catalog.panels.vector_rows(with_dialogue_only=True)

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        asked = self._encoder.encode_queries([QueryInput(text=text) for text in texts], View.DIALOGUE)
        blocks = [
            asked @ self._shards.read(View.DIALOGUE, self._rows[start : start + _ROWS_AT_ONCE]).T
            for start in range(0, len(self._rows), _ROWS_AT_ONCE)
        ]
        return first_ids(self._ids, np.concatenate(blocks, axis=1))


class CatalogWords:
    """The words part of the search alone: the catalog's full text, ordered by the share of the question found."""

    name = WORDS

    def __init__(self, index: PanelIndex) -> None:
        self._catalog = index.catalog
        self._said = index.catalog.library.counts()["panels_with_dialogue"]

    def ask(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._ranked(tokens(text)) for text in texts]

    def _ranked(self, terms: list[str]) -> list[int]:
        if not terms:
            return []
        weights = idf(terms, self._catalog.panels.word_counts(terms), self._said)
        panels = self._catalog.panels.get(self._catalog.panels.word_candidates(terms, _WORD_CANDIDATES, Filter()))
        scores = {i: lexical_match(terms, panel.dialogue, weights).coverage for i, panel in panels.items()}
        return sorted(scores, key=lambda i: (-scores[i], i))[:DEPTH]


def first_ids(ids: NDArray[np.int64], scores: NDArray[np.floating]) -> list[list[int]]:
    """The first `DEPTH` ids for each row of (Q, P) scores."""
    return [[int(ids[i]) for i in top(row.astype(np.float32), ids, DEPTH)] for row in scores]


def word_searchers(index: PanelIndex) -> list[WordSearcher]:
    """The default search, the exact one where it may differ, and its two parts."""
    searchers: list[WordSearcher] = [FusedSearcher(DEFAULT, index, exact=False)]
    if searches_approximately(index, View.DIALOGUE):
        searchers.append(FusedSearcher(EXACT, index, exact=True))
    return [*searchers, VectorSearcher(index), CatalogWords(index)]


def same_words(index: PanelIndex) -> dict[tuple[str, ...], frozenset[int]]:
    """Panels by what they say, in normalised words: twins count as right for each other."""
    said: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for panel in speaking_panels(index):
        said[tuple(tokens(panel.dialogue))].add(panel.id)
    return {words: frozenset(ids) for words, ids in said.items()}


def speaking_panels(index: PanelIndex) -> list[Panel]:
    """All panels with words, in order of id."""
    ids, _ = index.catalog.panels.vector_rows(with_dialogue_only=True)
    panels = index.catalog.panels.get(ids.tolist())
    return [panels[i] for i in sorted(panels)]


def questions_of(index: PanelIndex, panels: Sequence[Panel], settings: Settings) -> tuple[list[Question], list[str]]:
    """(questions of every chosen kind, notes); dialogue of fewer than five words asks nothing."""
    twins = same_words(index)
    asked = []
    notes = []
    for kind in settings.chosen("dialogue"):
        if kind == "rephrased":
            more, note = _rephrased(index, settings.rephrased, twins)
            asked += more
            notes += note
            continue
        for panel in panels:
            text = question(panel.dialogue, kind, seed=settings.seed, key=f"{panel.page_path}#{panel.number}")
            if text is not None:
                asked.append(Question(kind, text, twins[tuple(tokens(panel.dialogue))]))
    return asked, notes


def _rephrased(
    index: PanelIndex, path: Path | None, twins: dict[tuple[str, ...], frozenset[int]]
) -> tuple[list[Question], list[str]]:
    if path is None:
        return [], ["no rephrased lines were given: that kind is left out"]
    entries = read_rephrased(path)
    places = {(panel.book, panel.page_number, panel.number): panel for panel in speaking_panels(index)}
    asked = []
    for entry in entries:
        panel = places.get((entry.book, entry.page, entry.panel))
        if panel is not None and " ".join(tokens(entry.line)) in " ".join(tokens(panel.dialogue)):
            asked.append(Question("rephrased", entry.rephrased, twins[tuple(tokens(panel.dialogue))]))
    missing = len(entries) - len(asked)
    return asked, [
        f"{missing} of {len(entries)} rephrased lines of {path.name} are not in this index"
    ] if missing else []


def measure_dialogue(
    questions: Sequence[Question], searchers: Sequence[WordSearcher], watch: Watcher, *, exact_is_default: bool
) -> list[Found]:
    """Figures by kind and over kinds."""
    ranks: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    started = time.monotonic()
    for start in range(0, len(questions), _AT_ONCE):
        some = questions[start : start + _AT_ONCE]
        for searcher in searchers:
            for asked, ranking in zip(some, searcher.ask([q.text for q in some]), strict=True):
                ranks[asked.kind, searcher.name].append(rank_of(asked.right, ranking))
        watch(Progress("dialogue", start + len(some), len(questions), time.monotonic() - started))
    kinds = dict.fromkeys(q.kind for q in questions)
    rows = [found(kind, searcher.name, ranks[kind, searcher.name]) for kind in kinds for searcher in searchers]
    return with_exact(rows + mean_over_kinds(rows), exact_is_default=exact_is_default)
