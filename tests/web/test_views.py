"""Library, map, look-alikes and a build from the page, in Chromium."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest

from index_builder import build_index
from tests.conftest import GridEncoder, draw_page, panel_boxes
from tests.web.library import HOSTILE_BOOK, draw_library
from tests.web.serving import served

TIMEOUT = 20_000


@dataclass(frozen=True)
class Place:
    """A page that may build, its index, its comics, and the folder it may build from."""

    url: str
    index: Path
    comics: Path
    root: Path


def draw_book(folder: Path, pages: dict[str, int]) -> None:
    """Pages by name and seed, four panels each."""
    folder.mkdir(parents=True)
    for name, seed in pages.items():
        draw_page(seed).save(folder / f"{name}.png")
        boxes = [{"bbox": box, "text": ""} for box in panel_boxes(4)]
        about = {"image_width": 400, "image_height": 600, "panels": boxes}
        (folder / f"{name}.json").write_text(json.dumps(about))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The tiny library and a reprint of a page of it; another book lies in a folder that may be built."""
    base = tmp_path_factory.mktemp("views")
    comics, root = draw_library(base / "comics"), base / "allowed"
    draw_book(comics / "Reprints", {"1": 1, "2": 77})
    draw_book(root / "shelf" / "Later", {"1": 90, "2": 91})
    (root / "way out").symlink_to("/etc")
    (comics / "Harbour" / "003.png").write_text("no picture at all")
    build_index([comics], base / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    with served(base / "my.index", base / "server" / "tmp", build_roots=[root]) as server:
        yield Place(server.url, base / "my.index", comics, root)


@pytest.fixture
def page(chromium: Any, place: Place) -> Iterator[Any]:
    """A browser's page; nothing may leave this machine and no script may fail."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page, hosts, errors = context.new_page(), set(), []
    page.set_default_timeout(TIMEOUT)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert hosts <= {urlsplit(place.url).netloc, ""}
    assert errors == []


def test_the_library(page: Any, place: Place) -> None:
    """Books with covers and counts; found, sorted, opened; what was skipped and why; hostile names are text."""
    page.goto(f"{place.url}?view=library")
    page.locator(".books li").nth(3).wait_for()
    assert page.locator(".library h3").first.inner_text() == "4 books"
    titles = page.locator(".book-card .book").all_inner_texts()
    assert sorted(titles) == sorted([HOSTILE_BOOK, "Harbour", "Orchard", "Reprints"])
    harbour = page.locator(".book-card", has_text="Harbour")
    assert harbour.locator(".place").inner_text() == "2 pages · 8 panels · 6 with words"
    assert harbour.locator("img").evaluate("i => i.decode().then(() => i.naturalHeight)") == 480
    page.locator(".about details summary").click()
    assert "003.png" in page.locator(".skipped").inner_text()
    assert str(place.comics.parent) not in page.locator(".about").inner_text()
    assert "grid" in page.locator(".about").inner_text()
    page.locator(".shelf-form input").fill("orch")
    page.locator(".library h3", has_text="1 book for orch").wait_for()
    assert "find=orch" in page.url
    page.locator(".shelf-form input").fill("")
    page.locator(".shelf-form select").select_option("words")
    page.locator(".books li").nth(3).wait_for()
    assert page.locator(".book-card .book").first.inner_text() == "Harbour"
    harbour.click()
    page.locator(".pages li").nth(1).wait_for()
    page.locator(".panel-links a", has_text="3").first.wait_for()
    assert page.locator(".pages .book-card").count() == 2
    page.go_back()
    page.locator(".books li").first.wait_for()
    assert page.evaluate("window.hacked") is None
    page.goto(f"{place.url}?view=library&open=987")
    page.locator(".library .notice", has_text="not in the index any more").wait_for()
    page.get_by_role("link", name="All books").click()
    page.locator(".books li").first.wait_for()


def test_every_view_says_when_the_server_is_away_and_is_there_again_with_it(page: Any, place: Place) -> None:
    """The sentence and a way to try again, in each view and over a panel; never a value that is none."""
    ready = {
        "Library": ".about .figures",
        "Look-alikes": ".alikes-place h2, .alikes-place h3",
        "Map": ".map-said",
        "Build": ".folders a",
        "Search": "#narrow details",
    }
    calls = "**/component_server/**"
    for name, there in ready.items():
        page.route(calls, lambda route: route.abort())
        if name == "Library":
            page.goto(f"{place.url}?view=library")
        page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()
        page.locator(".notice:visible", has_text="The server does not answer").wait_for()
        assert page.locator("*:visible", has_text="undefined").count() == 0, name
        page.unroute(calls)
        page.locator("[data-do=again]:visible").click()
        page.locator(there).first.wait_for()
        assert page.locator(".notice:visible").count() == 0, name
    page.route(calls, lambda route: route.abort())
    page.locator(".welcome .card").first.click()
    page.locator(".sheet .notice").wait_for()
    page.unroute(calls)
    page.locator(".sheet [data-do=again]").click()
    page.locator(".sheet .paper").wait_for()


def test_the_map(page: Any, place: Place) -> None:
    """Made on first opening, drawn, hovered, opened with a click and with the keyboard, and read as a list."""
    page.goto(f"{place.url}?view=map")
    page.locator(".map-said", has_text="24 panels").wait_for()
    assert (place.index / "generations" / "1" / "map.npz").exists()
    with urlopen(f"{place.url}map/points") as answer:
        points = np.frombuffer(answer.read(), "<u4,<u2,<u2,<u2,<u2")
    assert points["f0"].tolist() == list(range(1, 25))
    assert len(set(points["f3"].tolist())) == 4
    canvas = page.locator(".map canvas")
    box = canvas.bounding_box()
    side = min(box["width"], box["height"]) - 48
    x, y = (
        box[at] + box[length] / 2 + (points[field][8] / 65535 - 0.5) * side
        for at, length, field in (("x", "width", "f1"), ("y", "height", "f2"))
    )
    page.mouse.move(x, y)
    page.locator(".map-tip img").wait_for()
    tip = page.locator(".map-tip img").get_attribute("src")
    page.mouse.click(x, y)
    page.wait_for_function("new URLSearchParams(location.search).has('panel')")
    assert f"pictures/panel/{page.evaluate('new URLSearchParams(location.search).get(`panel`)')}?" in tip
    page.goto(f"{place.url}?view=map")
    page.locator(".map-said", has_text="24 panels").wait_for()
    canvas.focus()
    for key in ("+", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("new URLSearchParams(location.search).has('panel')")
    page.goto(f"{place.url}?view=map")
    page.locator(".map-said", has_text="24 panels").wait_for()
    page.wait_for_load_state("networkidle")  # the pictures are there, and so large
    page.mouse.move(x, y + 40)  # near the lower edge of one
    page.locator('.map-tip img[src*="panel/9?"]').wait_for()
    page.mouse.click(x, y + 40)
    page.wait_for_function("new URLSearchParams(location.search).get('panel') === '9'")
    page.goto(f"{place.url}?view=map")
    page.locator(".map-list summary").click()
    page.locator(".groups .strip img").first.wait_for()
    assert "24 panels" in page.locator(".groups h3").first.inner_text()
    assert page.locator(".groups .strip img").first.get_attribute("alt").startswith("Panel ")


def test_lookalikes(page: Any, place: Place) -> None:
    """Looked for when asked; folded; what is not the same is remembered in the index, and can be taken back."""
    page.goto(f"{place.url}?view=lookalikes")
    page.locator("[data-look=start]").click()
    page.locator(".alikes > li").nth(3).wait_for()
    assert page.locator(".lookalikes h3").inner_text() == "4 groups of look-alikes"
    first = page.locator(".alikes > li").first
    assert first.locator(".about-group").inner_text() == "2 panels in Harbour, Reprints"
    first.locator("summary").click()
    first.locator(".members .button").last.click()
    page.locator(".said-so").wait_for()
    assert said_apart(place) == 1
    page.reload()
    page.locator(".lookalikes h3", has_text="3 groups").wait_for()


def test_each_panel_that_is_not_the_same_is_taken_back_where_it_stands(page: Any, place: Place) -> None:
    """Nothing moves, nothing is said that was not remembered, and the second takes nothing from the first."""
    page.set_viewport_size({"width": 1280, "height": 400})
    page.goto(f"{place.url}?view=lookalikes")
    page.locator(".lookalikes h3", has_text="3 groups").wait_for()
    page.locator(".alikes summary").last.click()
    first, second = (page.locator(".alikes > li").last.locator(".members > li").nth(n) for n in (0, 1))
    first.locator("[data-apart]").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    page.route("**/component_server/**", lambda route: route.abort())
    first.locator("[data-apart]").click()
    first.locator(".notice", has_text="does not answer").wait_for()
    assert first.locator(".said-so").count() == 0
    page.unroute("**/component_server/**")
    for member in (first, second):
        member.locator("[data-apart]").click()
        member.locator(".said-so").wait_for()
        assert not member.locator("[data-apart]").is_visible()
        assert page.evaluate("scrollY") == before
    assert first.locator(".notice").count() == 0
    assert said_apart(place) == 2
    first.locator(".said-so button").click()
    first.locator(".said-so").wait_for(state="detached")
    assert page.evaluate("document.activeElement.dataset.apart") == first.get_attribute("data-panel")
    assert said_apart(place) == 2  # the other one of the two still says that they are not the same
    second.locator(".said-so button").click()
    second.locator(".said-so").wait_for(state="detached")
    assert said_apart(place) == 1
    assert page.evaluate("scrollY") == before
    page.reload()
    page.locator(".lookalikes h3", has_text="3 groups").wait_for()


def said_apart(place: Place) -> int:
    with sqlite3.connect(place.index / "lookalikes.sqlite") as said:
        return len(said.execute("SELECT a, b FROM different").fetchall())


def test_a_build_from_the_page(page: Any, place: Place) -> None:
    """A folder below the root is chosen and built; the report says so, and the new book is there without a restart.

    Views that were open before show it when they are looked at again, also in another window that has heard of it.
    """
    other = page.context.new_page()
    for window in (other, page):
        window.goto(f"{place.url}?view=library")
        window.locator(".about .figures", has_text="4 books").wait_for()
    go_to(page, "Look-alikes")
    page.locator(".alikes > li").first.wait_for()
    go_to(page, "Search")
    page.locator(".welcome .figures", has_text="4 books").wait_for()
    go_to(page, "Build")
    page.locator(".folders a", has_text="shelf").wait_for()
    assert page.locator(".folders a").all_inner_texts() == ["shelf"]  # a link is no way out
    page.locator(".folders a", has_text="shelf").click()
    page.locator(".crumbs [aria-current]", has_text="shelf").wait_for()
    assert "folder=shelf" in page.url
    page.go_back()
    page.locator(".crumbs [aria-current]", has_text="allowed").wait_for()
    page.go_forward()
    page.locator("[data-build=start]", has_text="shelf").click()
    page.locator(".report").wait_for()
    assert "5 books, 8 pages and 32 panels. Pages: 2 new." in page.locator(".report").inner_text()
    go_to(page, "Look-alikes")
    page.locator("[data-look=start]").wait_for()
    for window in (page, other):
        go_to(window, "Search")
        window.locator(".welcome .figures", has_text="5 books").wait_for()
        window.locator('#narrow details[data-name="book"]', has_text="Later").wait_for()
        go_to(window, "Library")
        window.locator(".book-card", has_text="Later").wait_for()
        window.locator(".about .figures", has_text="5 books").wait_for()


def go_to(page: Any, view: str) -> None:
    """As a person does, without loading the page again."""
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()


def test_a_server_that_may_not_build_says_so(chromium: Any, url: str) -> None:
    page = chromium.new_page()
    page.goto(f"{url}?view=build")
    page.locator(".nothing", has_text="Building is not switched on here").wait_for()
    page.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_views_fit(chromium: Any, place: Place, width: int) -> None:
    """Nothing reaches over the side on a phone or a wide screen; each view says which it is."""
    phone = width < 600
    context = chromium.new_context(viewport={"width": width, "height": 844}, has_touch=phone, is_mobile=phone)
    page = context.new_page()
    for view, ready in (
        ("library", ".books li"),
        ("map", ".map-said"),
        ("lookalikes", ".aside"),
        ("build", ".folders"),
    ):
        page.goto(f"{place.url}?view={view}")
        page.locator(f"#view-{view} {ready}").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        title = page.locator(f"#view-{view} h2").first.inner_text()
        assert title == page.locator(".tabs [aria-current]").inner_text()
        if view == "map":
            assert page.locator(".map .aside", has_text="arrows move").is_visible() is not phone
    context.close()


def test_comics_that_are_gone_leave_the_library_readable(tmp_path: Path, chromium: Any) -> None:
    """Covers that cannot be read are missing; everything else stands."""
    comics = draw_library(tmp_path / "comics")
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    shutil.rmtree(comics)
    with served(tmp_path / "my.index", tmp_path / "server" / "tmp") as server:
        page = chromium.new_page()
        page.goto(f"{server.url}?view=library")
        page.locator(".books .book", has_text="Orchard").wait_for()
        page.locator("img.missing").first.wait_for(state="attached")
        page.close()
