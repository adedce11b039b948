"""Measure the web app in a browser over a large library: time until it is usable and until the first result, and load.

    python benchmarks/page_speed.py FOLDER [--panels 100000] [--regions 13] [--repeat 7] [--load 1000]

FOLDER gets a synthetic library, kept for the next run: clustered vectors, dialogues of five words, and thumbnails.
`panelseek serve` serves it with the encoder `small`, which really encodes the queries. Three times are measured from
the key press or the upload: until the request leaves the browser, until its response arrives, and until the first
result is on screen with its thumbnail. `search` is the time of the search itself, reported by the server. Then 8
clients search at once, and memory, threads and files of the server are compared before and after.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import psutil
from PIL import Image

from index_builder.write import CatalogWriter, write_generation
from retrieval.encoder import load_encoder
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import Box
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url
from retrieval.store.settings import EncoderRecord
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

ROOT = Path(__file__).resolve().parents[1]
WORDS = [a + b for a in ("lan", "har", "mor", "sil", "ver", "kin", "tol", "bra", "cor", "fen") for b in
         ("tern", "bour", "ning", "ence", "dict", "dred", "king", "low", "ver", "dle", "mist", "gate")]  # fmt: skip
BATCH = 2_000
"""Panels written at once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--panels", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=13)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--load", type=int, default=1_000)
    arguments = parser.parse_args()
    if not (arguments.folder / "catalog.sqlite").exists():
        make_library(arguments.folder, arguments.panels, arguments.regions)
    with served(arguments.folder) as (url, process):
        results: dict[str, Any] = {"panels": arguments.panels, "regions": arguments.regions}
        results |= measure_browser(url, arguments.repeat, arguments.folder)
        results["load"] = measure_load(url, process, arguments.load)
    print(json.dumps(results, indent=1))


# ------------------------------------------------------------------ the library


def make_library(folder: Path, panels: int, regions: int) -> None:
    """Write an index of panels in books of 200, five on a page."""
    encoder = load_encoder("small")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(max(10, panels // 50), DIMENSION)).astype(np.float32)
    vectors = VectorStore(folder / "vectors", regions=regions)
    images = [encode_thumbnail(_drawing(seed)) for seed in range(64)]
    thumbnails = Thumbnails(folder)
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(folder / "comics")
        for start in range(0, panels, BATCH):
            count = min(BATCH, panels - start)
            vectors.append(start, _encoded(rng, centres, count, regions))
            thumbnails.put((start + i, images[(start + i) % len(images)]) for i in range(count))
            catalog.write_pages(list(_pages(catalog, source, rng, start, count)))
            print(f"{start + count:,} panels written", file=sys.stderr)
        record = EncoderRecord("small", "small", encoder.fingerprint, encoder.settings)
        catalog.write_settings(encoder=record, regions=regions)
        print("training and filling the vector indexes", file=sys.stderr)
        write_generation(folder, 1, catalog, vectors, "auto")
        catalog.write_settings(generation=1)


def _encoded(rng: np.random.Generator, centres: np.ndarray, count: int, regions: int) -> PanelEmbeddings:
    """Return embeddings of `count` panels around random centres."""

    def near(shape: tuple[int, ...]) -> Any:
        rows = centres[rng.integers(0, len(centres), shape[0])].reshape(shape[0], *([1] * (len(shape) - 2)), DIMENSION)
        vectors = (rows + 0.7 * rng.standard_normal(shape, np.float32)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    flat = (count, DIMENSION)
    gate = np.full((count, 3), 1 / 3, np.float32)
    region_vectors = near((count, regions, DIMENSION)) if regions else None
    return PanelEmbeddings(near(flat), near(flat), near(flat), gate, region_vectors)


def _pages(catalog: CatalogWriter, source: int, rng: np.random.Generator, start: int, count: int) -> Iterator[NewPage]:
    for first in range(start, start + count, 5):
        number = first // 200
        book = catalog.book_id(source, f"Book {number}", f"Book {number}", "folder")
        dialogues = [" ".join(rng.choice(WORDS, 5)) for _ in range(5)]
        panels = tuple(
            NewPanel(i + 1, Box(0, 280 * i, 1000, 270), dialogues[i], "annotation", first + i, (0.4, 0.4, 0.2))
            for i in range(min(5, start + count - first))
        )
        place = first % 200 // 5 + 1
        yield NewPage(book, f"{place:03}.png", place, "fingerprint", f"digest{first}", 1000, 1400, panels)


def _drawing(seed: int) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(small).resize((480, 320), Image.Resampling.BICUBIC)


# ------------------------------------------------------------------- the server


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Serve an index in a process of its own; yield its address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui.cli", "serve", "--index", str(folder), "--port", str(port)]
    with tempfile.TemporaryDirectory() as temporary:
        process = subprocess.Popen(command, cwd=ROOT, env={**_environment(), "TMPDIR": temporary})
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait_for_server(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def _wait_for_server(url: str) -> None:
    for _ in range(1200):
        try:
            urlopen(url).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


# ------------------------------------------------------------------ the browser

FIRST_RESULT = """() => {
    const image = document.querySelector("#answer > ol > li > .card img");
    return window.query && document.querySelector(".summary h2")?.textContent.includes(window.query)
        && image?.complete && image.naturalWidth > 0;
}"""


def measure_browser(url: str, repeat: int, folder: Path) -> dict[str, Any]:
    """Measure the times in Chromium: `repeat` queries by text and by image each."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        usable = [_usable(browser, url) for _ in range(3)]
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.locator(".welcome .card").first.wait_for()
        by_text = []
        for n in range(repeat):
            by_text.append(_time_query(page, _type, f"{WORDS[n]} {WORDS[3 * n + 5]} {WORDS[7 * n % 120]}"))
            _wait_for_threshold(folder, "dialogue", "words")
        with tempfile.TemporaryDirectory() as temporary:
            by_image = []
            for n in range(repeat):
                path = Path(temporary) / f"{n}.jpg"
                _drawing(1000 + n).resize((1200, 800)).save(path)
                page.locator("#clear").click()
                page.locator(".welcome .card").first.wait_for()
                by_image.append(_time_query(page, lambda p, path=path: _upload(p, path), "your image"))
                _wait_for_threshold(folder, "picture", "picture")
        browser.close()
    return {"usable after s": usable, "text": _summary(by_text), "image": _summary(by_image)}


def _wait_for_threshold(folder: Path, view: str, query_type: str) -> None:
    """Wait for the calibration that the first query of a type starts: it takes half of a core meanwhile."""
    for _ in range(1200):
        with suppress(OSError, ValueError, StopIteration):
            stored = json.loads(next(folder.glob("generations/*/calibration.json")).read_text())
            if any((each["view"], each["query_type"]) == (view, query_type) for each in stored["thresholds"]):
                return
        time.sleep(0.25)
    raise SystemExit(f"the threshold was not measured: {view}, {query_type}")


def _usable(browser: Any, url: str) -> float:
    """Return the seconds from the request for the web app until its search field takes text."""
    context = browser.new_context()
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("[name=q]").fill("a")
    seconds = time.perf_counter() - started
    context.close()
    return round(seconds, 2)


def _time_query(page: Any, submit: Any, title: str) -> dict[str, float]:
    """Return milliseconds since the query was submitted, by the browser's clock; title: part of the heading."""
    page.evaluate("(title) => { window.query = title; performance.clearResourceTimings(); }", title)
    page.evaluate("() => { document.querySelector('#answer')?.replaceChildren(); }")
    page.evaluate("() => { window.began = performance.now(); }")
    submit(page)
    page.wait_for_function(FIRST_RESULT, polling="raf")
    ended = page.evaluate("performance.now() - window.began")
    calls = page.evaluate(
        """() => performance.getEntriesByType("resource").filter((r) => r.name.includes("component_server"))
            .map((r) => [r.startTime - window.began, r.responseEnd - window.began, r.responseEnd - r.requestStart])"""
    )
    search = float(page.locator(".summary p[data-seconds]").get_attribute("data-seconds"))
    last = max((call for call in calls if call[0] >= 0), key=lambda call: call[2], default=[0, 0, 0])
    return {
        "request leaves": last[0],
        "response arrives": last[1],
        "response took": last[2],
        "search": 1000 * search,
        "first result": ended,
    }


def _type(page: Any) -> None:
    page.locator("[name=q]").fill(page.evaluate("window.query"))
    page.evaluate("() => { window.began = performance.now(); }")
    page.keyboard.press("Enter")


def _upload(page: Any, path: Path) -> None:
    page.locator("#file").set_input_files(path)


def _summary(times: list[dict[str, float]]) -> dict[str, Any]:
    """Return median and worst times in milliseconds, without the first query, which warms up."""
    later = times[1:] or times
    medians = {name: round(float(np.median([each[name] for each in later]))) for name in later[0]}
    worst = round(max(each["first result"] for each in later))
    return {"median ms": medians, "worst first result ms": worst, "first query ms": round(times[0]["first result"])}


# -------------------------------------------------------------------- load


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
    import base64

    out = io.BytesIO()
    _drawing(seed).save(out, "JPEG")
    return base64.b64encode(out.getvalue()).decode()


def _resources(process: psutil.Process) -> dict[str, Any]:
    """Return what the server holds at this moment."""
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


if __name__ == "__main__":
    main()
