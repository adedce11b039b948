"""Collections as files, at `collections/export/zip?name=Ships`, or `csv` or `json`.

The file is made in a temporary folder, which is removed before the first byte is sent; the content of the open file
goes when it is closed. So nothing stays on the disk, also if the browser leaves or the server is stopped.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retrieval.collections import Collections, export_collection
from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from retrieval.names import file_name
from retrieval.records import Panel
from ui.web.collections.handlers import parse_name
from ui.web.gradio_compat import is_logged_in
from ui.web.memory import MIB, exporting, limits
from ui.web.shell.downloads import FileDownload, sentence
from ui.web.shell.messages import COLLECTIONS_UNUSABLE
from ui.web.shell.pictures import panel_as_png

MEDIA_TYPES = {"zip": "application/zip", "csv": "text/csv", "json": "application/json"}
"""Types of an export by its ending."""


def export_routes(index: PanelIndex) -> list[Route]:
    """Return the route of the exports, for visitors who may see the web app."""

    def export(request: Request) -> Response:
        if not is_logged_in(request):
            return Response(status_code=401)
        ending = str(request.path_params["ending"])
        if ending not in MEDIA_TYPES:
            return Response(status_code=404)
        name = parse_name(dict(request.query_params), "name")
        try:
            Collections(index.folder).members(name, limit=1)
        except UsageError as error:
            return sentence(error, 404)
        except PanelseekError as error:
            return sentence(error, 503, COLLECTIONS_UNUSABLE)
        try:
            return _export(index, name, ending)
        except PanelseekError as error:
            return sentence(error, 503, COLLECTIONS_UNUSABLE)

    return [Route("/collections/export/{ending}", export)]


def _export(index: PanelIndex, name: str, ending: str) -> Response:
    """Return the answer with the file; it holds its space on the disk until it is sent."""
    with ExitStack() as held, TemporaryDirectory(prefix="panelseek-export-", ignore_cleanup_errors=True) as folder:
        held.enter_context(exporting())
        path = Path(folder) / f"export.{ending}"
        export_collection(index, name, path, draw=_Pictures(index).draw)
        size, file = path.stat().st_size, path.open("rb")
        title = f"{file_name(name) or 'collection'}.{ending}"
        return FileDownload(file, size, title, MEDIA_TYPES[ending], held.pop_all().close)


class _Pictures:
    """Draws the panels of one export, until they take more than an export may."""

    def __init__(self, index: PanelIndex) -> None:
        self._index = index
        self._bytes = 0

    def draw(self, panel: Panel) -> bytes:
        """Return a panel as PNG bytes. Raises `UsageError` if the export is too large."""
        drawn = panel_as_png(self._index, panel)
        self._bytes += len(drawn)
        if self._bytes > limits().export:
            raise UsageError(
                f"the pictures of this collection take more than {limits().export / MIB:,.0f} MB",
                hint="export it with `panelseek collections export`, or divide it",
            )
        return drawn
