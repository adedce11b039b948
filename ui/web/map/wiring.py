"""What happens when, in the view `map`."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retrieval.errors import PanelseekError
from ui.web.map import markup
from ui.web.map.handlers import Mapper, points_of
from ui.web.shell.markup import notice
from ui.web.shell.messages import friendly
from ui.web.shell.pictures import may_see
from ui.web.shell.scripts import script

_KEPT = {"cache-control": "private, max-age=31536000, immutable"}


def map_routes(mapper: Mapper) -> list[Route]:
    """`map/points`: every panel's place, 12 bytes each (`handlers.POINT`), for whoever may see the page."""

    def points(request: Request) -> Response:
        if not may_see(request):
            return Response(status_code=401)
        generation, _ = mapper.look(start=False)
        if generation is None:
            return Response(status_code=404)
        kept = _KEPT if request.query_params.get("v") == str(generation) else None
        return Response(points_of(mapper, generation), media_type="application/octet-stream", headers=kept)

    return [Route("/map/points", points)]


def map_view(mapper: Mapper) -> None:
    """Adds the components of the view to the page."""

    def map_state(asked: dict[str, Any]) -> dict[str, Any]:
        """Which generation's map is there, or how its making stands; `{"start": true}` begins it, `stop` ends it."""
        try:
            if asked.get("stop"):
                mapper.job.stop()
            now = mapper.job.moment()
            start = asked.get("start") is True or now.state in ("idle", "done")
            generation, now = mapper.look(start and not asked.get("stop"))
        except PanelseekError as error:
            return {"running": False, "html": notice(friendly(error))}
        if generation is not None:
            return {"generation": generation}
        return {"running": now.state == "running", "html": markup.progress(now)}

    def map_groups(_: Any) -> str:
        try:
            return markup.groups(mapper.groups())
        except PanelseekError as error:
            return notice(friendly(error))

    gr.HTML(
        markup.frame(),
        js_on_load=script("map"),
        server_functions=[map_state, map_groups],
        elem_id="map",
        apply_default_css=False,
    )
