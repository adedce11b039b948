"""The tabs in Chromium: the library, a server that is down, and sizes of the screen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from index_builder import build_index
from tests.conftest import GridEncoder
from tests.web.library import HOSTILE_BOOK, Site, draw_library
from tests.web.serving import served
from tests.web.visitor import Visitor


def test_the_library(site_visitor: Visitor, site: Site) -> None:
    """Books with covers and counts can be found, sorted and opened. Skipped files have a reason. Names are text."""
    visitor, page = site_visitor, site_visitor.page
    visitor.open("?tab=library", ".books li")
    titles = page.locator(".book-card .book")
    expect(page.locator(".library h3").first).to_have_text("4 books")
    expect(titles).to_have_count(4)
    assert sorted(titles.all_inner_texts()) == sorted([HOSTILE_BOOK, "Harbour", "Orchard", "Reprints"])
    harbour = page.locator(".book-card", has_text="Harbour")
    expect(harbour.locator(".place")).to_have_text("2 pages · 8 panels · 6 with dialogue")
    assert harbour.locator("img").evaluate("i => i.decode().then(() => i.naturalHeight)") == 480
    page.locator(".about details summary").click()
    expect(page.locator(".skipped")).to_contain_text("003.png")
    expect(page.locator(".about")).not_to_contain_text(str(site.comics.parent))
    expect(page.locator(".about")).to_contain_text("grid")
    page.locator(".book-list-form input").fill("orch")
    expect(page.locator(".library h3").first).to_have_text("1 book for orch")
    visitor.expect_address(tab="library", find="orch")
    page.locator(".book-list-form input").fill("")
    page.locator(".book-list-form select").select_option(label="Most dialogue")
    expect(titles).to_have_count(4)
    expect(titles.first).to_have_text("Harbour")
    harbour.click()
    expect(page.locator(".pages > li")).to_have_count(2)
    expect(page.locator(".panel-links a", has_text="3").first).to_be_visible()
    expect(page.locator(".pages .book-card")).to_have_count(2)
    page.go_back()
    expect(page.locator(".books li").first).to_be_visible()
    assert page.evaluate("window.hacked") is None
    visitor.open("?tab=library&open=987", ".library .notice")
    expect(page.locator(".library .notice")).to_contain_text("This book is no longer in the library")
    page.get_by_role("link", name="All books").click()
    expect(page.locator(".books li").first).to_be_visible()


def test_every_tab_reports_an_unreachable_server(site_visitor: Visitor) -> None:
    """A message and a button to try again, in each tab and over a panel; never the text `undefined`."""
    visitor, page = site_visitor, site_visitor.page
    ready = {
        "Library": ".about .figures",
        "Collections": ".collections-place h2, .collections-place h3",
        "Look-alikes": ".alikes-place h2, .alikes-place h3",
        "Map": ".map-status",
        "Build": ".folders a",
        "Search": "#filters details",
    }
    for name, loaded in ready.items():
        visitor.disconnect()
        if name == "Library":
            page.goto(f"{visitor.url}?tab=library")
        visitor.open_tab(name)
        notice = page.locator(".notice:visible")
        expect(notice).to_contain_text("The server does not answer")
        expect(page.locator("*:visible", has_text="undefined")).to_have_count(0)
        visitor.reconnect()
        page.locator("[data-do=again]:visible").click()
        expect(page.locator(loaded).first).to_be_visible()
        expect(notice).to_have_count(0)
    visitor.disconnect()
    page.locator(".welcome .card").first.click()
    expect(visitor.sheet.locator(".notice")).to_be_visible()
    visitor.reconnect()
    visitor.sheet.locator("[data-do=again]").click()
    expect(visitor.sheet.locator(".paper")).to_be_visible()


def test_missing_comics_leave_the_library_readable(tmp_path: Path, chromium: Any) -> None:
    """Covers that cannot be read are missing; everything else is there."""
    comics = draw_library(tmp_path / "comics")
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    shutil.rmtree(comics)
    with served(tmp_path / "my.index", tmp_path / "server" / "tmp") as server:
        visitor = Visitor(chromium, server.url).open("?tab=library", ".books .book:has-text('Orchard')")
        visitor.page.locator("img.missing").first.wait_for(state="attached")
        visitor.leave()


def test_a_server_that_may_not_build(chromium: Any, url: str) -> None:
    """The tab is not linked; its address says how to allow builds."""
    visitor = Visitor(chromium, url).open("?tab=build", "#tab-build .nothing")
    expect(visitor.page.locator("#tab-build .nothing")).to_contain_text("Adding comics here is off")
    expect(visitor.page.locator(".tabs a", has_text="Build")).to_have_count(0)
    visitor.leave()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_tabs_fit(chromium: Any, site: Site, width: int) -> None:
    """Nothing is wider than a phone or a wide screen; each tab has its name as title."""
    phone = width < 600
    viewport = {"width": width, "height": 844}
    visitor = Visitor(chromium, site.url, viewport=viewport, has_touch=phone, is_mobile=phone)
    for tab, ready in (
        ("library", ".books li"),
        ("collections", ".nothing"),
        ("map", ".map-status"),
        ("lookalikes", ".aside"),
        ("build", ".folders"),
    ):
        visitor.open(f"?tab={tab}", f"#tab-{tab} {ready}")
        visitor.expect_script("document.documentElement.scrollWidth <= innerWidth")
        title = visitor.page.locator(f"#tab-{tab} h2").first.inner_text()
        expect(visitor.page.locator(".tabs [aria-current]")).to_have_text(title)
        if tab == "map":
            expect(visitor.page.locator(".map .aside", has_text="arrows move")).to_be_visible(visible=not phone)
    visitor.leave()
