"""The page in a browser over a large library: when it is usable, how soon the first result is there, and where the
time went; then many questions at once, and what they leave behind.

    python benchmarks/page_speed.py FOLDER [--panels 100000] [--parts 13] [--repeat 7] [--load 1000]

FOLDER gets a made-up library (kept for the next run): clustered vectors, five-word dialogues and small pictures;
it is served by `panelseek serve` with `small`, whose real work on a question is what counts. For each question three
times are taken from the moment of the key or the file: until the request leaves the browser, until its answer is there,
until the first result is on screen with its picture. `search` is what the server says the search itself took.
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
import threading
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

from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.generation_writer import write_generation
from retrieval.encoder import load_encoder
from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import Box
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

ROOT = Path(__file__).resolve().parents[1]
WORDS = [a + b for a in ("lan", "har", "mor", "sil", "ver", "kin", "tol", "bra", "cor", "fen") for b in
         ("tern", "bour", "ning", "ence", "dict", "dred", "king", "low", "ver", "dle", "mist", "gate")]  # fmt: skip
BATCH = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--panels", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=13)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--load", type=int, default=1_000)
    given = parser.parse_args()
    if not (given.folder / "catalog.sqlite").exists():
        make_library(given.folder, given.panels, given.parts)
    with served(given.folder) as (url, process):
        found: dict[str, Any] = {"panels": given.panels, "parts": given.parts}
        found |= in_a_browser(url, given.repeat, given.folder)
        found["load"] = under_load(url, process, given.load)
    print(json.dumps(found, indent=1))


# ------------------------------------------------------------------ the library


def make_library(folder: Path, panels: int, parts: int) -> None:
    """Panels in books of 200, five on a page."""
    encoder = load_encoder("small")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(max(10, panels // 50), DIMENSION)).astype(np.float32)
    shards = VectorStore(folder / "vectors", regions=parts)
    small = [encode_thumbnail(_drawing(seed)) for seed in range(64)]
    thumbnails = Thumbnails(folder)
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(folder / "comics")
        for start in range(0, panels, BATCH):
            count = min(BATCH, panels - start)
            shards.append(start, _encoded(rng, centres, count, parts))
            thumbnails.put((start + i, small[(start + i) % len(small)]) for i in range(count))
            catalog.write_pages(list(_pages(catalog, source, rng, start, count)))
            print(f"{start + count:,} panels written", file=sys.stderr)
        about = {"name": "small", "load": "small", "fingerprint": encoder.fingerprint, "provisional": False}
        catalog.write_settings(encoder={**about, "settings": encoder.settings}, regions=parts)
        print("training and filling the vector indexes", file=sys.stderr)
        write_generation(folder, 1, catalog, shards, "auto")
        catalog.write_settings(generation=1)


def _encoded(rng: np.random.Generator, centres: np.ndarray, count: int, parts: int) -> PanelEmbeddings:
    def near(shape: tuple[int, ...]) -> Any:
        rows = centres[rng.integers(0, len(centres), shape[0])].reshape(shape[0], *([1] * (len(shape) - 2)), DIMENSION)
        found = (rows + 0.7 * rng.standard_normal(shape, np.float32)).astype(np.float32)
        return found / np.linalg.norm(found, axis=-1, keepdims=True)

    flat = (count, DIMENSION)
    gate = np.full((count, 3), 1 / 3, np.float32)
    return PanelEmbeddings(near(flat), near(flat), near(flat), gate, near((count, parts, DIMENSION)) if parts else None)


def _pages(catalog: Catalog, source: int, rng: np.random.Generator, start: int, count: int) -> Iterator[NewPage]:
    for first in range(start, start + count, 5):
        number = first // 200
        book = catalog.book_id(source, f"Book {number}", f"Book {number}", "folder") if first % 200 == 0 else None
        book = book or catalog.book_id(source, f"Book {number}", f"Book {number}", "folder")
        said = [" ".join(rng.choice(WORDS, 5)) for _ in range(5)]
        panels = tuple(
            NewPanel(i + 1, Box(0, 280 * i, 1000, 270), said[i], "annotation", first + i, (0.4, 0.4, 0.2))
            for i in range(min(5, start + count - first))
        )
        place = first % 200 // 5 + 1
        yield NewPage(book, f"{place:03}.png", place, "stat", f"digest{first}", 1000, 1400, panels)


def _drawing(seed: int) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(small).resize((480, 320), Image.Resampling.BICUBIC)


# ------------------------------------------------------------------- the server


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui.cli", "serve", "--index", str(folder), "--port", str(port)]
    with tempfile.TemporaryDirectory() as temporary:
        process = subprocess.Popen(command, cwd=ROOT, env={**_environment(), "TMPDIR": temporary})
        try:
            url = f"http://127.0.0.1:{port}/"
            _until_it_answers(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def _until_it_answers(url: str) -> None:
    for _ in range(1200):
        try:
            urlopen(url).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not come up")


# ------------------------------------------------------------------ the browser

FIRST_RESULT = """() => {
    const picture = document.querySelector("#answer > ol > li > .card img");
    return window.asked && document.querySelector(".summary h2")?.textContent.includes(window.asked)
        && picture?.complete && picture.naturalWidth > 0;
}"""


def in_a_browser(url: str, repeat: int, folder: Path) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        quiet = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        usable = [_usable(browser, url) for _ in range(3)]
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.locator(".welcome .card").first.wait_for()
        words = []
        for n in range(repeat):
            words.append(_asked(page, _type, f"{WORDS[n]} {WORDS[3 * n + 5]} {WORDS[7 * n % 120]}"))
            _until_measured(folder, "dialogue/words")
        with tempfile.TemporaryDirectory() as drawn:
            pictures = []
            for n in range(repeat):
                path = Path(drawn) / f"{n}.jpg"
                _drawing(1000 + n).resize((1200, 800)).save(path)
                page.locator("#clear").click()
                page.locator(".welcome .card").first.wait_for()
                pictures.append(_asked(page, lambda p, path=path: _upload(p, path), "your picture"))
                _until_measured(folder, "picture/picture")
        browser.close()
    return {"page usable after s": usable, "words": _summary(words), "picture": _summary(pictures)}


def _until_measured(folder: Path, kind: str) -> None:
    """The first question of a kind has strangers measured, once for a generation; half of a core is not ours then."""
    for _ in range(1200):
        with suppress(OSError, ValueError, StopIteration):
            if kind in json.loads(next(folder.glob("generations/*/closeness.json")).read_text()):
                return
        time.sleep(0.25)
    raise SystemExit(f"what strangers reach was not measured: {kind}")


def _usable(browser: Any, url: str) -> float:
    """Seconds from asking for the page to a field of words that takes letters, and a library at a glance."""
    context = browser.new_context()
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("[name=q]").fill("a")
    seconds = time.perf_counter() - started
    context.close()
    return round(seconds, 2)


def _asked(page: Any, ask: Any, said: str) -> dict[str, float]:
    """Seconds from asking, by the browser's own clock."""
    page.evaluate("(said) => { window.asked = said; performance.clearResourceTimings(); }", said)
    page.evaluate("() => { document.querySelector('#answer')?.replaceChildren(); }")
    page.evaluate("() => { window.began = performance.now(); }")
    ask(page)
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
        "answer is there": last[1],
        "answer took": last[2],
        "search": 1000 * search,
        "first result": ended,
    }


def _type(page: Any) -> None:
    said = page.evaluate("window.asked")
    page.locator("[name=q]").fill(said)
    page.evaluate("() => { window.began = performance.now(); }")
    page.keyboard.press("Enter")


def _upload(page: Any, path: Path) -> None:
    page.locator("#file").set_input_files(path)


def _summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Median and worst of each, milliseconds, the first question (that warms up) apart."""
    later = found[1:] or found
    middle = {name: round(float(np.median([each[name] for each in later]))) for name in later[0]}
    worst = round(max(each["first result"] for each in later))
    return {"median ms": middle, "worst first result ms": worst, "the very first ms": round(found[0]["first result"])}


# -------------------------------------------------------------------- many people


def under_load(url: str, process: psutil.Process, questions: int) -> dict[str, Any]:
    """Memory, open files, threads and temporary files of the server, before and after many questions."""
    ask = _Asker(url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(32)))  # what is loaded once is loaded
        before = _held(process)
        started = time.perf_counter()
        half = list(pool.map(ask, range(100, 100 + questions // 2)))
        between = _held(process)
        half += list(pool.map(ask, range(100 + questions // 2, 100 + questions)))
        seconds = time.perf_counter() - started
    return {
        "questions": questions,
        "answered": sum(half),
        "a second": round(questions / seconds, 1),
        "before": before,
        "half way": between,
        "after": _held(process),
    }


class _Asker:
    """Asks by words, by a panel, and by a picture in turn, through the endpoint."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}gradio_api/call/search_panels"
        self._lock = threading.Lock()

    def __call__(self, number: int) -> bool:
        text = f"{WORDS[number % 120]} {WORDS[(7 * number) % 120]}"
        data: list[Any] = [text, "", 0, "", "", "", None, 12, 0, ""]
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


def _held(process: psutil.Process) -> dict[str, Any]:
    temporary = Path(process.environ()["TMPDIR"])
    files = [path for path in temporary.rglob("*") if path.is_file()]
    memory = process.memory_info()  # of what is shared, most are pages of the vectors' files that the system may drop
    return {
        "own memory MiB": round((memory.rss - memory.shared) / 2**20),
        "threads": process.num_threads(),
        "open files": process.num_fds(),
        "temporary files": len(files),
        "temporary KiB": round(sum(path.stat().st_size for path in files) / 1024),
    }


if __name__ == "__main__":
    main()
