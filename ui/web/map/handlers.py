"""The map of all panels: made once in the background, sent as numbers, and readable as a list. No Gradio, no HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from retrieval.overview.panel_map import PanelMap, load_panel_map, make_panel_map
from retrieval.records import Panel
from ui.web.shell.jobs import Job, JobStatus

POINT = np.dtype([("id", "<u4"), ("x", "<u2"), ("y", "<u2"), ("book", "<u2"), ("group", "<u2")])
"""Record of a panel sent to the browser, 12 bytes. x, y: 0 to 65,535; book: its place among the books by id."""

_GROUP_SAMPLES = 6
_GROUP_BOOKS = 2


@dataclass(frozen=True, slots=True)
class MapGroup:
    """A region of the map: number of panels, its commonest books with counts, and the panels nearest to its middle.

    x, y: the middle; spread: distance from it within which 80 % of the panels lie; all in 0-1.
    """

    number: int
    panels: int
    books: tuple[tuple[str, int], ...]
    samples: tuple[Panel, ...]
    x: float
    y: float
    spread: float


class MapService:
    """Makes the map of the current generation when a visitor first opens it, for all visitors."""

    def __init__(self, index: PanelIndex, describe_error: Callable[[PanelseekError], str]) -> None:
        self._index = index
        self.job = Job(describe_error)

    def status(self, start: bool = True) -> tuple[int | None, JobStatus]:
        """Return the generation whose map is ready, or None and the job's status. start: make a missing map."""
        self._index.refresh()
        number = self._index.generation.number
        if load_panel_map(self._index) is not None:
            return number, JobStatus("done")
        if start:
            self.job.start(lambda progress: make_panel_map(self._index, progress))
        return None, self.job.status()

    def points(self) -> bytes:
        """Return every panel as a `POINT`, in order of id; no bytes if there is no map."""
        panel_map = load_panel_map(self._index)
        return b"" if panel_map is None else _points(self._index, panel_map)

    def groups(self) -> tuple[MapGroup, ...]:
        """Return the regions of the map, largest first; none if there is no map."""
        panel_map = load_panel_map(self._index)
        return () if panel_map is None else _groups(self._index, panel_map)


def _points(index: PanelIndex, panel_map: PanelMap) -> bytes:
    books = index.catalog.panels.books_of_panels()
    places = {book: place for place, book in enumerate(sorted(set(books.values())))}
    points = np.empty(len(panel_map.ids), POINT)
    points["id"] = panel_map.ids
    points["x"], points["y"] = np.rint(np.clip(panel_map.points.T, 0, 1) * 65_535)
    points["book"] = [min(places.get(books.get(i, -1), 0), 65_535) for i in panel_map.ids.tolist()]
    points["group"] = panel_map.groups
    return points.tobytes()


def _groups(index: PanelIndex, panel_map: PanelMap) -> tuple[MapGroup, ...]:
    books = index.catalog.panels.books_of_panels()
    titles = {book.id: book.title for book in index.books()}
    groups = []
    for number in range(int(panel_map.groups.max(initial=0)) + 1):
        places = np.flatnonzero(panel_map.groups == number)
        if len(places):
            groups.append(_group(index, panel_map, number, places, books, titles))
    return tuple(groups)


def _group(
    index: PanelIndex,
    panel_map: PanelMap,
    number: int,
    places: NDArray[np.int64],
    books: dict[int, int],
    titles: dict[int, str],
) -> MapGroup:
    middle = np.median(panel_map.points[places], axis=0)
    distances = np.linalg.norm(panel_map.points[places] - middle, axis=1)
    nearest = panel_map.ids[places[np.argsort(distances, kind="stable")[:_GROUP_SAMPLES]]].tolist()
    panels = index.catalog.panels.get(nearest)
    in_books = Counter(titles.get(books.get(i, -1), "") for i in panel_map.ids[places].tolist())
    return MapGroup(
        number,
        len(places),
        tuple((title, count) for title, count in in_books.most_common(_GROUP_BOOKS) if title),
        tuple(panels[i] for i in nearest if i in panels),
        float(middle[0]),
        float(middle[1]),
        float(np.quantile(distances, 0.8)),
    )


@lru_cache(maxsize=1)
def cached_points(service: MapService, generation: int) -> bytes:
    """Return the points of a generation; all visitors get the same bytes."""
    return service.points()
