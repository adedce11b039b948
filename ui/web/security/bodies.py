"""Bodies of requests, bounded while they arrive: in bytes, in time, and in what they become when they are parsed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from ui.web.security.asgi import Message, Receive, Scope, Send, header

_MIB = 2**20

IDLE_SECONDS = 20.0
"""Seconds without a byte after which a request is given up, and seconds that any request may take to arrive."""

SLOWEST = 16 * 1024
"""Bytes per second of a large body: slower ones are given up."""

SEND_SECONDS = 60.0
"""Seconds that a browser may take to accept a part of an answer."""

_DISCARDED = 64 * _MIB
_DISCARD_SECONDS = 5.0
"""Bytes and seconds of a refused body that are read and dropped, so that the client sees why."""

_LARGE = _MIB
_MOST_MARKS = 10_000
_MARKS = (b",", b"[", b"{", b":", b"\\")
"""Characters that JSON needs for every further value. Base64 has none, and each may take 60 bytes of memory."""


class Refusal(Exception):
    """Why a request is refused: the status and the text of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class BoundedBody:
    """The body of one request. Counts bytes and time whether or not the request names its length."""

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._size = 0
        self._started = time.monotonic()
        self.declared = _declared_size(scope)
        if self.declared is not None and self.declared > most:
            raise self._too_large()
        encoding = header(scope, "content-encoding")
        if encoding and encoding.lower() != "identity":
            raise Refusal(415, "Compressed requests are not accepted.")

    def _too_large(self) -> Refusal:
        shown = f"{self._most / _MIB:.0f} MB" if self._most >= _MIB else f"{self._most // 1024} KB"
        return Refusal(413, f"The request is larger than {shown}.")

    async def message(self) -> Message:
        """Return the next part. Raises `Refusal` if there is too much of it, or if it does not come."""
        left = self._started + IDLE_SECONDS + self._size / SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, min(IDLE_SECONDS, left)))
        except TimeoutError:
            raise Refusal(408, "The request took too long to arrive.") from None
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise self._too_large()
        return message

    async def read(self) -> bytes:
        """Return the whole body. Raises `Refusal`; also if the visitor leaves before its end."""
        parts = []
        while True:
            message = await self.message()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "The request ended early.")
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)


def _declared_size(scope: Scope) -> int | None:
    length = header(scope, "content-length")
    return int(length) if length is not None and length.isascii() and length.isdecimal() else None


async def discard(receive: Receive) -> None:
    """Read the rest of a refused body for a moment, and drop it."""
    size, end = 0, time.monotonic() + _DISCARD_SECONDS
    while size < _DISCARDED and (left := end - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(receive(), left)
        except TimeoutError:
            return
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def check_json(body: bytes) -> None:
    """Refuse a body that becomes many values (1 MB of `{},{},` takes 25 MB), or names a file. Raises `Refusal`."""
    if len(body) > _LARGE and (not body.isascii() or sum(body.count(mark) for mark in _MARKS) > _MOST_MARKS):
        raise Refusal(413, "Only an image may be that large.")
    if b"meta" in body or b"\\" in body:  # the word may be written in escapes
        try:
            names_file = _names_file(json.loads(body))
        except (ValueError, RecursionError):
            return  # no JSON, which the app says
        if names_file:
            raise Refusal(400, "Send the bytes of an image in base64, not a path or an address.")


def _names_file(value: Any) -> bool:
    """Return True if an object stands for a file, which Gradio would open, or fetch from its address."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "meta" in item or "orig_name" in item:
                return True
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return False


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body read before, and then what follows."""
    sent = False

    async def next_message() -> Message:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return next_message


class NotRead(Exception):
    """A browser does not read its answer."""


def patient(send: Send) -> Send:
    """Return a `send` that raises `NotRead` if a browser does not accept a part of its answer in time."""

    async def send_in_time(message: Message) -> None:
        try:
            await asyncio.wait_for(send(message), SEND_SECONDS)
        except TimeoutError:
            raise NotRead from None

    return send_in_time
