"""Values that a search does not expect: addresses, paths, programs, giants, markup."""

from __future__ import annotations

import base64
import json
import pickle
import socket
import struct
import tempfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.web_app.attacks.target import Attack, Target

_JSON = {"Content-Type": "application/json"}
_PANIC = "Traceback|most recent call last|site-packages|/etc/"


def attacks() -> Iterator[Attack]:
    """Yield attacks by the fields of a search and the functions of the scripts."""
    for image in ("/etc/hostname", "file:///etc/hostname", "data:text/html;base64,PGI+", "x" * 100):
        yield Attack("input", f"image {image[:30]}", "a sentence", lambda t, i=image: sentence(t, image=i))
    yield Attack("input", "image as an address", "a sentence, not fetched", _fetched)
    yield Attack("input", "an object with an address as the image", "a sentence, not fetched", _fetched_object)
    for field, value in (("k", 10**9), ("k", -1), ("k", "9"), ("offset", 10**12), ("panel", 10**30), ("view", "x")):
        yield Attack(
            "input", f"{field} = {value}", "a sentence", lambda t, f=field, v=value: sentence(t, text="a", **{f: v})
        )
    for where in ({"x": 1}, {"book": {"$ne": 1}}, {"book": "'; DROP TABLE panels; --"}, "1=1", [[]]):
        yield Attack(
            "input", f"where = {where}", "a sentence|an answer", lambda t, w=where: sentence(t, text="a", where=w)
        )
    yield Attack(
        "input", "a picture of 3,600 megapixels in 100 bytes", "a sentence", lambda t: sentence(t, image=_b64(bomb()))
    )
    yield Attack("input", "a pickle as a picture", "a sentence, not run", _pickle)
    yield Attack("input", "JSON nested 100,000 deep", "400|422", lambda t: _raw(t, b"[" * 100_000))
    yield Attack(
        "input", "100,000 values in one call", "413", lambda t: _raw(t, b'{"data":[' + b"{}," * 100_000 + b"{}]}")
    )
    for name in ("__init__", "get_config", "postprocess", "__class__", "load", "../search", "build_start"):
        yield Attack("input", f"server function {name}", "404|400", lambda t, n=name: _function(t, n))
    for path in ("/etc/hostname", "../../../etc/hostname", "/proc/self/environ", "\x00"):
        yield Attack("input", f"upload named {path!r}", "no file", lambda t, p=path: _upload_path(t, p))
    for name in ("../../x.png", "..\\..\\x.png", "/etc/x.png", "a\x00.png", ".htaccess"):
        yield Attack("input", f"file named {name!r}", "inside|40[03]", lambda t, n=name: _upload_name(t, n))
    yield Attack("input", "markup in a query", "escaped", _markup)


def sentence(target: Target, **arguments: Any) -> str:
    """Return the kind of answer of a search: an answer, a sentence, or the text that a visitor must never see."""
    answer = target.request("POST", "/gradio_api/run/search_panels", {"data": _arguments(arguments)}, _JSON)
    text = answer.body.decode(errors="replace")
    if answer.status == 200 and '"hits"' in text:
        return "an answer"
    if any(word in text for word in _PANIC.split("|")):
        return text[:200]
    return "a sentence" if answer.status in (200, 400, 413, 422, 500) and text else f"{answer} {text[:100]}"


def _arguments(given: dict[str, Any]) -> list[Any]:
    defaults = {"text": "", "image": "", "panel": 0, "negative": "", "view": "", "where": None, "k": 12, "offset": 0}
    return list({**defaults, "group_by": "", **given}.values())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bomb(side: int = 60_000) -> bytes:
    """Return a PNG of a few bytes whose header names `side` pixels in width and height."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return head + struct.pack(">I", 10) + b"IDAT" + bytes(14)


def _fetched(target: Target) -> str:
    return _with_listener(lambda url: sentence(target, image=url))


def _fetched_object(target: Target) -> str:
    kinds = {"_type": "gradio.FileData"}
    return _with_listener(lambda url: sentence(target, image={"path": url, "url": url, "meta": kinds}))


def _with_listener(run: Any) -> str:
    """Run a search with an address of this machine, and tell whether something came there."""
    came = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)

        def accept() -> None:
            try:
                server.accept()[0].close()
                came.set()
            except OSError:
                return

        said = run(f"http://127.0.0.1:{server.getsockname()[1]}/x.png")
        threading.Thread(target=accept, daemon=True).start()
        return f"{said}, {'fetched' if came.wait(0.6) else 'not fetched'}"


class _Runs:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def _pickle(target: Target) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ran"
        said = sentence(target, image=_b64(pickle.dumps(_Runs(path))))
        return f"{said}, {'run' if path.exists() else 'not run'}"


def _raw(target: Target, body: bytes) -> object:
    return target.request("POST", "/gradio_api/component_server/", body, _JSON)


def _function(target: Target, name: str) -> object:
    body = {"data": {}, "component_id": target.component("search"), "fn_name": name, "session_hash": "attack"}
    return target.request("POST", "/gradio_api/component_server/", body, _JSON)


def _upload_path(target: Target, path: str) -> str:
    answer = target.call("search", {"address": "?picture=x", "upload": path, "start": 0, "count": 1, "preview": True})
    text = answer.body.decode(errors="replace")
    hostname = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "root:"
    return "a file" if hostname in text or "root:" in text or answer.status >= 500 else "no file"


def _upload_name(target: Target, name: str) -> str:
    answer = target.upload(b"x", name)
    if answer.status != 200:
        return str(answer)
    path = Path(json.loads(answer.body)[0])
    return "inside" if ".." not in path.parts and any(p.startswith("panelseek-") for p in path.parts) else str(path)


def _markup(target: Target) -> str:
    query = "%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"
    answer = target.call("search", {"address": f"?q={query}", "start": 0, "count": 1}).body.decode()
    return "markup" if "<img src=x onerror" in json.loads(answer).get("summary", "") else "escaped"
