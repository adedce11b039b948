"""The addresses that the server answers. Gradio has some seventy more, which this web app does not use.

Among them are a proxy, a reader of files, an editor of programs, and addresses that write when they are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ui.web.security.asgi import Scope

KIB, MIB = 2**10, 2**20

MAX_CALL_BYTES = 256 * KIB
"""Bytes of a call of a script: an address of 20,000 characters, or a page of results."""


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of address.

    public: visitors who have not logged in may use it. kind: how its body is treated (`bodies`). stream: the answer may
    go on for as long as the visitor stays. tool: only there if models may use the server. own: also refused if a link
    of another website opens it in a tab.
    """

    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    public: bool = False
    kind: str = "none"
    stream: bool = False
    tool: bool = False
    own: bool = False


def _route(pattern: str, methods: str = "GET HEAD", **more: object) -> Route:
    return Route(re.compile(pattern), tuple(methods.split()), **more)  # type: ignore[arg-type]


_API = "/gradio_api"

ROUTES = (
    _route(r"/", public=True),
    _route(r"/(assets|static|svelte)/.+", public=True),
    _route(rf"({_API})?/theme\.css", public=True),
    _route(r"/(favicon\.ico|robots\.txt|manifest\.json)", public=True),
    _route(r"/pictures/(panel|page)/\d+"),
    _route(r"/pictures/panel/\d+\.png", own=True),
    _route(r"/collections/export/(zip|csv|json)", "GET", own=True),
    _route(r"/map/points"),
    _route(r"/config/?"),
    _route(rf"{_API}/(info|openapi\.json)/?"),
    _route(rf"{_API}/(app_id|user|login_check|token)/?", public=True),
    _route(r"/login/?", "POST", public=True, kind="login"),
    _route(r"/logout/?", "POST", public=True, kind="small"),
    _route(rf"{_API}/component_server/?", "POST", kind="call"),
    _route(rf"{_API}/upload", "POST", kind="upload"),
    _route(rf"{_API}/queue/join", "POST", kind="image"),
    _route(rf"{_API}/(call|call/v2|run|api)/search_panels/?", "POST", kind="image"),
    _route(rf"{_API}/(cancel|reset)/?", "POST", kind="small"),
    _route(rf"{_API}/(queue/data|heartbeat/\w{{1,64}}|call/(v2/)?search_panels/\w{{1,64}})", stream=True),
    _route(rf"{_API}/queue/status"),
    _route(rf"{_API}/mcp/http/?", "POST", kind="mcp", stream=True, tool=True),
    _route(rf"{_API}/mcp/http/?", "GET DELETE", stream=True, tool=True),
    _route(rf"{_API}/mcp/schema", tool=True),
)


def find_route(scope: Scope, tools: bool = True) -> Route | int:
    """Return the route of a request, else the status to answer with: 404 or 405. tools: whether models may use it."""
    path = str(scope["path"])
    found = [route for route in ROUTES if (tools or not route.tool) and route.pattern.fullmatch(path)]
    if not found:
        return 404
    return next((route for route in found if scope["method"] in route.methods), 405)
