"""Long-running jobs in Chromium: the map, look-alikes, and a build."""

from __future__ import annotations

import re
import sqlite3
from typing import Any
from urllib.request import urlopen

import numpy as np
from playwright.sync_api import Locator, Page, expect

from retrieval.overview.rejected_pairs import FILE as REJECTED_FILE
from tests.web.library import Site
from tests.web.visitor import Visitor

# ------------------------------------------------------------------------ map


def open_map(visitor: Visitor) -> Locator:
    """Open the map, wait for its points, and return its canvas."""
    visitor.open("?tab=map", ".map-status:has-text('24 panels')")
    return visitor.page.locator(".map canvas")


def test_the_map(site_visitor: Visitor, site: Site) -> None:
    """Made on first opening and drawn; a panel opens with a click and with the keyboard; there is a list too."""
    visitor, page = site_visitor, site_visitor.page
    canvas = open_map(visitor)
    assert (site.index / "generations" / "1" / "map.npz").exists()
    with urlopen(f"{site.url}map/points") as answer:
        points = np.frombuffer(answer.read(), "<u4,<u2,<u2,<u2,<u2")
    assert points["f0"].tolist() == list(range(1, 25))
    assert len(set(points["f3"].tolist())) == 4
    box = canvas.bounding_box()
    assert box is not None
    side = min(box["width"], box["height"]) - 48
    x, y = (
        box[at] + box[length] / 2 + (points[field][8] / 65535 - 0.5) * side
        for at, length, field in (("x", "width", "f1"), ("y", "height", "f2"))
    )
    page.mouse.move(x, y)
    tip = page.locator(".map-tip img")
    expect(tip).to_be_visible()
    hovered = tip.get_attribute("src") or ""
    page.mouse.click(x, y)
    visitor.expect_script("new URLSearchParams(location.search).has('panel')")
    assert f"pictures/panel/{visitor.address()['panel'][0]}?" in hovered
    open_map(visitor).focus()
    for key in ("+", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    visitor.expect_script("new URLSearchParams(location.search).has('panel')")
    open_map(visitor)
    expect_large_thumbnail(page, x, y + 40, panel=9)  # near the lower edge of one
    page.mouse.click(x, y + 40)
    visitor.expect_script("new URLSearchParams(location.search).get('panel') === '9'")
    open_map(visitor)
    page.locator(".map-list summary").click()
    image = page.locator(".groups .strip img").first
    expect(image).to_be_visible()
    expect(page.locator(".groups h3").first).to_contain_text("24 panels")
    expect(image).to_have_attribute("alt", re.compile("^Panel "))


def expect_large_thumbnail(page: Page, x: float, y: float, panel: int) -> None:
    """Expect a panel's thumbnail under the pointer; it is drawn some time after the points."""
    tip = page.locator(f'.map-tip img[src*="panel/{panel}?"]')
    for _ in range(60):
        page.mouse.move(x, y - 200)
        page.mouse.move(x, y)
        if tip.is_visible():
            return
        page.wait_for_timeout(500)
    expect(tip).to_be_visible()


# ------------------------------------------------------------------------ look-alikes


def rejected_pairs(site: Site) -> int:
    with sqlite3.connect(site.index / REJECTED_FILE) as database:
        return len(database.execute("SELECT a, b FROM rejected").fetchall())


def test_lookalikes(site_visitor: Visitor, site: Site) -> None:
    """Found on request, in groups; a rejected panel is remembered in the index."""
    visitor, page = site_visitor, site_visitor.page
    visitor.open("?tab=lookalikes", "[data-look=start]")
    page.locator("[data-look=start]").click()
    expect(page.locator(".alikes > li")).to_have_count(4)
    expect(page.locator(".lookalikes h3")).to_have_text("4 groups of look-alikes")
    first = page.locator(".alikes > li").first
    expect(first.locator(".about-group")).to_have_text("2 panels in Harbour, Reprints")
    first.locator("summary").click()
    first.locator(".members .button").last.click()
    expect(page.locator(".confirmation")).to_contain_text("Marked as not the same.")
    assert rejected_pairs(site) == 1
    page.reload()
    expect(page.locator(".lookalikes h3")).to_contain_text("3 groups")


def test_each_rejected_panel_has_its_own_undo(site_visitor: Visitor, site: Site) -> None:
    """Nothing moves, nothing unsaved is reported as saved, and each undo concerns its own panel."""
    visitor, page = site_visitor, site_visitor.page
    page.set_viewport_size({"width": 1280, "height": 400})
    visitor.open("?tab=lookalikes", ".lookalikes h3:has-text('3 groups')")
    page.locator(".alikes summary").last.click()
    first, second = (page.locator(".alikes > li").last.locator(".members > li").nth(n) for n in (0, 1))
    first.locator("[data-reject]").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    visitor.disconnect()
    first.locator("[data-reject]").click()
    expect(first.locator(".notice")).to_contain_text("does not answer")
    expect(first.locator(".confirmation")).to_have_count(0)
    visitor.reconnect()
    for member in (first, second):
        member.locator("[data-reject]").click()
        expect(member.locator(".confirmation")).to_be_visible()
        expect(member.locator("[data-reject]")).to_be_hidden()
        visitor.expect_script("before => scrollY === before", before)
    expect(first.locator(".notice")).to_have_count(0)
    assert rejected_pairs(site) == 2
    first.get_by_role("button", name="Undo").click()
    expect(first.locator(".confirmation")).to_have_count(0)
    expect(first.locator("[data-reject]")).to_be_focused()
    assert rejected_pairs(site) == 2  # the second panel still rejects the first
    second.get_by_role("button", name="Undo").click()
    expect(second.locator(".confirmation")).to_have_count(0)
    assert rejected_pairs(site) == 1
    visitor.expect_script("before => scrollY === before", before)
    page.reload()
    expect(page.locator(".lookalikes h3")).to_contain_text("3 groups")


# ------------------------------------------------------------------------ build


def test_a_build(chromium: Any, site_visitor: Visitor) -> None:
    """A folder below the root is built; after the report the new book is there without a restart.

    Tabs that were open before show it when they are opened again, in another window too.
    """
    visitor, page = site_visitor, site_visitor.page
    other = Visitor(chromium, visitor.url)
    for window in (other, visitor):
        window.open("?tab=library", ".about .figures:has-text('4 books')")
    visitor.open_tab("Look-alikes")
    expect(page.locator(".alikes > li").first).to_be_visible()
    visitor.open_tab("Search")
    expect(page.locator(".welcome .figures")).to_contain_text("4 books")
    visitor.open_tab("Build")
    expect(page.locator(".folders a")).to_have_text(["shelf"])  # links to folders outside are left out
    page.locator(".folders a", has_text="shelf").click()
    here = page.locator(".crumbs [aria-current]")
    expect(here).to_have_text("shelf")
    visitor.expect_address(tab="build", folder="shelf")
    page.go_back()
    expect(here).to_have_text("allowed")
    page.go_forward()
    page.locator("[data-build=start]", has_text="shelf").click()
    expect(page.locator(".report")).to_contain_text("5 books, 8 pages and 32 panels. Pages: 2 new.")
    visitor.open_tab("Look-alikes")
    expect(page.locator("[data-look=start]")).to_be_visible()
    for window in (visitor, other):
        window.open_tab("Search")
        expect(window.page.locator(".welcome .figures")).to_contain_text("5 books")
        expect(window.page.locator('#filters details[data-name="book"]')).to_contain_text("Later")
        window.open_tab("Library")
        expect(window.page.locator(".book-card", has_text="Later")).to_be_visible()
        expect(window.page.locator(".about .figures")).to_contain_text("5 books")
    other.leave()
