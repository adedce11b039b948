"""Take the pictures of the page that the documentation shows: `python tools/screenshots.py INDEX`.

Serves the index on a free port, drives Chromium, and writes WebP pictures of the page's main states at two widths,
light and dark, into docs/pictures/ (or --into).
"""

from __future__ import annotations

import argparse
import io
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

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
        print("screenshots need chromium, and there is none on this machine", file=sys.stderr)
        return 1
    arguments.into.mkdir(parents=True, exist_ok=True)
    with _served(arguments.index) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=list(QUIET))
        for width in arguments.widths:
            for colours in arguments.colours:
                _take_all(browser, url, width, colours, arguments)
        browser.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path, help="the index to show")
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "pictures", help="where the pictures go")
    parser.add_argument("--text", default="who carried off the great lens", help="the words to search for")
    parser.add_argument("--only", nargs="+", choices=tuple(STATES), default=list(STATES), help="these states only")
    parser.add_argument("--widths", nargs="+", choices=tuple(WIDTHS), default=list(WIDTHS))
    parser.add_argument("--colours", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    return parser.parse_args()


@contextmanager
def _served(index: Path) -> Iterator[str]:
    """The page's address while a server of its own runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from ui.web.server import serve; serve({str(index)!r}, port={port})"
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise SystemExit(f"the server ended with status {server.returncode}")
        try:
            urlopen(url).close()
            return
        except OSError:
            time.sleep(0.25)
    raise SystemExit("the server did not answer within a minute")


def _take_all(browser: Browser, url: str, width: str, colours: str, arguments: argparse.Namespace) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    phone = width == "narrow"
    context = browser.new_context(viewport=size, color_scheme=colours, has_touch=phone, is_mobile=phone)
    page = context.new_page()
    for name in arguments.only:
        STATES[name](page, url, arguments.text)
        page.mouse.move(2, 2)  # nothing looks hovered
        page.wait_for_timeout(1500)  # pictures become sharp
        _save(page, arguments.into / f"{name}-{width}-{colours}.webp")
    context.close()


def _save(page: Page, path: Path) -> None:
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, "WEBP", quality=84, method=6)


# ------------------------------------------------------------------------ states, each from its address on


def _start(page: Page, url: str, text: str) -> None:
    page.goto(url)
    page.locator(".welcome .card").first.wait_for()


def _words(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?q={quote(text)}")
    page.locator(".results .card").first.wait_for()
    page.locator("#narrow details").first.wait_for()
    page.wait_for_timeout(2500)  # what strangers reach is measured once


def _chosen(page: Page, url: str, text: str) -> None:
    _words(page, url, text)
    page.locator(".results .card").first.click()
    page.locator(".sheet").wait_for()


def _page(page: Page, url: str, text: str) -> None:
    _chosen(page, url, text)
    page.get_by_role("button", name="Whole page").click()


def _picture(page: Page, url: str, text: str) -> None:
    """Part of the best hit's picture as the question."""
    best = _best(page, url, text)
    page.goto(f"{url}?like={best}&crop=0.56,0.2,0.4,0.8")
    page.locator(".results .card").first.wait_for()
    page.locator("#narrow details").first.wait_for()


def _crop(page: Page, url: str, text: str) -> None:
    _picture(page, url, text)
    page.get_by_role("button", name="Crop").click()


def _narrow(page: Page, url: str, text: str) -> None:
    """A book's panels, the list of books open."""
    page.goto(url)
    page.locator("#narrow details").first.wait_for()
    page.locator('details[data-name="book"] summary').click()
    page.locator('details[data-name="book"] label').nth(3).click()
    page.locator(".results .card").first.wait_for()
    page.locator("#narrow .chosen").wait_for()


def _folded(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?like={_best(page, url, text)}&fold=book")
    page.locator(".unfold").first.click()


def _nothing(page: Page, url: str, text: str) -> None:
    page.goto(f"{url}?q={quote(text)}&has_dialogue=no")
    page.locator("#answer .nothing").wait_for()


def _best(page: Page, url: str, text: str) -> str:
    _words(page, url, text)
    return str(page.locator(".results li[data-id]").first.get_attribute("data-id"))


STATES: dict[str, Callable[[Page, str, str], None]] = {
    "start": _start,
    "words": _words,
    "chosen": _chosen,
    "page": _page,
    "picture": _picture,
    "crop": _crop,
    "narrow": _narrow,
    "folded": _folded,
    "nothing": _nothing,
}


if __name__ == "__main__":
    sys.exit(main())
