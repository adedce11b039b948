"""A tiny library, its index, its web app served in a process of its own, and a browser."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index_builder import build_index
from retrieval import PanelIndex
from tests.conftest import GridEncoder
from tests.web.library import Site, draw_book, draw_library
from tests.web.serving import served
from tests.web.visitor import Visitor


@pytest.fixture(scope="session")
def comics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_library(tmp_path_factory.mktemp("web") / "comics")


@pytest.fixture(scope="session")
def index(comics: Path) -> Iterator[PanelIndex]:
    folder = comics.parent / "my.index"
    build_index([comics], folder, encoder=GridEncoder(), workers=0, ocr=False)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


@pytest.fixture(scope="session")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of a few bytes whose header names 60,000 pixels in width and height."""
    path = tmp_path_factory.mktemp("forged") / "huge.png"
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(data + struct.pack(">I", 10) + b"IDAT" + bytes(14))
    return path


@pytest.fixture(scope="session")
def not_a_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file named like a PNG."""
    path = tmp_path_factory.mktemp("text") / "letter.png"
    path.write_text("Dear reader, this is no picture at all.")
    return path


@pytest.fixture(scope="session")
def panel_picture(index: PanelIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first panel of Orchard as a person would save it."""
    path = tmp_path_factory.mktemp("panel") / "saved.png"
    index.panel_image(index.browse({"book": "Orchard"}, k=1)[0]).save(path)
    return path


@pytest.fixture(scope="session")
def url(index: PanelIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the web app."""
    with served(index.folder, tmp_path_factory.mktemp("server") / "tmp") as server:
        yield server.url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on this machine: the web app is not tested in a browser")
    from playwright.sync_api import sync_playwright

    quiet = (
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-device-for-media-stream",  # a camera that shows a moving pattern
        "--use-fake-ui-for-media-stream",
    )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(quiet))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Any, url: str) -> Iterator[Visitor]:
    """A visitor at the start. Afterwards nothing may have left this machine, and no script may have failed."""
    visitor = Visitor(chromium, url).open()
    yield visitor
    visitor.leave()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The tiny library with a reprint of one of its pages; another book is in a folder that may be built."""
    base = tmp_path_factory.mktemp("tabs")
    comics, root = draw_library(base / "comics"), base / "allowed"
    draw_book(comics / "Reprints", {"1": 1, "2": 77})
    draw_book(root / "shelf" / "Later", {"1": 90, "2": 91})
    (root / "way out").symlink_to("/etc")
    (comics / "Harbour" / "003.png").write_text("no picture at all")
    build_index([comics], base / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    with served(base / "my.index", base / "server" / "tmp", build_roots=[root]) as server:
        yield Site(server.url, base / "my.index", comics, root)


@pytest.fixture
def site_visitor(chromium: Any, site: Site) -> Iterator[Visitor]:
    """A visitor of `site` before the first page; the same must hold afterwards."""
    visitor = Visitor(chromium, site.url)
    yield visitor
    visitor.leave()
