"""The map of all panels as the page needs it: made once in the background, sent as numbers, and readable as a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from retrieval.overview.panel_map import PanelMap
from retrieval.records import Panel
from ui.web.shell.jobs import Job, Moment

POINT = np.dtype([("id", "<u4"), ("x", "<u2"), ("y", "<u2"), ("book", "<u2"), ("group", "<u2")])
"""What the browser gets of a panel: 12 bytes, x and y from 0 to 65,535, its book's place among the books."""

_SAMPLES = 6
_BOOKS = 2


@dataclass(frozen=True, slots=True)
class Group:
    """A place on the map: how many panels, its commonest books, and the panels nearest to its middle.

    `x`, `y`: that middle; `spread`: how far from it most of its panels lie; all in 0-1.
    """

    number: int
    panels: int
    books: tuple[tuple[str, int], ...]
    middle: tuple[Panel, ...]
    x: float
    y: float
    spread: float


class Mapper:
    """Makes the map of the generation that is searched, when somebody first wants to see it."""

    def __init__(self, index: PanelIndex, sentence: Callable[[PanelseekError], str]) -> None:
        self._index = index
        self.job = Job(sentence)

    def look(self, start: bool = True) -> tuple[int | None, Moment]:
        """The generation whose map is there, or None and how the making stands; begins it when `start` says so."""
        self._index.refresh()
        number = self._index.generation.number
        if self._index.panel_map() is not None:
            return number, Moment("done")
        if start:
            self.job.start(lambda job: self._index.panel_map(job.told) and None)
        return None, self.job.moment()

    def points(self) -> bytes:
        """Every panel as a `POINT`, in order of id; empty where there is no map."""
        found = self._index.panel_map()
        return b"" if found is None else _points(self._index, self._index.generation.number, found)

    def groups(self) -> tuple[Group, ...]:
        found = self._index.panel_map()
        return () if found is None else _groups(self._index, found)


def _points(index: PanelIndex, generation: int, found: PanelMap) -> bytes:
    """The books are numbered in order of their ids."""
    books = index.catalog.panels.books_of_panels()
    places = {book: place for place, book in enumerate(sorted(set(books.values())))}
    points = np.empty(len(found.ids), POINT)
    points["id"] = found.ids
    points["x"], points["y"] = np.rint(np.clip(found.points.T, 0, 1) * 65_535)
    points["book"] = [min(places.get(books.get(i, -1), 0), 65_535) for i in found.ids.tolist()]
    points["group"] = found.groups
    return points.tobytes()


def _groups(index: PanelIndex, found: PanelMap) -> tuple[Group, ...]:
    books = index.catalog.panels.books_of_panels()
    titles = {book.id: book.title for book in index.books()}
    groups = []
    for number in range(int(found.groups.max(initial=0)) + 1):
        places = np.flatnonzero(found.groups == number)
        if len(places):
            groups.append(_group(index, found, number, places, books, titles))
    return tuple(groups)


def _group(
    index: PanelIndex,
    found: PanelMap,
    number: int,
    places: NDArray[np.int64],
    books: dict[int, int],
    titles: dict[int, str],
) -> Group:
    middle = np.median(found.points[places], axis=0)
    away = np.linalg.norm(found.points[places] - middle, axis=1)
    nearest = found.ids[places[np.argsort(away, kind="stable")[:_SAMPLES]]].tolist()
    panels = index.catalog.panels.get(nearest)
    common = Counter(titles.get(books.get(i, -1), "") for i in found.ids[places].tolist()).most_common(_BOOKS)
    return Group(
        number,
        len(places),
        tuple((title, count) for title, count in common if title),
        tuple(panels[i] for i in nearest if i in panels),
        float(middle[0]),
        float(middle[1]),
        float(np.quantile(away, 0.8)),
    )


@lru_cache(maxsize=1)
def points_of(mapper: Mapper, generation: int) -> bytes:
    """The points of a generation, kept: everybody who opens the map gets the same bytes."""
    return mapper.points()
