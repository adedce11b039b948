"""Services shared by all requests: the index and the long work that one visitor starts and all can watch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import Route

from retrieval.index import PanelIndex
from ui.web.build.handlers import BuildService
from ui.web.collections.export import export_routes
from ui.web.lookalikes.handlers import LookalikeService
from ui.web.map.handlers import MapService
from ui.web.map.wiring import map_routes
from ui.web.shell.messages import user_message
from ui.web.shell.pictures import picture_routes


class Services:
    """The services of one served index. build_roots: folders below which visitors may build; none by default."""

    def __init__(self, index: PanelIndex, build_roots: Sequence[Path] = ()) -> None:
        self.index = index
        self.map = MapService(index, user_message)
        self.lookalikes = LookalikeService(index, user_message)
        self.build = BuildService(index, build_roots)

    def routes(self) -> list[Route]:
        """Return the routes that belong to no component: images, exports, and the points of the map."""
        return [*picture_routes(self.index), *export_routes(self.index), *map_routes(self.map)]

    def stop(self, seconds: float = 10.0) -> None:
        """Stop all jobs as Ctrl-C does, and wait for each at most so many seconds."""
        jobs = (self.build.job, self.map.job, self.lookalikes.job)
        for job in jobs:
            job.stop()
        for job in jobs:
            job.wait(seconds)
