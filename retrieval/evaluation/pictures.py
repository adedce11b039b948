"""Image queries: distorted panels, searched with every method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PanelseekError, PictureError, SourceError
from retrieval.evaluation.distortions import distort
from retrieval.evaluation.metrics import DEPTH, FirstHit, detection, mean_over_types, rank_of, retrieval_scores
from retrieval.evaluation.records import DEFAULT, EXACT, Detection, RetrievalScores, Settings
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel, View
from retrieval.search.open_index import OpenIndex
from retrieval.search.query import Query

Pixels = NDArray[np.uint8]
Ranking = list[tuple[int, float]]
"""(panel id, ranking score), best first."""

_BATCH = 8
"""Panels whose distortions are held in memory and searched together."""


class PictureSearcher(Protocol):
    """A method that ranks the library's panels for a picture."""

    @property
    def name(self) -> str:
        """Return the name of the method in tables."""
        ...

    def search(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        """Return at least the first `DEPTH` + 1 panels for each (H, W, 3) uint8 RGB picture, or all there are."""
        ...


@dataclass(frozen=True, slots=True)
class IndexSearcher:
    """The index, searched by default or exactly."""

    name: str
    index: OpenIndex
    exact: bool

    def search(self, pictures: Sequence[Pixels]) -> list[Ranking]:
        """Return the ranking of each picture."""
        queries = [Query(image=picture, view=View.PICTURE, k=DEPTH + 1, exact=self.exact) for picture in pictures]
        return [[(hit.panel.id, hit.ranking_score) for hit in hits] for hits in self.index.search_many(queries)]


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """A distorted panel as a query. in_library: False if its panel counts as missing from the library."""

    panel: int
    distortion: str
    picture: Pixels
    in_library: bool


class Unreadable:
    """Counter of query panels that cannot be read."""

    def __init__(self) -> None:
        self.count = 0
        self.first: PanelseekError | None = None

    def add(self, error: PanelseekError) -> None:
        """Count one panel."""
        self.count += 1
        self.first = self.first or error

    def note(self, total: int) -> str | None:
        """Return a note for the report, or None. Raises `SourceError` if none of the panels could be read."""
        if self.first is None:
            return None
        if self.count == total:
            problem = f"none of the {total} query panels can be read: {self.first.problem}"
            raise SourceError(problem, self.first.path, "check that the comics still exist")
        return f"{self.count} query panels could not be read: {self.first}"


def index_searchers(index: OpenIndex) -> list[PictureSearcher]:
    """Return the default search, and the exact one if it may differ."""
    searchers: list[PictureSearcher] = [IndexSearcher(DEFAULT, index, exact=False)]
    if searches_approximately(index, View.PICTURE):
        searchers.append(IndexSearcher(EXACT, index, exact=True))
    return searchers


def searches_approximately(index: OpenIndex, view: View) -> bool:
    """Return True if a view has an IVF-PQ index, so that the default search and the exact one may differ."""
    return bool(index.generation.manifest["views"][str(view)]["index_type"] != "exact")


def measure_distortions(
    index: OpenIndex,
    panels: Sequence[Panel],
    searchers: Sequence[PictureSearcher],
    settings: Settings,
    progress: ProgressCallback,
) -> tuple[list[RetrievalScores], list[Detection], list[str]]:
    """Return (scores of each distortion and their mean, detection, notes) for distortions of `panels`."""
    ranks: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    firsts: dict[str, list[FirstHit]] = defaultdict(list)
    unreadable = Unreadable()
    report = StageProgress(progress, "distortions", "panels", len(panels))
    for start in range(0, len(panels), _BATCH):
        group = panels[start : start + _BATCH]
        queries = [query for panel in group for query in image_queries(index, panel, settings, unreadable)]
        for searcher in searchers:
            rankings = searcher.search([query.picture for query in queries]) if queries else []
            for query, ranking in zip(queries, rankings, strict=True):
                rank = rank_of({query.panel}, [i for i, _ in ranking[:DEPTH]])
                ranks[query.distortion, searcher.name].append(rank)
                firsts[searcher.name].append(first_hit(query, ranking))
        report(start + len(group))
    note = unreadable.note(len(panels))
    exact_is_default = not any(searcher.name == EXACT for searcher in searchers)
    rows = [
        retrieval_scores(name, searcher.name, ranks[name, searcher.name])
        for name in settings.chosen("distortions")
        for searcher in searchers
        if ranks[name, searcher.name]
    ]
    rows = with_exact(rows + mean_over_types(rows), exact_is_default=exact_is_default)
    detected = [detection(name, hits) for name, hits in firsts.items()]
    return rows, detected, [note] if note else []


def with_exact(rows: Sequence[RetrievalScores], *, exact_is_default: bool) -> list[RetrievalScores]:
    """Return rows for exact search as well: copies of the default's, if the default is exact."""
    if not exact_is_default:
        return list(rows)
    doubled = []
    for row in rows:
        doubled.append(row)
        if row.method == DEFAULT:
            doubled.append(replace(row, method=EXACT))
    return doubled


def first_hit(query: ImageQuery, ranking: Ranking) -> FirstHit:
    """Return the first hit; for a panel that counts as missing, the first of any other panel."""
    left = ranking if query.in_library else [(panel, score) for panel, score in ranking if panel != query.panel]
    if not left:
        return FirstHit(-1.0, False, query.in_library)
    panel, score = left[0]
    return FirstHit(score, panel == query.panel, query.in_library)


def image_queries(index: OpenIndex, panel: Panel, settings: Settings, unreadable: Unreadable) -> Iterator[ImageQuery]:
    """Yield the panel with each chosen distortion that applies; it is read once."""
    try:
        picture = np.asarray(index.panel_image(panel))
    except (SourceError, PictureError) as error:
        unreadable.add(error)
        return
    for name in settings.chosen("distortions"):
        key = f"{panel.page_path}#{panel.number}"
        distorted = distort(picture, name, seed=settings.seed, key=key)
        if distorted is not None:
            yield ImageQuery(panel.id, name, distorted, _counts_as_in_library(settings.seed, panel.id, name))


def _counts_as_in_library(seed: int, panel: int, distortion: str) -> bool:
    """Return True for a random half of the queries; the others are scored as if their panel were missing."""
    return bool(np.random.default_rng([seed, panel, *distortion.encode()]).random() < 0.5)
