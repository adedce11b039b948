"""The same panel met again: copies drawn, every searcher asked, ranks and first hits kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SourceError
from retrieval.evaluation.distortions import copy_of
from retrieval.evaluation.metrics import DEPTH, FirstHit, detection, found, mean_over_kinds, rank_of
from retrieval.evaluation.records import DEFAULT, EXACT, Detection, Found, Progress, Settings, Watcher
from retrieval.index import PanelIndex
from retrieval.records import Panel, View
from retrieval.search.query import Query

Pixels = NDArray[np.uint8]
Ranking = list[tuple[int, float]]
"""(panel id, what it was ordered by), best first."""

_AT_ONCE = 8
"""Panels whose copies are held in memory and asked together."""


class PictureSearcher(Protocol):
    """Answers pictures with ranked panels of the library."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def ask(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        """At least the first `DEPTH` + 1 panels for each (H, W, 3) uint8 RGB picture, or all there are."""
        ...


@dataclass(frozen=True, slots=True)
class IndexSearcher:
    """The index, as it is searched by default or exactly."""

    name: str
    index: PanelIndex
    exact: bool

    def ask(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        queries = [Query(image=picture, view=View.PICTURE, k=DEPTH + 1, exact=self.exact) for picture in pictures]
        return [[(hit.panel.id, hit.ranking_score) for hit in hits] for hits in self.index.search_many(queries)]


@dataclass(frozen=True, slots=True)
class Copy:
    """One question: a copy of a panel, and whether the panel counts as being in the library."""

    panel: int
    kind: str
    picture: Pixels
    known: bool


class Unreadable:
    """Counts the panels whose comics are gone, and says so once all have been tried."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def add(self, error: Exception) -> None:
        self.count += 1
        self.first = self.first or str(error)

    def note(self, total: int) -> str | None:
        """A sentence for the report, or None. Raises `SourceError` when nothing at all could be read."""
        if self.count and self.count == total:
            raise SourceError(f"none of the {total} panels that ask can be read, are the comics gone? {self.first}")
        return f"{self.count} panels that ask could not be read: {self.first}" if self.count else None


def index_searchers(index: PanelIndex) -> list[PictureSearcher]:
    """By default and exactly; once where the default is exact already."""
    searchers: list[PictureSearcher] = [IndexSearcher(DEFAULT, index, exact=False)]
    if searches_approximately(index, View.PICTURE):
        searchers.append(IndexSearcher(EXACT, index, exact=True))
    return searchers


def searches_approximately(index: PanelIndex, view: View) -> bool:
    """Whether a view has an IVF-PQ index, so that the default search and the exact one may differ."""
    return bool(index.generation.manifest["views"][str(view)]["kind"] != "exact")


def measure_copies(
    index: PanelIndex,
    panels: Sequence[Panel],
    searchers: Sequence[PictureSearcher],
    settings: Settings,
    watch: Watcher,
) -> tuple[list[Found], list[Detection], list[str]]:
    """(figures by kind and over kinds, copy detection, notes) for copies of `panels`."""
    ranks: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    firsts: dict[str, list[FirstHit]] = defaultdict(list)
    unreadable, started, done = Unreadable(), time.monotonic(), 0
    for start in range(0, len(panels), _AT_ONCE):
        group = panels[start : start + _AT_ONCE]
        copies = [copy for panel in group for copy in _copies(index, panel, settings, unreadable)]
        for searcher in searchers:
            for copy, ranking in zip(copies, searcher.ask([c.picture for c in copies]) if copies else [], strict=True):
                ranks[copy.kind, searcher.name].append(rank_of({copy.panel}, [i for i, _ in ranking[:DEPTH]]))
                firsts[searcher.name].append(first_hit(copy, ranking))
        done += len(group)
        watch(Progress("copies", done, len(panels), time.monotonic() - started))
    note = unreadable.note(len(panels))
    both = [(DEFAULT, EXACT)] if not any(s.name == EXACT for s in searchers) else []
    rows = [
        found(kind, searcher.name, ranks[kind, searcher.name])
        for kind in settings.chosen("copies")
        for searcher in searchers
        if ranks[kind, searcher.name]
    ]
    rows = with_exact(rows + mean_over_kinds(rows), exact_is_default=bool(both))
    detected = [detection(name, hits) for name, hits in firsts.items()]
    return rows, detected, [note] if note else []


def with_exact(rows: Sequence[Found], *, exact_is_default: bool) -> list[Found]:
    """Where the default search is the exact one, its rows stand for both."""
    if not exact_is_default:
        return list(rows)
    doubled = []
    for row in rows:
        doubled.append(row)
        if row.by == DEFAULT:
            doubled.append(Found(row.kind, EXACT, row.queries, row.r1, row.r10, row.mrr))
    return doubled


def first_hit(copy: Copy, ranking: Ranking) -> FirstHit:
    """The first hit; for a copy that counts as unknown, the first of any other panel."""
    left = ranking if copy.known else [(panel, score) for panel, score in ranking if panel != copy.panel]
    if not left:
        return FirstHit(-1.0, False, copy.known)
    panel, score = left[0]
    return FirstHit(score, panel == copy.panel, copy.known)


def _copies(index: PanelIndex, panel: Panel, settings: Settings, unreadable: Unreadable) -> Iterator[Copy]:
    """A copy of each chosen kind that applies; the panel is read once."""
    try:
        picture = np.asarray(index.panel_image(panel))
    except (SourceError, PictureError) as error:
        unreadable.add(error)
        return
    for kind in settings.chosen("copies"):
        key = f"{panel.page_path}#{panel.number}"
        made = copy_of(picture, kind, seed=settings.seed, key=key)
        if made is not None:
            yield Copy(panel.id, kind, made, _counts_as_known(settings.seed, panel.id, kind))


def _counts_as_known(seed: int, panel: int, kind: str) -> bool:
    """Drawn for each question: half of them are asked as if their panel were not in the library."""
    return bool(np.random.default_rng([seed, panel, *kind.encode()]).random() < 0.5)
