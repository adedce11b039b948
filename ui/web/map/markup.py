"""The tab `map` as HTML; `map.js` draws the map itself."""

from __future__ import annotations

from collections.abc import Sequence

from ui.web.map.handlers import MapGroup
from ui.web.shell.jobs import JobStatus
from ui.web.shell.templating import render


def panel_map() -> str:
    """Return the tab: the canvas with its buttons, and a place for the same as a list."""
    return render("map/map.html")


def progress(status: JobStatus) -> str:
    """Return the progress of making the map, or the button that starts it."""
    return render("map/progress.html", status=status)


def groups(map_groups: Sequence[MapGroup]) -> str:
    """Return the regions of the map as a list, each with panels from its middle."""
    return render("map/groups.html", groups=map_groups)
