"""One visitor who wants the machine: giants, floods, half-sent requests, guessed passwords. Memory is measured."""

from __future__ import annotations

import base64
import gzip
import io
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import psutil
from PIL import Image

from benchmarks.web_app.attacks.target import Attack, Target, multipart

MIB = 2**20
_SIDE = (12_200, 9_750)  # 119 megapixels
_JSON = {"Content-Type": "application/json"}
_CALL = "/gradio_api/component_server/"
_API = "/gradio_api/run/search_panels"


def attacks(memory: float = 1.5, share: float = 1.0) -> Iterator[Attack]:
    """Yield attacks on a server that may take `memory` GiB for requests.

    share: part of the large pictures, calls and uploads that are sent, above 0.
    """
    pictures, calls, uploads = (math.ceil(share * count) for count in (8, 40, 64))
    giants = {
        "JPEG": lambda: giant("JPEG"),
        "progressive JPEG": lambda: giant("JPEG", progressive=True, subsampling=0),
        "PNG": lambda: giant("PNG", compress_level=1),
        "turned PNG": lambda: giant("PNG", compress_level=1, exif=_turned()),
    }
    runs: dict[str, Callable[[Target], object]] = {
        **{f"pictures of 119 megapixels, {kind}": _pictures(make, pictures) for kind, make in giants.items()},
        "pictures of 119 megapixels in base64": lambda t: _base64_pictures(t, pictures),
        "JSON of 1 GB": lambda t: _stream(t, _CALL, 1024 * MIB, declared=True),
        "JSON of 1 GB in chunks": lambda t: _stream(t, _CALL, 1024 * MIB),
        "JSON of 1 GB to the endpoint in chunks": lambda t: _stream(t, _API, 1024 * MIB),
        "JSON of 60 MB in small values": lambda t: t.request(
            "POST", _API, b'{"data":[' + b"{}," * (20 * MIB) + b"0]}", _JSON
        ),
        "images of 60 MB in base64 at once": lambda t: _large_calls(t, calls),
        "uploads of 48 MB": lambda t: _uploads(t, uploads),
        "uploads that end halfway": _broken_uploads,
        "a compressed body": _compressed,
        "a form of 48 MB as text": _text_field,
    }
    for name, run in runs.items():
        yield Attack("memory", name, rf".* within {memory:g} GB, answers", _measured(run, memory))
    for name, run in {
        "600 connections that send nothing": lambda t: _half_sent(t, 600, b""),
        "600 half headers": lambda t: _half_sent(t, 600, b"GET / HTTP/1.1\r\nHost: x\r\nA: b"),
        "600 half bodies": lambda t: _half_sent(t, 600, _HALF_BODY),
        "600 connections kept after an answer": lambda t: _half_sent(t, 600, _KEPT),
        "300 streams": lambda t: _half_sent(t, 300, _STREAM),
        "100 answers that are not read": lambda t: _half_sent(t, 100, _UNREAD),
    }.items():
        yield Attack("flood", name, rf".* within {memory:g} GB, answers", _measured(run, memory))


_HALF_BODY = f"POST {_CALL} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{{".encode()
_KEPT = b"GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_STREAM = b"GET /gradio_api/heartbeat/abc HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_UNREAD = b"GET /theme.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20


def password_attacks() -> Iterator[Attack]:
    """Yield attacks on a server with the password ann:secret."""
    yield Attack("password", "60 guesses at once", "[0-9] looked at", _guesses)
    yield Attack("password", "the right password meanwhile, from elsewhere", "200 within 10 s", _right_password)
    yield Attack("password", "a large body without a login", "401", lambda t: _stream(t, _API, 70 * MIB))
    paths = ("/config", "/pictures/panel/1", "/map/points", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x")
    for path in paths:
        yield Attack("password", f"{path} without a login", "401", lambda t, p=path: t.request("GET", p))


def giant(image_format: str, **options: Any) -> bytes:
    """Return a picture of 119 megapixels."""
    small = Image.effect_noise((_SIDE[0] // 50, _SIDE[1] // 50), 60).convert("RGB")
    out = io.BytesIO()
    small.resize(_SIDE, Image.Resampling.NEAREST).save(out, image_format, **options)
    return out.getvalue()


def warm_up(target: Target) -> None:
    """Search by text and by image until the memory of the server stays as it is: the encoder is loaded by then."""
    out = io.BytesIO()
    Image.effect_noise((400, 600), 60).save(out, "PNG")
    path = target.upload(out.getvalue()).body.decode().strip('[]"')
    process, before = psutil.Process(target.pid), 0
    for _ in range(20):
        target.call("search", {"address": "?q=rain", "start": 0, "count": 1}, timeout=120)
        target.call("search", {"address": "?picture=x", "upload": path, "start": 0, "count": 1}, timeout=120)
        time.sleep(1)
        now = process.memory_info().rss
        if abs(now - before) < 5 * MIB:
            return
        before = now


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _measured(run: Callable[[Target], object], memory: float) -> Callable[[Target], str]:
    """Return an attack that also tells how much memory the server took, and whether it answers afterwards."""

    def measured(target: Target) -> str:
        process = psutil.Process(target.pid)
        before = peak = process.memory_info().rss
        stop = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.02):
                peak = max(peak, process.memory_info().rss)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            said = run(target)
        finally:
            stop.set()
            thread.join()
        took = (max(peak, before) - before) / 2**30
        bound = f"within {memory:g} GB" if took <= memory else "TOO MUCH"
        return f"{said}, {took:.2f} GB {bound}, {'answers' if _is_alive(target) else 'DEAD'}"

    return measured


def _is_alive(target: Target) -> bool:
    """Return True if the attacker itself gets the page, at once or when a refusal says that it may try again.

    Directly after a flood, its own requests may fill the places of its address for a moment.
    """
    answer = target.request("GET", "/", timeout=30)
    if answer.status == 503:
        time.sleep(float(answer.headers["retry-after"]))
        answer = target.request("GET", "/", timeout=30)
    return answer.status == 200


def _together(count: int, work: Callable[[int], object]) -> str:
    """Return how many of so many threads found what."""
    with ThreadPoolExecutor(count) as pool:
        found = [str(each) for each in pool.map(work, range(count))]
    return " ".join(f"{found.count(each)}x{each}" for each in sorted(set(found)))


def _pictures(make: Callable[[], bytes], count: int) -> Callable[[Target], object]:
    def run(target: Target) -> str:
        path = target.upload(make()).body.decode().strip('[]"')
        payload = {"address": "?picture=x", "upload": path, "start": 0, "count": 1, "preview": True}
        component = target.component("search")
        body = {"data": payload, "component_id": component, "fn_name": "search", "session_hash": "attack"}
        return _together(count, lambda _: target.request("POST", _CALL, body, _JSON, timeout=300))

    return run


def _base64_pictures(target: Target, count: int) -> str:
    image = base64.b64encode(giant("JPEG")).decode()
    body = {"data": ["", image, 0, "", "", None, 1, 0, ""]}
    return _together(count, lambda _: target.request("POST", _API, body, _JSON, timeout=300))


def _large_calls(target: Target, count: int) -> str:
    body = b'{"data":["","' + b"A" * (60 * MIB) + b'",0,"","",null,1,0,""]}'
    return _together(count, lambda _: target.request("POST", _API, body, _JSON, timeout=300))


def _stream(target: Target, path: str, size: int, declared: bool = False) -> object:
    """Send a body of zeros, with its length or in chunks, until the server stops reading."""
    length = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    part = b"0" * MIB
    with target.connect() as connection:
        with suppress(OSError):
            connection.sendall(head.encode())
            for _ in range(size // MIB):
                connection.sendall(part if declared else b"100000\r\n" + part + b"\r\n")
        with suppress(OSError):
            return connection.recv(100).split(b" ")[1].decode()
    return "closed"


def _uploads(target: Target, count: int) -> str:
    data = bytes(48 * MIB)
    return _together(count, lambda i: target.upload(data + bytes([i]), f"{i}.png"))


def _broken_uploads(target: Target) -> str:
    body, kind = multipart(bytes(10 * MIB), "x.png")
    lines = ("POST /gradio_api/upload HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}")
    head = "\r\n".join([*lines, f"Content-Length: {4 * len(body)}", "", ""])

    def send(_: int) -> str:
        with target.connect() as connection, suppress(OSError):
            connection.sendall(head.encode() + body)
        return "sent"

    return _together(20, send)


def _compressed(target: Target) -> object:
    return target.request("POST", _API, gzip.compress(bytes(100 * MIB)), {**_JSON, "Content-Encoding": "gzip"})


def _text_field(target: Target) -> str:
    text = b"x" * (47 * MIB)
    body = (
        b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n' + text + "\U0001f600".encode() + b"\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return _together(8, lambda _: target.request("POST", "/gradio_api/upload", body, headers).status // 100)


def _half_sent(target: Target, count: int, data: bytes) -> str:
    """Hold many connections. Another visitor must get the page within ten seconds."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with suppress(OSError):
                connection = target.connect()
                held.append(connection)
                connection.sendall(data)
        started = time.monotonic()
        status = target.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.7"}).status
        taken = time.monotonic() - started
        return f"{status} {'in time' if taken < 10 else f'after {taken:.0f} s'}"
    finally:
        for connection in held:
            connection.close()


def _login(target: Target, password: str, client: str) -> int:
    form = urlencode({"username": "ann", "password": password}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": client}
    return target.request("POST", "/login", form, headers, timeout=15).status


def _guesses(target: Target) -> str:
    """Return how many of 60 guesses of one visitor were looked at within 15 seconds."""
    with ThreadPoolExecutor(60) as pool:
        found = list(pool.map(lambda i: _login(target, f"guess{i}", "192.0.2.1"), range(60)))
    return f"{found.count(400)} looked at"


def _right_password(target: Target) -> str:
    threads = [
        threading.Thread(target=_login, args=(target, f"guess{i}", f"192.0.2.{i % 50 + 10}"), daemon=True)
        for i in range(100)
    ]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    status = _login(target, "secret", "198.51.100.1")
    taken = time.monotonic() - started
    for thread in threads:
        thread.join(20)
    return f"{status} within 10 s" if taken < 10 else f"{status} after {taken:.0f} s"
