"""One run over an index: who asks, who answers, what came out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from retrieval.errors import UsageError
from retrieval.evaluation.baselines import picture_peers, word_peers
from retrieval.evaluation.dialogue import measure_dialogue, questions_of, word_searchers
from retrieval.evaluation.neighbours import collapse, measure_neighbours
from retrieval.evaluation.pictures import index_searchers, measure_copies, searches_approximately
from retrieval.evaluation.records import Collapse, Detection, Found, Near, Progress, Report, Settings, Watcher
from retrieval.evaluation.sampling import panels_that_ask
from retrieval.filters import Filter
from retrieval.index import PanelIndex
from retrieval.records import Panel, View


def evaluate(
    index: PanelIndex | str | Path, settings: Settings | None = None, progress: Watcher | None = None
) -> Report:
    """Measure how well an index finds its own panels again; see `Settings` and docs/evaluation.md.

    `progress` is called after every few questions. Nothing is written.
    Raises `UsageError` for an index without panels or a pattern that fits no book, `SourceError` when the comics are
    gone, and whatever opening the index raises.
    """
    if not isinstance(index, PanelIndex):
        with PanelIndex.open(index) as opened:
            return evaluate(opened, settings, progress)
    return _Run(index, settings or Settings(), progress or _silent).report()


def _silent(_: Progress) -> None:
    pass


class _Run:
    """The parts in order; notes gather on the way."""

    def __init__(self, index: PanelIndex, settings: Settings, watch: Watcher) -> None:
        self._index = index
        self._settings = settings
        self._watch = watch
        self._notes: list[str] = []

    def report(self) -> Report:
        started = time.monotonic()
        counts = self._index.catalog.library.counts()
        if not counts["panels"]:
            raise UsageError(
                f"{self._index.folder} holds no panels, so nothing can be asked: "
                "add comics with `panelseek build`, then evaluate again"
            )
        copies, detected = self._copies()
        dialogue = self._dialogue()
        near, fallen = self._neighbours()
        return Report(
            index=str(self._index.folder),
            encoder=self._index.encoder.name,
            panels=counts["panels"],
            panels_with_dialogue=counts["panels_with_dialogue"],
            settings=self._settings,
            copies=tuple(copies),
            detection=tuple(detected),
            dialogue=tuple(dialogue),
            neighbours=tuple(near),
            collapse=fallen,
            notes=tuple(self._notes),
            seconds=time.monotonic() - started,
        )

    def _copies(self) -> tuple[list[Found], list[Detection]]:
        if not self._settings.measures("copies"):
            return [], []
        settings = self._settings
        panels = self._asking(Filter())
        searchers = index_searchers(self._index)
        if settings.peers:
            peers, notes = picture_peers(self._index, settings.seed, settings.untrained, self._watch)
            searchers += peers
            self._notes += notes
        rows, detected, notes = measure_copies(self._index, panels, searchers, settings, self._watch)
        self._notes += notes
        return rows, detected

    def _asking(self, where: Filter) -> list[Panel]:
        settings = self._settings
        where = replace(where, annotated=settings.annotated or None)
        panels = panels_that_ask(self._index, settings.sample, settings.seed, settings.query_books, where)
        if not panels and settings.annotated:
            raise UsageError(f"no panel that could ask was annotated in {self._index.folder}: leave out --annotated")
        return panels

    def _dialogue(self) -> list[Found]:
        settings = self._settings
        if not settings.measures("dialogue"):
            return []
        panels = self._asking(Filter(has_dialogue=True))
        questions, notes = questions_of(self._index, panels, settings)
        self._notes += notes
        if not questions:
            self._notes.append("no panel that asks says five words: dialogue is not measured")
            return []
        searchers = word_searchers(self._index) + (word_peers(self._index) if settings.peers else [])
        exact = not searches_approximately(self._index, View.DIALOGUE)
        return measure_dialogue(questions, searchers, self._watch, exact_is_default=exact)

    def _neighbours(self) -> tuple[list[Near], Collapse | None]:
        settings = self._settings
        if not settings.measures("neighbours"):
            return [], None
        panels = self._asking(Filter())
        near = measure_neighbours(self._index, panels, self._watch)
        fallen = collapse(self._index, panels)
        if fallen is None:
            self._notes.append("no page has two panels: whether vectors have fallen together cannot be told")
        return near, fallen
