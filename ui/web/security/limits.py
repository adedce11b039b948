"""Limits of requests: how many at once, how large, how slow; one visitor cannot take what others need."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from ui.web.memory import return_freed_memory
from ui.web.security.asgi import App, Message, Receive, Scope, Send, refuse
from ui.web.security.bodies import BoundedBody, NotRead, Refusal, check_json, discard, patient, replay
from ui.web.security.clients import client_of
from ui.web.security.gate import ROUTE
from ui.web.security.logins import LoginGuard
from ui.web.security.routes import MAX_CALL_BYTES, Route
from ui.web.security.shares import Shares

if TYPE_CHECKING:
    from ui.web.memory import MemoryLimits
    from ui.web.security.uploads import UploadShelf

_TOO_LARGE = 413
_SMALL_BYTES = 16 * 1024
_LARGE_BYTES = 2**20
"""Smaller bodies claim no memory: hundreds of them are nothing."""

_COPIES = 6
"""Bytes that a body takes while it is parsed, as multiples of its size: its parts, the whole here and in the framework,
its text, and the values in it. A call that Gradio has accepted takes as many: values, the file in them, and copies."""

_COLLECTED_BYTES = 32 * 2**20
"""Bytes of bodies after which garbage is collected."""

_WAIT_SECONDS = 20.0
_STREAM_WAIT_SECONDS = 5.0


class RequestLimits:
    """ASGI middleware behind the gate. queued: bytes of the calls that Gradio has accepted and not finished."""

    def __init__(
        self, app: App, memory: MemoryLimits, uploads: UploadShelf, queued: Callable[[], int] = lambda: 0
    ) -> None:
        self._app = app
        self._memory = memory
        self._uploads = uploads
        self._logins = LoginGuard()
        self._requests = Shares(12, 64, _WAIT_SECONDS)
        self._streams = Shares(96, 192, _STREAM_WAIT_SECONDS)
        self._bodies = Shares(memory.bodies, memory.bodies, _WAIT_SECONDS, lambda: _COPIES * queued())
        self._large_calls = Shares(1, 1, _WAIT_SECONDS)
        self._uncollected = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route, client = scope[ROUTE], client_of(scope)
        places = self._streams if route.stream else self._requests
        started = Started(patient(send))
        try:
            async with places.take(client):
                try:
                    await self._serve(route, client, scope, receive, started)
                except Refusal as refusal:
                    if refusal.status != _TOO_LARGE or started.yes:
                        raise
                    await refuse(started, refusal.status, refusal.text, rest=lambda: discard(receive))
        except Refusal as refusal:
            if not started.yes:
                await refuse(send, refusal.status, refusal.text, [(b"retry-after", b"5")])
        except NotRead:
            return

    async def _serve(self, route: Route, client: str, scope: Scope, receive: Receive, send: Started) -> None:
        if route.kind == "upload":
            await self._upload(client, scope, receive, send)
        elif route.kind == "none":
            BoundedBody(scope, receive, 0)
            await self._app(scope, receive, send)
        elif route.kind in ("image", "mcp"):
            await self._image(route, client, scope, receive, send)
        else:
            body = await BoundedBody(scope, receive, MAX_CALL_BYTES if route.kind == "call" else _SMALL_BYTES).read()
            if route.kind == "login":
                await self._login(client, scope, replay(body, receive), send)
            else:
                await self._app(scope, replay(body, receive), send)

    async def _image(self, route: Route, client: str, scope: Scope, receive: Receive, send: Started) -> None:
        """Serve a call that may carry an image as text. A large one of MCP calls the endpoint, which claims memory."""
        body = BoundedBody(scope, receive, self._memory.body)
        async with AsyncExitStack() as stack:
            size = self._memory.body if body.declared is None else body.declared
            if size > _LARGE_BYTES and route.kind == "mcp":
                await stack.enter_async_context(self._large_calls.take("mcp"))
            elif size > _LARGE_BYTES:
                await stack.enter_async_context(self._bodies.take("body", _COPIES * size))
                await stack.enter_async_context(self._collected(size))
            data = await body.read()
            check_json(data)
            await self._app(scope, replay(data, receive), send)

    @asynccontextmanager
    async def _collected(self, size: int) -> AsyncIterator[None]:
        """Collect garbage after so many bytes of bodies: a failed call leaves its body in a cycle of frames."""
        try:
            yield
        finally:
            self._uncollected += size
            if self._uncollected >= _COLLECTED_BYTES:
                self._uncollected = 0
                gc.collect()
                return_freed_memory()

    async def _upload(self, client: str, scope: Scope, receive: Receive, send: Started) -> None:
        """Stream an upload to disk. If it is refused on the way, the app sees a visitor who has left."""
        self._uploads.check()
        body = BoundedBody(scope, receive, self._memory.upload + _SMALL_BYTES)
        refusals: list[Refusal] = []

        async def bounded() -> Message:
            if refusals:
                return {"type": "http.disconnect"}
            try:
                return await body.message()
            except Refusal as refusal:
                refusals.append(refusal)
                return {"type": "http.disconnect"}

        size = self._memory.upload if body.declared is None else body.declared
        answer = Recorder(send)
        try:
            async with self._bodies.take("body", _COPIES * size):
                await self._app(scope, bounded, answer)
        except Exception:
            if not refusals:
                raise
        if refusals:
            raise refusals[0]
        self._uploads.note(client, answer.body)

    async def _login(self, client: str, scope: Scope, receive: Receive, send: Started) -> None:
        async def attempt() -> bool:
            answer = Recorder(send)
            await self._app(scope, receive, answer)
            return answer.status >= 400

        await self._logins.login(client, attempt)


class Started:
    """A `send` that knows whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.yes = False

    async def __call__(self, message: Message) -> None:
        self.yes = True
        await self._send(message)


class Recorder:
    """A `send` that keeps the status and the first bytes of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
        elif len(self.body) < _LARGE_BYTES:
            self.body += message.get("body", b"")
        await self._send(message)
