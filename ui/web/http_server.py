"""The HTTP server: uvicorn in a thread, with bounds on connections that send nothing or half a request."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from retrieval.errors import UsageError

HEADER_SECONDS = 10.0
"""Seconds that a connection may take to send the headers of a request, the first or a later one."""

MAX_UNFINISHED = 128
"""Connections at once whose headers are incomplete. One more closes the oldest: half requests never take all places."""

MAX_CONNECTIONS = 512
MAX_HEADER_BYTES = 256 * 1024
"""Bytes of the first line and the headers: a link to a search may have 20,000 characters, each encoded as 9 bytes."""

_KEEP_ALIVE_SECONDS = 5
_STOP_SECONDS = 3
_START_SECONDS = 30.0


class BoundedProtocol(H11Protocol):
    """A connection that is closed if the headers of a request do not arrive in time."""

    _unfinished: dict[BoundedProtocol, None] = {}  # noqa: RUF012 (shared by all connections, the oldest first)
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Start or end the time limit, depending on whether the headers are complete."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._start_timer()
        else:
            self._stop_timer()

    def on_response_complete(self) -> None:
        """Count a connection without a request among the unfinished ones, so that the oldest can make room."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is not None:
            return
        self._timer = self.loop.call_later(HEADER_SECONDS, self._close)
        self._unfinished[self] = None
        if len(self._unfinished) > MAX_UNFINISHED:
            next(iter(self._unfinished))._close()

    def _stop_timer(self) -> None:
        self._unfinished.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._stop_timer()
        self.transport.abort()


class HttpServer:
    """One app served at an address until `close`."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.url = local_url(host, port)
        self._server = uvicorn.Server(_config(app, host.strip("[]"), port))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Listen. Raises `UsageError` if the address cannot be used."""
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise UsageError(f"the server cannot listen on {self._host}:{self._port}", hint="choose another --port")
            time.sleep(0.005)

    def _run(self) -> None:
        with suppress(SystemExit):  # uvicorn exits if it cannot listen; `start` reports it
            self._server.run()

    def close(self) -> None:
        """Stop listening, and end the requests under way after a few seconds."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it reports every request that it ends
        self._server.should_exit = True
        self._thread.join(2 * _STOP_SECONDS)


def local_url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens on a host."""
    name = host.strip("[]")
    name = {"0.0.0.0": "localhost", "::": "localhost", "": "localhost"}.get(name, name)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def _config(app: Any, host: str, port: int) -> uvicorn.Config:
    """Return the settings of uvicorn; none is left to its environment variables."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level="error",
        access_log=False,
        workers=1,
        proxy_headers=False,  # `security.clients` reads them
        forwarded_allow_ips="",
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )
