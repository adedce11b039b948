"""Take the pictures of the page that the documentation shows: `python tools/screenshots.py INDEX`.

Serves the index on a free port, drives Chromium, and writes PNGs of the page's states at two widths,
light and dark, into docs/pictures/ (or --into).
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

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
        for width in WIDTHS:
            for colours in arguments.colours:
                _take_all(browser, url, width, colours, arguments)
        browser.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path, help="the index to show")
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "pictures", help="where the PNGs go")
    parser.add_argument("--text", help="the words to search for (default: the first line the page suggests)")
    parser.add_argument("--picture", type=Path, help="the picture to search with (default: a panel of the index)")
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
    """Start, word results, chosen panel, picture results, in that order, as a person would get there."""
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(viewport=size, color_scheme=colours)
    page = context.new_page()

    def take(name: str) -> None:
        page.mouse.move(2, 2)  # nothing looks hovered
        page.wait_for_timeout(500)
        page.screenshot(path=arguments.into / f"{name}-{width}-{colours}.png")

    page.goto(url)
    page.locator(".welcome .card").first.wait_for()
    take("start")
    text = arguments.text or page.locator(".chips button").first.inner_text()
    page.locator("#words textarea, #words input").fill(text)
    page.keyboard.press("Enter")
    page.locator(".results .card").first.wait_for()
    take("words")
    page.locator(".results .card").first.click()
    page.locator(".sheet").wait_for()
    take("chosen")
    page.keyboard.press("Escape")
    page.locator(".sheet").wait_for(state="detached")
    page.locator("#clear").click()
    page.locator(".welcome .card").first.wait_for()
    with tempfile.TemporaryDirectory() as folder:
        picture = arguments.picture or _a_panel(page, Path(folder))
        page.evaluate("scrollTo(0, 0)")
        page.locator("#picture input[type=file]").set_input_files(picture)
        page.locator(".results .card").first.wait_for()
        take("picture")
    context.close()


def _a_panel(page: Page, folder: Path) -> Path:
    """A picture to search with: the last panel on the welcome screen, as a person would save it."""
    panel = folder / "panel.png"
    panel.write_bytes(page.locator(".welcome .card img").last.screenshot())
    return panel


if __name__ == "__main__":
    sys.exit(main())
