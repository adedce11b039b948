"""What the views share beside the index: the long work that one visitor starts and all can watch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import Route

from retrieval.index import PanelIndex
from ui.web.build.handlers import Builder
from ui.web.lookalikes.handlers import Finder
from ui.web.map.handlers import Mapper
from ui.web.map.wiring import map_routes
from ui.web.shell.messages import friendly
from ui.web.shell.pictures import picture_routes


class Works:
    """One of each for a served index. `build_roots`: folders below which visitors may build, none by default."""

    def __init__(self, index: PanelIndex, build_roots: Sequence[Path] = ()) -> None:
        self.index = index
        self.mapper = Mapper(index, friendly)
        self.finder = Finder(index, friendly)
        self.builder = Builder(index, build_roots)

    def routes(self) -> list[Route]:
        """The addresses that are no component's: pictures, and the points of the map."""
        return [*picture_routes(self.index), *map_routes(self.mapper)]

    def end(self, seconds: float = 10.0) -> None:
        """Ask all work to stop, as Ctrl-C does, and wait a moment for it."""
        jobs = (self.builder.job, self.mapper.job, self.finder.job)
        for job in jobs:
            job.stop()
        for job in jobs:
            job.wait(seconds)
