"""Take the screenshots of the documentation: `python tools/screenshots.py [INDEX]`.

Serves the index on a free port, drives Chromium, and writes WebP screenshots of the main states of the web app at two
widths, light and dark, into docs/pictures/ (or --into). Without an index it builds one of the sample comics. One of
them is there a second time, as a scan of old paper; another one is left for the tab "Build".
"""

from __future__ import annotations

import argparse
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from index_builder import build_index
from retrieval.evaluation.distortions import distort

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> int:
    arguments = _arguments()
    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("Chromium is not installed: install the package chromium.", file=sys.stderr)
        return 1
    arguments.into.mkdir(parents=True, exist_ok=True)
    with _library(arguments.index) as (index, root), _served(index, root) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=list(QUIET))
        for name in arguments.only:  # the build comes last: it changes the library
            for width, colours in product(arguments.widths, arguments.colours):
                _take(browser, url, name, width, colours, arguments)
        browser.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path, nargs="?", help="index to show")
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "pictures", help="folder to write to")
    parser.add_argument("--text", default="who carried off the great lens", help="text to search for")
    parser.add_argument("--only", nargs="+", choices=tuple(STATES), default=list(STATES), help="take only these states")
    parser.add_argument("--widths", nargs="+", choices=tuple(WIDTHS), default=list(WIDTHS))
    parser.add_argument("--colours", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    return parser.parse_args()


@contextmanager
def _library(index: Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield an index and a folder that visitors may build. Comics of an index made here exist until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        shelf = Path(folder) / "Bookshelf"
        if index is None:
            _copy_comics(shelf)
            index = Path(folder) / "my.index"
            build_index([shelf / "Read"], index, encoder="small", ocr=False)
        shelf.mkdir(exist_ok=True)
        yield index, shelf


def _copy_comics(shelf: Path) -> None:
    read, waiting = shelf / "Read", shelf / "Waiting"
    shutil.copytree(ROOT / "sample_data" / "comics", read)
    waiting.mkdir()
    last = sorted(read.glob("*.cbz"))[0]
    shutil.move(last, waiting / last.name)
    scanned = read / "Owl Hill, scanned"
    scanned.mkdir()
    for page in sorted((read / "The Last Bus to Owl Hill").glob("*.png"))[:3]:
        copy = distort(np.asarray(Image.open(page).convert("RGB")), "scan", key=page.name)
        Image.fromarray(copy).save(scanned / f"{page.stem}.jpg", quality=88)


@contextmanager
def _served(index: Path, root: Path) -> Iterator[str]:
    """Yield the address of a server that runs until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from ui.web.server import serve; serve({str(index)!r}, port={port}, build_roots=[{str(root)!r}])"
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(480):
        if server.poll() is not None:
            raise SystemExit(f"The server ended with status {server.returncode}.")
        try:
            urlopen(url).close()
            return
        except OSError:
            time.sleep(0.25)
    raise SystemExit("The server did not start within two minutes.")


def _take(browser: Browser, url: str, name: str, width: str, colours: str, arguments: argparse.Namespace) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    phone = width == "narrow"
    context = browser.new_context(viewport=size, color_scheme=colours, has_touch=phone, is_mobile=phone)
    page = context.new_page()
    STATES[name](page, url, arguments.text)
    page.mouse.move(2, 2)  # no hover effects
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # sharper images are decoded
    _save(page, arguments.into / f"{name}-{width}-{colours}.webp")
    context.close()


def _save(page: Page, path: Path) -> None:
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, "WEBP", quality=84, method=6)


# ------------------------------------------------------------------------ states


def _start(page: Page, url: str, text: str) -> None:
    page.goto(url)
    page.locator(".welcome .card").first.wait_for()


def _words(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?q={quote(text)}")
    page.locator(".results .card").first.wait_for()
    page.locator("#filters details").first.wait_for()


def _panel(page: Page, url: str, text: str) -> None:
    _words(page, url, text)
    page.locator(".results .card").first.click()
    page.locator(".sheet").wait_for()


def _page(page: Page, url: str, text: str) -> None:
    _panel(page, url, text)
    page.get_by_role("button", name="Whole page").click()


def _picture(page: Page, url: str, text: str) -> None:
    """Part of the best result as the query image."""
    best = _best(page, url, text)
    page.goto(f"{url}?like={best}&crop=0.56,0.2,0.4,0.8")
    page.locator(".results .card").first.wait_for()
    page.locator("#filters details").first.wait_for()


def _crop(page: Page, url: str, text: str) -> None:
    _picture(page, url, text)
    page.get_by_role("button", name="Crop").click()


def _filters(page: Page, url: str, text: str) -> None:
    """Show the panels of a book, with the list of books open."""
    page.goto(url)
    page.locator("#filters details").first.wait_for()
    page.locator('details[data-name="book"] summary').click()
    page.locator('details[data-name="book"] label').nth(3).click()
    page.locator(".results .card").first.wait_for()
    page.locator("#filters .chosen").wait_for()


def _grouped(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?like={_best(page, url, text)}&group=book")
    page.locator(".unfold").first.click()


def _nothing(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?q={quote(text)}&has_dialogue=no")
    page.locator("#answer .nothing").wait_for()


def _best(page: Page, url: str, text: str) -> str:
    _words(page, url, text)
    return str(page.locator(".results li[data-id]").first.get_attribute("data-id"))


def _library_view(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?tab=library")
    page.locator(".books li img").first.wait_for()


def _map(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?tab=map")
    page.locator(".map-status", has_text="panels").wait_for(timeout=120_000)
    page.wait_for_timeout(2000)  # thumbnails arrive one by one


def _lookalikes(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?tab=lookalikes")
    start, group = page.locator("[data-look=start]"), page.locator(".alikes summary")
    start.or_(group).first.wait_for()
    if start.count():
        start.click()
    group.first.wait_for(timeout=120_000)
    group.first.click()


def _build(page: Page, url: str, text: str) -> None:
    """Show the report of a built folder."""
    page.goto(f"{url}?tab=build")
    page.locator(".folders a", has_text="Waiting").click()
    page.locator("[data-build=start]", has_text="Waiting").click()
    page.locator(".report").wait_for(timeout=300_000)


STATES: dict[str, Callable[[Page, str, str], None]] = {
    "start": _start,
    "words": _words,
    "panel": _panel,
    "page": _page,
    "picture": _picture,
    "crop": _crop,
    "filters": _filters,
    "grouped": _grouped,
    "nothing": _nothing,
    "library": _library_view,
    "map": _map,
    "lookalikes": _lookalikes,
    "build": _build,
}


if __name__ == "__main__":
    sys.exit(main())
