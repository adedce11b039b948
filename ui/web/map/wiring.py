"""The tab `map`: the server functions of its script, and the route of the points."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retrieval.errors import PanelseekError
from ui.web.gradio_compat import is_logged_in
from ui.web.map import markup
from ui.web.map.handlers import MapService, cached_points
from ui.web.shell.markup import notice
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import Payload
from ui.web.shell.pictures import CACHED_FOR_GOOD
from ui.web.shell.scripts import script


def map_routes(service: MapService) -> list[Route]:
    """Return the route `map/points`: every panel as a `handlers.POINT`, for visitors who may see the web app."""

    def points(request: Request) -> Response:
        if not is_logged_in(request):
            return Response(status_code=401)
        generation, _ = service.status(start=False)
        if generation is None:
            return Response(status_code=404)
        headers = CACHED_FOR_GOOD if request.query_params.get("v") == str(generation) else None
        return Response(cached_points(service, generation), media_type="application/octet-stream", headers=headers)

    return [Route("/map/points", points)]


def map_tab(service: MapService) -> None:
    """Add the components of the tab."""

    def map_state(payload: Payload) -> Payload:
        """Return the generation whose map is ready, or the progress; `{"start": true}` or `"stop"` controls it."""
        try:
            if payload.get("stop"):
                service.job.stop()
            status = service.job.status()
            start = payload.get("start") is True or status.state in ("idle", "done")
            generation, status = service.status(start and not payload.get("stop"))
        except PanelseekError as error:
            return {"running": False, "html": notice(user_message(error))}
        if generation is not None:
            return {"generation": generation}
        return {"running": status.state == "running", "html": markup.progress(status)}

    def map_groups(_: Any) -> str:
        try:
            return markup.groups(service.groups())
        except PanelseekError as error:
            return notice(user_message(error))

    gr.HTML(
        markup.panel_map(),
        js_on_load=script("map"),
        server_functions=[map_state, map_groups],
        elem_id="map",
        apply_default_css=False,
    )
