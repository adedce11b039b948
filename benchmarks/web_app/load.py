"""Load of several clients at once, and the resources of the server before and after."""

from __future__ import annotations

import base64
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from web_app.library import WORDS, drawing


def measure_load(url: str, process: psutil.Process, queries: int) -> dict[str, Any]:
    """Return memory, open files, threads and temporary files of the server before and after many queries."""
    search = _ApiClient(url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(search, range(32)))  # loads what is loaded once
        before = _resources(process)
        started = time.perf_counter()
        answered = list(pool.map(search, range(100, 100 + queries // 2)))
        between = _resources(process)
        answered += list(pool.map(search, range(100 + queries // 2, 100 + queries)))
        seconds = time.perf_counter() - started
    return {
        "queries": queries,
        "answered": sum(answered),
        "per second": round(queries / seconds, 1),
        "before": before,
        "half way": between,
        "after": _resources(process),
    }


class _ApiClient:
    """Queries by text, by panel and by image in turn, through the API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}gradio_api/call/search_panels"

    def __call__(self, number: int) -> bool:
        """Send one query; return True if it succeeded."""
        text = f"{WORDS[number % 120]} {WORDS[(7 * number) % 120]}"
        data: list[Any] = [text, "", 0, "", "", None, 12, 0, ""]
        if number % 3 == 1:
            data[0], data[2] = "", 1 + number
        elif number % 3 == 2:
            data[0], data[1] = "", _base64(number)
        body = json.dumps({"data": data}).encode()
        with urlopen(Request(self._url, body, {"content-type": "application/json"})) as answer:
            event = json.load(answer)["event_id"]
        with urlopen(f"{self._url}/{event}") as stream:
            return b"event: complete" in stream.read()


def _base64(seed: int) -> str:
    out = io.BytesIO()
    drawing(seed).save(out, "JPEG")
    return base64.b64encode(out.getvalue()).decode()


def _resources(process: psutil.Process) -> dict[str, Any]:
    """Return the memory, threads and files that the server holds at this moment."""
    temporary = Path(process.environ()["TMPDIR"])
    files = [path for path in temporary.rglob("*") if path.is_file()]
    memory = process.memory_info()  # shared memory is mostly mapped vector files, which the system may drop
    return {
        "private memory MiB": round((memory.rss - memory.shared) / 2**20),
        "threads": process.num_threads(),
        "open files": process.num_fds(),
        "temporary files": len(files),
        "temporary KiB": round(sum(path.stat().st_size for path in files) / 1024),
    }
