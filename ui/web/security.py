"""Limits on what a browser may load, and the host names that the server accepts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine can reach."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = (
    # A browser that obeys this loads nothing from anywhere else, whatever HTML it is given.
    # Gradio builds its components with eval and inline styles.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'",
    ),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every response, without holding up streams."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def security_middleware(private: bool) -> list[Any]:
    """Return the middleware of the server.

    private: answer only to this machine's own names, so that no website can reach a loopback server through a name that
    it makes point here.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    middleware = [Middleware(SecurityHeaders)]
    if private:
        names = ["127.0.0.1", "localhost", "[", "[::1]"]  # "[": what the middleware makes of "[::1]:7860"
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=names))
    return middleware
