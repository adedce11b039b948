"""Surroundings of a server: variables of its environment, and links in the folder that visitors may build."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
from PIL import Image

from benchmarks.web_app.attacks.target import Attack, Target

VARIABLES: dict[str, dict[str, str]] = {
    "GRADIO_ALLOWED_PATHS=/": {"GRADIO_ALLOWED_PATHS": "/"},
    "GRADIO_DEBUG=1": {"GRADIO_DEBUG": "1"},
    "GRADIO_SHARE, _SERVER_NAME, _ROOT_PATH": {
        "GRADIO_SHARE": "True",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_ROOT_PATH": "/evil",
        "GRADIO_SSR_MODE": "True",
        "GRADIO_NUM_WORKERS": "2",
        "GRADIO_VIBE_MODE": "1",
        "GRADIO_MCP_SERVER": "True",
        "GRADIO_WATCH_DIRS": "/tmp",
        "FORWARDED_ALLOW_IPS": "*",
        "SYSTEM": "spaces",
        "SPACE_ID": "evil/evil",
    },
    "http_proxy": {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"},
    "ALL_PROXY=socks5": {"ALL_PROXY": "socks5://127.0.0.1:9", "no_proxy": "example.com"},
    "all_proxy without a meaning": {"all_proxy": "nonsense://127.0.0.1:x", "HTTP_PROXY": "[::1"},
}
"""Variables that must have no effect on a server."""


def attacks() -> Iterator[Attack]:
    """Yield attacks on a server that was started with some of the variables."""
    yield Attack(
        "environment", "a file of this machine", "404", lambda t: t.request("GET", "/gradio_api/file=/etc/hostname")
    )
    yield Attack("environment", "where it listens", r"127\.0\.0\.1", _listens)
    yield Attack("environment", "the path that it names", "none", _root_path)
    yield Attack("environment", "one Ctrl-C", "ended", _interrupted)


def _listens(target: Target) -> str:
    connections = psutil.Process(target.pid).net_connections("tcp")
    return " ".join(sorted({each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}))


def _root_path(target: Target) -> str:
    return "evil" if "/evil" in target.request("GET", "/config").body.decode() else "none"


def _interrupted(target: Target) -> str:
    process = psutil.Process(target.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except psutil.TimeoutExpired:
        return "still there"
    return "ended"


# ---------------------------------------------------------------------- builds

_PAGES = """
SELECT page.id FROM page JOIN book ON book.id = page.book_id JOIN source ON source.id = book.source_id
WHERE source.path LIKE ?
"""


def lay_links(root: Path, outside: Path) -> None:
    """Fill a folder with a comic, and with links of every kind that lead to another comic outside."""
    for folder, colour in ((root / "shelf" / "Own", "red"), (outside / "Secret", "blue")):
        folder.mkdir(parents=True)
        Image.new("RGB", (400, 600), colour).save(folder / "1.png")
    (root / "linked folder").symlink_to(outside / "Secret")
    (root / "shelf" / "linked.png").symlink_to(outside / "Secret" / "1.png")
    (root / "shelf" / "Own" / "2.png").symlink_to(outside / "Secret" / "1.png")
    (root / "shelf" / "up").symlink_to("../../outside", target_is_directory=True)
    (root / "shelf" / "Own" / "1.json").symlink_to(outside / "secret.json")
    (outside / "secret.json").write_text(json.dumps({"panels": [{"bbox": [0, 0, 100, 100], "text": "outside"}]}))
    (root / "chain").symlink_to(root / "linked folder")


def build_attacks(root: Path, outside: Path) -> Iterator[Attack]:
    """Yield attacks on a server with `--allow-build root`."""
    for path in ("..", "../outside", "shelf/../..", "/etc", "linked folder", "shelf/up", "SHELF/../../outside", "\x00"):
        yield Attack("build", f"a folder named {path!r}", "refused", lambda t, p=path: _start(t, 0, p))
    for number in (-1, 1, "0x0", None, 10**30):
        yield Attack("build", f"root {number}", "refused", lambda t, n=number: _start(t, n, ""))
    yield Attack("build", "links inside the folder", "1 page, nothing of outside", lambda t: _built(t, outside))


def _start(target: Target, root: Any, path: str) -> str:
    answer = target.call("build_start", {"root": root, "path": path})
    return "started" if answer.status == 200 and json.loads(answer.body).get("running") else "refused"


def _built(target: Target, outside: Path) -> str:
    """Build everything that may be built, and look into the catalog."""
    if _start(target, 0, "") != "started":
        return "not started"
    while json.loads(target.call("build_state", {}).body)["running"]:
        time.sleep(0.5)
    url = f"file:{quote(str(target.index / 'catalog.sqlite'))}?mode=ro"
    with closing(sqlite3.connect(url, uri=True)) as catalog:
        pages = catalog.execute(_PAGES, (f"%{outside.parent.name}%",)).fetchall()
        texts = catalog.execute("SELECT id FROM panel WHERE dialogue LIKE '%outside%'").fetchall()
    return f"{len(pages)} page{'s' if len(pages) != 1 else ''}, {'text' if texts else 'nothing'} of outside"
