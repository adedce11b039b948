"""One evaluation of an index."""

from __future__ import annotations

import time
from dataclasses import replace

from retrieval.errors import UsageError
from retrieval.evaluation.baselines import image_baselines, text_baselines
from retrieval.evaluation.dialogue import dialogue_queries, measure_dialogue, text_searchers
from retrieval.evaluation.neighbours import index_collapse, measure_neighbours
from retrieval.evaluation.pictures import index_searchers, measure_distortions, searches_approximately
from retrieval.evaluation.queries import query_panels
from retrieval.evaluation.records import (
    Detection,
    IndexCollapse,
    NeighbourPurity,
    RelevanceBin,
    RelevanceScores,
    Report,
    RetrievalScores,
    Settings,
)
from retrieval.evaluation.relevance import measure_relevance
from retrieval.filters import Filter
from retrieval.progress import ProgressCallback, no_progress
from retrieval.records import Panel, View
from retrieval.search.open_index import OpenIndex


def evaluate(index: OpenIndex, settings: Settings | None = None, progress: ProgressCallback = no_progress) -> Report:
    """Measure how well an open index finds its own panels; see `Settings` and docs/evaluation.md.

    progress: called after every few queries; its stages are "baselines" and the names in `records.PARTS`.
    Writes nothing. Raises `UsageError` for an index without panels or patterns that match no book, and `SourceError`
    if no query panel can be read.
    """
    return _Evaluation(index, settings or Settings(), progress).report()


class _Evaluation:
    """The parts of an evaluation, in order, and the notes on them."""

    def __init__(self, index: OpenIndex, settings: Settings, progress: ProgressCallback) -> None:
        self._index = index
        self._settings = settings
        self._progress = progress
        self._notes: list[str] = []

    def report(self) -> Report:
        """Measure all parts."""
        started = time.monotonic()
        counts = self._index.catalog.library.counts()
        if not counts["panels"]:
            raise UsageError(
                "holds no panels",
                path=self._index.folder,
                hint="add comics with `panelseek build`, then evaluate again",
            )
        distortions, detected = self._distortions()
        dialogue = self._dialogue()
        relevance, bins = self._relevance()
        neighbours, collapse = self._neighbours()
        return Report(
            index=str(self._index.folder),
            encoder=self._index.encoder.name,
            panels=counts["panels"],
            panels_with_dialogue=counts["panels_with_dialogue"],
            settings=self._settings,
            distortions=tuple(distortions),
            detection=tuple(detected),
            dialogue=tuple(dialogue),
            relevance=tuple(relevance),
            relevance_bins=tuple(bins),
            neighbours=tuple(neighbours),
            collapse=collapse,
            notes=tuple(self._notes),
            seconds=time.monotonic() - started,
        )

    def _distortions(self) -> tuple[list[RetrievalScores], list[Detection]]:
        settings = self._settings
        if not settings.measures("distortions"):
            return [], []
        panels = self._query_panels(Filter())
        searchers = index_searchers(self._index)
        if settings.baselines:
            baselines, notes = image_baselines(self._index, settings.seed, settings.untrained, self._progress)
            searchers += baselines
            self._notes += notes
        rows, detected, notes = measure_distortions(self._index, panels, searchers, settings, self._progress)
        self._notes += notes
        return rows, detected

    def _query_panels(self, where: Filter) -> list[Panel]:
        settings = self._settings
        where = replace(where, annotated=settings.annotated or None)
        panels = query_panels(self._index, settings.sample, settings.seed, settings.query_books, where)
        if not panels and settings.annotated:
            raise UsageError("has no annotated panel to query", path=self._index.folder, hint="leave out --annotated")
        return panels

    def _dialogue(self) -> list[RetrievalScores]:
        settings = self._settings
        if not settings.measures("dialogue"):
            return []
        panels = self._query_panels(Filter(has_dialogue=True))
        queries, notes = dialogue_queries(self._index, panels, settings)
        self._notes += notes
        if not queries:
            self._notes.append("dialogue is not measured: no query panel has five words")
            return []
        searchers = text_searchers(self._index) + (text_baselines(self._index) if settings.baselines else [])
        exact = not searches_approximately(self._index, View.DIALOGUE)
        return measure_dialogue(queries, searchers, self._progress, exact_is_default=exact)

    def _relevance(self) -> tuple[list[RelevanceScores], list[RelevanceBin]]:
        if not self._settings.measures("relevance"):
            return [], []
        panels = self._query_panels(Filter())
        rows, bins, notes = measure_relevance(self._index, panels, self._settings, self._progress)
        self._notes += notes
        return rows, bins

    def _neighbours(self) -> tuple[list[NeighbourPurity], IndexCollapse | None]:
        if not self._settings.measures("neighbours"):
            return [], None
        panels = self._query_panels(Filter())
        rows = measure_neighbours(self._index, panels, self._progress)
        collapse = index_collapse(self._index, panels)
        if collapse is None:
            self._notes.append("collapse is not measured: no page has two panels")
        return rows, collapse
