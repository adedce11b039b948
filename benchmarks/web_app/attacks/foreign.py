"""Requests from pages of other websites, and under other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.web_app.attacks.target import EVIL, Attack, Target, multipart

REFUSED = "403"
_TEXT = "text/plain"  # sent without a preflight
_FORM = "application/x-www-form-urlencoded"
_CALL = {"data": {}, "component_id": 1, "fn_name": "build_start", "session_hash": "x"}

SENDERS: dict[str, Mapping[str, str]] = {
    "another website": {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    "another website, old browser": {"Origin": EVIL},
    "another website, no Origin": {"Sec-Fetch-Site": "cross-site"},
    "a sandboxed frame": {"Origin": "null"},
    "another port of this machine": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "another port, old browser": {"Origin": "http://localhost:1"},
    "a frame, as a navigation": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
}
WRITES: dict[str, tuple[str, str, Any]] = {
    "component_server": ("/gradio_api/component_server", _TEXT, _CALL),
    "component_server/": ("/gradio_api/component_server/", _TEXT, _CALL),
    "queue/join": ("/gradio_api/queue/join", _TEXT, {"data": ["rain"], "fn_index": 0, "session_hash": "x"}),
    "call": ("/gradio_api/call/search_panels", _TEXT, {"data": ["rain"]}),
    "run": ("/gradio_api/run/search_panels", _TEXT, {"data": ["rain"]}),
    "cancel": ("/gradio_api/cancel", _TEXT, {"session_hash": "x", "fn_index": 0, "event_id": "x"}),
    "upload": ("/gradio_api/upload", multipart(b"x", "a.png")[1], multipart(b"x", "a.png")[0]),
    "login": ("/login", _FORM, b"username=ann&password=x"),
    "logout": ("/logout", _FORM, b""),
    "mcp": ("/gradio_api/mcp/http", _TEXT, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
}
READS = ("/config", "/gradio_api/info", "/pictures/panel/1", "/map/points", "/gradio_api/queue/data?session_hash=x")


def attacks() -> Iterator[Attack]:
    """Yield every write from every sender, reads, preflights, frames, and other names."""
    for sender, headers in SENDERS.items():
        for write, (path, kind, body) in WRITES.items():
            yield Attack("foreign page", f"{write} from {sender}", REFUSED, _post(path, kind, body, headers))
    for path in READS:
        headers = SENDERS["another website"]
        yield Attack(
            "foreign page", f"reads {path}", REFUSED, lambda t, p=path, h=headers: t.request("GET", p, headers=h)
        )
    for origin in (EVIL, "null", "http://localhost:1"):
        yield Attack("foreign page", f"preflight from {origin}", "403 allows nothing", _preflight(origin))
        yield Attack("foreign page", f"permission for {origin}", "40[013] allows nothing", _preflight(origin, "GET"))
    yield Attack("foreign page", "log out by a link", "405", lambda t: t.request("GET", "/logout"))
    yield Attack("foreign page", "in a frame", "DENY, 'none', same-origin, same-origin", _frame)
    for name in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", ""):
        yield Attack("other name", f"Host: {name}", "400", lambda t, n=name: t.request("GET", "/", headers={"Host": n}))
    rebound = {"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1", "Origin": "http://evil.example"}
    yield Attack(
        "other name",
        "a name made to point here",
        "400",
        lambda t: t.request(
            "POST", "/gradio_api/component_server/", _CALL, {**rebound, "Sec-Fetch-Site": "same-origin"}
        ),
    )


def _post(path: str, kind: str, body: Any, headers: Mapping[str, str]) -> Any:
    return lambda target: target.request("POST", path, body, {"Content-Type": kind, **headers})


def _preflight(origin: str, method: str = "OPTIONS") -> Any:
    def run(target: Target) -> str:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = target.request(
            method, "/gradio_api/component_server/" if method == "OPTIONS" else "/config", None, headers
        )
        allowed = [name for name in answer.headers if name.startswith("access-control-")]
        return f"{answer} allows {', '.join(allowed) or 'nothing'}"

    return run


def _frame(target: Target) -> str:
    headers = target.request("GET", "/").headers
    ancestors = headers.get("content-security-policy", "").partition("frame-ancestors ")[2].split(";")[0]
    names = ("cross-origin-resource-policy", "cross-origin-opener-policy")
    return ", ".join([headers.get("x-frame-options", ""), ancestors, *(headers.get(name, "") for name in names)])
