"""A server under attack, requests to it with any header, and the record of one attack."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT = 60.0
EVIL = "https://evil.example"


@dataclass(frozen=True)
class Answer:
    """Status 0: the connection was closed without an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return str(self.status) if self.status else "closed"


@dataclass
class Target:
    """A server. index: its folder. cookie: that of a visitor who has logged in. pid: its process."""

    url: str
    index: Path
    pid: int
    cookie: str = ""

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        """Return the answer to a request, as a program sends it. The path is sent as it is."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        sent = {"Host": parts.netloc, **({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})}
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            for name, value in sent.items():
                connection.putheader(name, value)
            if data is not None and "Transfer-Encoding" not in sent:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, _read(answer))
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Return an open connection."""
        parts = urlsplit(self.url)
        return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=TIMEOUT)

    def log_in(self, name: str, password: str) -> None:
        """Keep the cookie of a login."""
        form = urlencode({"username": name, "password": password}).encode()
        answer = self.request("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
        self.cookie = answer.headers.get("set-cookie", "").split(";")[0]

    def component(self, function: str) -> int:
        """Return the number of the component that has a server function."""
        config = json.loads(self.request("GET", "/config").body)
        for each in config["components"]:
            if function in json.dumps(each.get("props", {}).get("server_fns", [])):
                return int(each["id"])
        raise LookupError(function)

    def call(self, function: str, payload: Any, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """Call a server function as the scripts of the web app do."""
        body = {
            "data": payload,
            "component_id": self.component(function),
            "fn_name": function,
            "session_hash": "attack",
        }
        return self.request("POST", "/gradio_api/component_server/", body, {**_JSON, **(headers or {})}, **more)

    def upload(self, data: bytes, name: str = "image.png", headers: Mapping[str, str] | None = None) -> Answer:
        """Upload a file as a browser does."""
        body, kind = multipart(data, name)
        return self.request("POST", "/gradio_api/upload", body, {"Content-Type": kind, **(headers or {})})


_JSON = {"Content-Type": "application/json"}


def _read(answer: http.client.HTTPResponse) -> bytes:
    if "text/event-stream" in (answer.getheader("content-type") or ""):
        return b""
    return answer.read()


def multipart(data: bytes, name: str) -> tuple[bytes, str]:
    """Return a body with one file, and its content type."""
    head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    return head + data + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


@dataclass(frozen=True)
class Attack:
    """One attack. expected: the finding if the server holds, as a regular expression."""

    group: str
    name: str
    expected: str
    run: Callable[[Target], object]

    def result(self, target: Target) -> tuple[str, bool]:
        """Run the attack; return its finding, and whether it is the expected one."""
        try:
            found = str(self.run(target))
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        return found, re.fullmatch(self.expected, found) is not None
