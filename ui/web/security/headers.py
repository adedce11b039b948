"""Headers of every response: what browsers may load, and that no other website may read, frame or open the web app."""

from __future__ import annotations

from ui.web.security.asgi import App, Message, Receive, Scope, Send

_HEADERS = (
    # A browser that obeys this loads nothing from anywhere else, whatever HTML it is given.
    # Gradio builds its components with eval and inline styles.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
_CORS = b"access-control-"
_SAME_SITE = b"; SameSite=Lax"


class SecurityHeaders:
    """ASGI middleware that adds the headers without holding up streams, and removes permissions for other origins."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_kept(message.get("headers", [])), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of the app without its permissions for other origins; its cookies stay on this site."""
    own = {name for name, _ in _HEADERS}
    kept = [(name, value) for name, value in headers if name not in own and not name.lower().startswith(_CORS)]
    return [(name, _same_site(value) if name.lower() == b"set-cookie" else value) for name, value in kept]


def _same_site(cookie: bytes) -> bytes:
    parts = [part.strip() for part in cookie.split(b";")]
    return b"; ".join(part for part in parts if not part.lower().startswith(b"samesite")) + _SAME_SITE
