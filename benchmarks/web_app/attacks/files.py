"""Addresses that read files, fetch from elsewhere, write, or tell what is inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from benchmarks.web_app.attacks.target import Attack, Target

_HOSTNAME = "/etc/hostname"
_UP = "../" * 12

PATHS = (
    f"/gradio_api/file={_HOSTNAME}",
    f"/gradio_api/file/{_HOSTNAME}",
    f"/gradio_api/file={_UP}etc/hostname",
    f"/gradio_api/file={quote(_HOSTNAME, safe='')}",
    "/gradio_api/file=http://127.0.0.1:9/",
    "/gradio_api/proxy=http://127.0.0.1:9/",
    "/gradio_api/proxy=https://evil.hf.space/",
    f"/static/{_UP}etc/hostname",
    f"/assets/{quote(_UP, safe='')}etc/hostname",
    f"/svelte/..%2f..%2f{_UP}etc/hostname",
    f"/pictures/panel/{_UP}etc/hostname",
    "/pictures/panel/1%00.png",
    f"/gradio_api/custom_component/x/client/component/{_UP}etc/hostname",
    "/gradio_api/deep_link?session_hash=x",
    "/gradio_api/startup-events",
    "/gradio_api/dev/reload",
    "/gradio_api/vibe-code/",
    "/gradio_api/runs",
    "/gradio_api/run-history/buckets",
    "/gradio_api/stream/x/0/1/playlist.m3u8",
    "/gradio_api/upload_progress?upload_id=x",
    "/monitoring",
    "/monitoring/x",
    "/monitoring/summary",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/logs/../../etc/hostname",
)
POSTS = (
    "/gradio_api/vibe-edit/",
    "/gradio_api/process_recording",
    "/gradio_api/run-history/connect",
    "/gradio_api/stream/x",
    "/gradio_api/call/lambda",
    "/gradio_api/run/predict",
    "/gradio_api/profiling/clear",
)


def attacks() -> Iterator[Attack]:
    """Yield an attack for every address."""
    for path in PATHS:
        yield Attack("address", f"GET {path}", "40[0345]", lambda t, p=path: t.request("GET", p))
    for path in POSTS:
        yield Attack("address", f"POST {path}", "404", lambda t, p=path: t.request("POST", p, {}))
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS"):
        yield Attack("address", f"{method} /", "405|400|closed", lambda t, m=method: t.request(m, "/"))
    yield Attack("address", "the catalog by its path", "404", lambda t: t.request("GET", _catalog(t)))
    yield Attack("address", "an upload by its path", "404", _own_upload)
    yield Attack("address", "paths in /config", "none", _config)
    yield Attack("address", "a WebSocket", "40[0345]", _websocket)


def _catalog(target: Target) -> str:
    return f"/gradio_api/file={quote(str(target.index / 'catalog.sqlite'))}"


def _own_upload(target: Target) -> object:
    path = target.upload(b"<script>alert(1)</script>", "a.html").body.decode().strip('[]"')
    return target.request("GET", f"/gradio_api/file={quote(path)}")


def _config(target: Target) -> str:
    text = target.request("GET", "/config").body.decode() + target.request("GET", "/").body.decode()
    secrets = (str(target.index), "/etc/", "site-packages", "panelseek-")
    return ", ".join(secret for secret in secrets if secret in text) or "none"


def _websocket(target: Target) -> Any:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": "https://evil.example",
    }
    return target.request("GET", "/gradio_api/queue/join", headers=headers)
