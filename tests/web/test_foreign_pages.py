"""Pages of other websites in Chromium: what they send changes nothing, and what they embed stays empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from retrieval import PanelIndex
from tests.web.library import draw_book
from tests.web.serving import Running, behind_a_proxy, served

PAGE = """<!doctype html><title>foreign</title><body><script>
const target = %s;
const call = target + "gradio_api/component_server";
const data = {root: 0, path: "", panel: 1, others: [2], look: "start", kept: true, do: "delete", name: "Ships"};
const start = (fn) => JSON.stringify({data, component_id: 1, fn_name: fn, session_hash: "x"});
const writes = [
  "build_start", "lookalikes_reject", "lookalikes_state", "map_state", "keep_panel", "collection_change",
];
const done = [];
const tag = (name, attributes) => new Promise((resolve) => {
  const element = Object.assign(document.createElement(name), attributes);
  element.onload = () => resolve(name + " loaded");
  element.onerror = () => resolve(name + " refused");
  document.body.append(element);
  setTimeout(() => resolve(name + " waited"), 3000);
});
function form(action, enctype, name, value) {
  const frame = Object.assign(document.createElement("iframe"), {name: "f" + document.forms.length});
  const sent = Object.assign(document.createElement("form"), {method: "POST", action, enctype, target: frame.name});
  sent.append(Object.assign(document.createElement("input"), {name, value}));
  document.body.append(frame, sent);
  sent.submit();
}
const post = (path, body, type) => fetch(target + path, {
  method: "POST", mode: "no-cors", credentials: "include", body, headers: type ? {"content-type": type} : {},
}).then(() => "sent", () => "refused");
const read = (path, mode) => fetch(target + path, {mode, credentials: "include"})
  .then(async (answer) => "read " + (await answer.text()).length, () => "refused");
async function attack() {
  for (const fn of writes) {
    await post("gradio_api/component_server", start(fn), "text/plain");
    await post("gradio_api/component_server/", start(fn), "text/plain");
    form(call, "text/plain", start(fn).slice(0, -1) + ',"x":"', '"}');
  }
  const files = new FormData();
  files.append("files", new Blob(["foreign"]), "foreign.png");
  await post("gradio_api/upload", files);
  await post("gradio_api/queue/join", JSON.stringify({data: ["rain"], fn_index: 0, session_hash: "x"}), "text/plain");
  await post("login", new URLSearchParams({username: "ann", password: "wrong"}));
  await post("logout", "");
  const found = {
    config: await read("config", "cors"),
    panel: await read("pictures/panel/1", "no-cors"),
    file: await read("pictures/panel/1.png", "no-cors"),
    export: await read("collections/export/zip?name=Ships", "no-cors"),
    image: await tag("img", {src: target + "pictures/panel/1"}),
    page: await tag("img", {src: target + "pictures/page/1"}),
    script: await tag("script", {src: target + "config"}),
    logout: await tag("img", {src: target + "logout"}),
    events: await new Promise((resolve) => {
      const source = new EventSource(target + "gradio_api/heartbeat/foreign", {withCredentials: true});
      source.onmessage = () => resolve("read");
      source.onerror = () => resolve("refused");
    }),
  };
  await tag("iframe", {src: target});
  await tag("iframe", {src: target, sandbox: "allow-scripts"});
  return found;
}
</script>"""


class Foreign(BaseHTTPRequestHandler):
    """Any address answers with the page."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def foreign(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a function that serves the page against a target; it returns the port."""
    with ExitStack() as stack:

        def serve(target: str) -> int:
            handler = type("Handler", (Foreign,), {"page": (PAGE % json.dumps(target)).encode()})
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            stack.callback(server.shutdown)
            Thread(target=server.serve_forever, daemon=True).start()
            return int(server.server_address[1])

        yield serve


@pytest.fixture(params=["plain", "with a password", "below a path"])
def target(request: pytest.FixtureRequest, index: PanelIndex, tmp_path: Path) -> Iterator[tuple[str, Running, str]]:
    """The address, the server and the password of a server that may build."""
    draw_book(tmp_path / "root" / "Later", {"1": 90})
    variables = {
        "plain": {},
        "with a password": {"PANELSEEK_AUTH": "ann:secret"},
        "below a path": {"PANELSEEK_ROOT_PATH": "/comics"},
    }[request.param]
    with ExitStack() as stack:
        roots = [tmp_path / "root"]
        server = stack.enter_context(served(index.folder, tmp_path / "tmp", build_roots=roots, **variables))
        below = request.param == "below a path"
        url = stack.enter_context(behind_a_proxy(server.url, "/comics")) if below else server.url
        yield url, server, "secret" if "PANELSEEK_AUTH" in variables else ""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_foreign_page_changes_and_reads_nothing(
    chromium: Any, target: tuple[str, Running, str], foreign: Any, host: str
) -> None:
    """Neither from another site (localhost) nor from another port of the same one, also with a visitor's login.

    Forms, calls without a preflight, uploads, images, scripts, event streams and frames: all are answered with 403.
    """
    url, server, password = target
    context = chromium.new_context()
    if password:
        login = context.request.post(f"{url}login", form={"username": "ann", "password": password})
        assert login.status == 200
    page = context.new_page()
    statuses: dict[str, set[int]] = {}
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.on(
        "response",
        lambda answer: answer.url.startswith(url) and statuses.setdefault(answer.url, set()).add(answer.status),
    )
    page.goto(f"http://{host}:{foreign(url)}/")
    found = page.evaluate("attack()")
    assert found["image"] == found["page"] == found["logout"] == "img refused"
    assert found["script"] == "script refused"
    assert found["config"] == found["panel"] == found["events"] == "refused"
    assert found["file"] == found["export"] == "refused"
    assert len([each for each in sent if each.startswith(url)]) > 20
    assert {each for values in statuses.values() for each in values} == {403}, statuses
    assert [frame for frame in page.frames if frame.url.startswith(url) and frame.query_selector("#q")] == []
    assert [path for path in server.folder.rglob("*") if path.is_file()] == []  # no upload
    if password:
        assert context.request.get(f"{url}config").status == 200  # still logged in
    context.close()
    if not password:
        assert _build_state(url)["running"] is False
        assert "nothing" not in _build_state(url)["html"]


def _build_state(url: str) -> Any:
    """Return the state of the build, as a program asks for it."""
    with urlopen(f"{url}config") as answer:
        parts = json.load(answer)["components"]
    number = next(part["id"] for part in parts if "build_state" in json.dumps(part["props"].get("server_fns", [])))
    body = {"data": {}, "component_id": number, "fn_name": "build_state", "session_hash": "test"}
    request = Request(
        f"{url}gradio_api/component_server/", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urlopen(request) as answer:
        return json.load(answer)


def test_a_link_from_another_website_opens_the_page(chromium: Any, url: str, foreign: Any) -> None:
    """It is only other websites' requests that are refused, not visitors who follow a link."""
    page = chromium.new_page()
    page.goto(f"http://localhost:{foreign(url)}/")
    page.evaluate("target => location.assign(target)", f"{url}?q=lantern")
    page.locator("#answer .card").first.wait_for()
    page.close()
