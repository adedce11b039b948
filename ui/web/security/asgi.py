"""Types and small helpers of ASGI, which all parts of the guard share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = ("GET", "HEAD")
"""Methods that change nothing."""


def header(scope: Scope, name: str) -> str | None:
    """Return the last value of a header of a request; None if it is absent."""
    wanted = name.encode()
    values = [value for each, value in scope.get("headers", []) if each == wanted]
    return values[-1].decode("latin-1").strip() if values else None


async def refuse(
    send: Send,
    status: int,
    problem: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    rest: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Answer with an error as JSON, and close the connection: a body may still be on its way.

    rest: reads what is left of the body before the connection is closed.
    """
    body = json.dumps({"error": problem}, ensure_ascii=False).encode()
    own = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    if rest is not None:  # a client that sends all of its body before it reads would get no answer
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await rest()
        body = b""
    await send({"type": "http.response.body", "body": body})
