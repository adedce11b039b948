"""The gate: which requests reach the web app, by their names, origins, addresses and cookies."""

from __future__ import annotations

from typing import Any

import pytest

from retrieval.errors import UsageError
from tests.web.loops import run_coroutine
from ui.web.security.clients import client_of
from ui.web.security.gate import Gate
from ui.web.security.headers import SecurityHeaders
from ui.web.security.origins import OwnAddress, is_loopback
from ui.web.security.routes import ROUTES, find_route

OWN = "http://127.0.0.1:7860"
CALL = "/gradio_api/component_server/"


def scope(method: str = "POST", path: str = CALL, scheme: str = "http", **headers: str) -> dict[str, Any]:
    """Return a request; `Host` is that of the server unless given."""
    named = {"host": "127.0.0.1:7860"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": scheme,
        "headers": raw,
        "client": ("127.0.0.1", 1),
    }


def answer(app: Any, request: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """Return status and headers of an app's answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    run_coroutine(app(request, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def reached(request: Any, _: Any, send: Any) -> None:
    """Answer 200 with what an app may send: permissions for other origins, and cookies for all sites."""
    headers = [
        (b"access-control-allow-origin", b"https://evil.example"),
        (b"Set-Cookie", b"token=1; HttpOnly; SameSite=none; Secure"),
        (b"x-method", request["method"].encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def gate(address: OwnAddress | None = None, logged_in: bool = True, tools: bool = True) -> Any:
    return SecurityHeaders(Gate(reached, address or OwnAddress("127.0.0.1"), lambda _: logged_in, tools))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:7861"},
        {"origin": "http://localhost:7860"},
        {"origin": "https://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1:7860.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site", "origin": OWN},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.example"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
        {"sec_fetch_site": "anything new"},
    ],
)
@pytest.mark.parametrize("path", [CALL, "/gradio_api/upload", "/gradio_api/queue/join", "/login", "/logout"])
def test_writes_of_other_origins_are_refused(path: str, headers: dict[str, str]) -> None:
    assert answer(gate(), scope(path=path, **headers))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OWN},
        {"origin": OWN, "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"host": "localhost:7860", "origin": "http://localhost:7860"},
        {"host": "[::1]:7860", "origin": "http://[::1]:7860"},
        {"host": "LOCALHOST.:7860", "origin": "http://localhost:7860"},
    ],
)
def test_own_pages_and_programs_are_served(headers: dict[str, str]) -> None:
    assert answer(gate(), scope(**headers))[0] == 200


@pytest.mark.parametrize(
    ("root_path", "headers", "served"),
    [
        ("/comics", {"origin": "https://nas.example", "sec_fetch_site": "same-origin"}, True),
        ("/comics", {"origin": "https://nas.example"}, False),
        ("/comics", {"origin": "http://nas.example", "x_forwarded_host": "nas.example"}, True),
        ("/comics", {"origin": "https://nas.example", "x_forwarded_host": "nas.example"}, False),
        (
            "/comics",
            {"origin": "https://nas.example", "x_forwarded_host": "nas.example", "x_forwarded_proto": "https"},
            True,
        ),
        ("/comics", {"origin": "https://evil.example", "x_forwarded_host": "nas.example"}, False),
        ("https://nas.example/comics", {"origin": "https://nas.example"}, True),
        ("https://nas.example/comics", {"host": "nas.example", "origin": "https://nas.example"}, True),
        ("https://nas.example:8443/comics", {"origin": "https://nas.example"}, False),
        ("https://nas.example/comics", {"origin": "http://nas.example"}, False),
        ("https://nas.example/comics", {"origin": "https://evil.example", "sec_fetch_site": "cross-site"}, False),
        (None, {"origin": "https://nas.example", "sec_fetch_site": "same-origin", "via": "1.1 proxy"}, True),
    ],
)
def test_behind_a_proxy(root_path: str | None, headers: dict[str, str], served: bool) -> None:
    """Origins are those that the browser sees: the configured address, else what the proxy forwards."""
    assert (answer(gate(OwnAddress("127.0.0.1", root_path)), scope(**headers))[0] == 200) == served


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "", "nas.example", "[::1"]
)
def test_a_server_on_loopback_answers_to_known_names_only(host: str) -> None:
    """With a password and below a path as well; a forwarded name changes nothing."""
    for address in (OwnAddress("127.0.0.1"), OwnAddress("::1", "/comics"), OwnAddress("localhost")):
        request = scope("GET", "/", host=host, x_forwarded_host="127.0.0.1")
        assert answer(gate(address), request)[0] == 400


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (OwnAddress("127.0.0.2"), "127.0.0.2:7860"),
        (OwnAddress("127.0.0.1", "https://nas.example/comics"), "nas.example"),
        (OwnAddress("0.0.0.0"), "anything.example"),
    ],
)
def test_names_that_are_known(address: OwnAddress, host: str) -> None:
    assert answer(gate(address), scope("GET", "/", host=host))[0] == 200


def test_links_from_other_websites_open_pages_but_frames_stay_empty() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert answer(gate(), scope("GET", "/", **link, sec_fetch_dest="document"))[0] == 200
    assert answer(gate(), scope("GET", "/", **link, sec_fetch_dest="iframe"))[0] == 403
    assert (
        answer(gate(), scope("GET", "/pictures/panel/1", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"))[0]
        == 403
    )


@pytest.mark.parametrize("path", ["/collections/export/zip", "/pictures/panel/1.png"])
def test_files_are_not_saved_by_links_of_other_websites(path: str) -> None:
    """Such a page would fill the visitor's folder of downloads, and let the server make files."""
    opened = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert answer(gate(), scope("GET", path, sec_fetch_site="cross-site", **opened))[0] == 403
    for site in ("same-origin", "none"):
        assert answer(gate(), scope("GET", path, sec_fetch_site=site, **opened))[0] == 200
    assert answer(gate(logged_in=False), scope("GET", path))[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/collections/export/zip", 405),
        ("GET", "/collections/export/exe", 404),
        ("GET", "/gradio_api/proxy=http://127.0.0.1/", 404),
        ("GET", "/gradio_api/file=/etc/hostname", 404),
        ("POST", "/gradio_api/vibe-edit/", 404),
        ("GET", "/gradio_api/deep_link", 404),
        ("GET", "/gradio_api/startup-events", 404),
        ("POST", "/gradio_api/run/predict", 404),
        ("GET", "/monitoring", 404),
        ("GET", "/logout", 405),
        ("GET", "/login", 405),
        ("OPTIONS", "/", 405),
        ("POST", "/pictures/panel/1", 405),
    ],
)
def test_addresses_that_the_web_app_does_not_use(method: str, path: str, status: int) -> None:
    assert answer(gate(), scope(method, path))[0] == status


def test_reading_changes_nothing() -> None:
    """No route takes both GET and a body, and logging out is a POST."""
    assert all(route.kind == "none" for route in ROUTES if "GET" in route.methods)
    status, headers = answer(gate(), scope("POST", "/logout"))
    assert (status, headers["x-method"]) == (200, "GET")


def test_without_a_login_only_the_form_is_there() -> None:
    for method, path, status in (
        ("GET", "/", 200),
        ("POST", "/login", 200),
        ("GET", "/assets/a.js", 200),
        ("GET", "/config", 401),
        ("GET", "/pictures/page/1", 401),
        ("POST", CALL, 401),
        ("GET", "/gradio_api/heartbeat/a", 401),
    ):
        assert answer(gate(logged_in=False), scope(method, path))[0] == status, path


def test_tools_are_there_only_if_models_may_use_them() -> None:
    assert not isinstance(find_route(scope("POST", "/gradio_api/mcp/http")), int)
    assert find_route(scope("POST", "/gradio_api/mcp/http"), tools=False) == 404


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    run_coroutine(gate()({**scope("GET", "/"), "type": "websocket"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_headers_of_every_answer() -> None:
    """Also of refusals: no frame, no other origin, no permission of the app's, and its cookies stay on this site."""
    for request in (scope("GET", "/"), scope(origin="null"), scope("GET", "/", host="evil.example")):
        headers = answer(gate(), request)[1]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control-")]
    assert answer(gate(), scope("GET", "/"))[1]["Set-Cookie"] == "token=1; HttpOnly; Secure; SameSite=Lax"


@pytest.mark.parametrize("root_path", ["ftp://nas.example", "https://", "http://nas.example:port/comics"])
def test_an_address_that_is_none_is_refused(root_path: str) -> None:
    with pytest.raises(UsageError, match="neither a path nor an address"):
        OwnAddress("127.0.0.1", root_path)


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.0.2", "::", "nas.example", "127.0.0.1.example")))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "10.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("::1", "2001:db8::1", "2001:db8::/64"),
        ("2001:db8::2:3", None, "2001:db8::/64"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
    ],
)
def test_clients(peer: str, forwarded: str | None, client: str) -> None:
    """Only a proxy on this machine is believed, and only its own entry."""
    request = scope(**({"x_forwarded_for": forwarded} if forwarded else {})) | {"client": (peer, 1)}
    assert client_of(request) == client
