"""The gate: refuses requests for other names, from other websites, to other addresses, or without a login."""

from __future__ import annotations

from collections.abc import Callable

from ui.web.security.asgi import App, Receive, Scope, Send, refuse
from ui.web.security.origins import OwnAddress, opens_page
from ui.web.security.routes import Route, find_route

ROUTE = "panelseek.route"
"""Key of the scope under which the gate leaves the route of a request."""

_UNKNOWN_NAME = (
    "This server does not answer to the name in this address. If a proxy serves it there, start it with "
    "--root-path and the whole address, like --root-path https://comics.example/."
)
_FOREIGN = (
    "This request comes from another website and was refused. If it came from the web app behind a proxy, start the "
    "server with --root-path and the whole address of the web app."
)
_NOT_FOUND = {404: "There is nothing at this address.", 405: "This address does not take this method."}
_LOGOUT = "/logout"


class Gate:
    """ASGI middleware in front of everything else.

    is_logged_in: whether the cookies of a request may see the app. tools: whether models may use the server.
    """

    def __init__(
        self, app: App, address: OwnAddress, is_logged_in: Callable[[Scope], bool], tools: bool = True
    ) -> None:
        self._app = app
        self._tools = tools
        self._address = address
        self._is_logged_in = is_logged_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        found = self._check(scope)
        if isinstance(found, Route):
            await self._app(_prepared(scope, found), receive, send)
        else:
            await refuse(send, *found)

    def _check(self, scope: Scope) -> Route | tuple[int, str]:
        if not self._address.knows(scope):
            return 400, _UNKNOWN_NAME
        foreign = self._address.is_foreign(scope)
        if foreign and not opens_page(scope):
            return 403, _FOREIGN
        route = find_route(scope, self._tools)
        if isinstance(route, int):
            return route, _NOT_FOUND[route]
        if foreign and route.own:
            return 403, _FOREIGN
        if not route.public and not self._is_logged_in(scope):
            return 401, "Log in first."
        return route


def _prepared(scope: Scope, route: Route) -> Scope:
    """Return the request as Gradio gets it."""
    changed = {**scope, ROUTE: route}
    if str(scope["path"]).rstrip("/") == _LOGOUT:  # Gradio logs out when this address is read, which a link could do
        changed["method"] = "GET"
    if route.kind == "upload":
        changed["query_string"] = b""  # with `upload_id` Gradio keeps the progress of every upload for good
    return changed
