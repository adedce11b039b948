"""Keeping panels in Chromium: stars, the list of collections, the tab, exports, saved pictures and searches."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from index_builder import build_index
from tests.conftest import GridEncoder
from tests.web.library import draw_library
from tests.web.serving import served
from tests.web.test_browser_follow import expect_no_faults
from tests.web.visitor import Visitor

NAME = "<img src=x onerror=window.hacked=1> \u05e9\u05dc\u05d5\u05dd"


@pytest.fixture(scope="module")
def kept_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose collections only these tests change."""
    base = tmp_path_factory.mktemp("keeping")
    build_index([draw_library(base / "comics")], base / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    with served(base / "my.index", base / "server" / "tmp") as server:
        yield server.url


@pytest.fixture
def keeper(chromium: Any, kept_url: str) -> Iterator[Visitor]:
    visitor = Visitor(chromium, kept_url, permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    yield visitor
    visitor.leave()


def star(visitor: Visitor, place: int) -> Locator:
    """Return the star of a result."""
    return visitor.items.nth(place).locator(".star")


def test_a_star_on_a_card(keeper: Visitor, chromium: Any, kept_url: str) -> None:
    """It appears on focus and stays when set, for other visitors too; the card does not move; a second click unsets."""
    keeper.open("?q=rain&view=picture", ".summary")
    first = star(keeper, 0)
    before = keeper.cards.first.bounding_box()
    expect(first).to_have_css("opacity", "0")
    first.focus()
    expect(first).to_have_css("opacity", "1")
    keeper.page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    keeper.query_field.focus()
    expect(first).to_have_css("opacity", "1")
    assert keeper.cards.first.bounding_box() == before
    other = Visitor(chromium, kept_url).open("?q=rain&view=picture", ".star.kept")
    expect(star(other, 0)).to_have_attribute("aria-pressed", "true")
    expect(other.page.locator("#answer > ol > li > .star.kept")).to_have_count(1)
    other.leave()
    first.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    keeper.open("?tab=collections", ".collection-card")
    expect(keeper.page.locator(".collection-card .place")).to_have_text("0 panels")


def test_the_list_of_collections_of_a_panel(keeper: Visitor) -> None:
    """By keyboard: open, make a collection, tick one; Escape closes the list alone, and letters are no steps."""
    page = keeper.page
    keeper.open("?q=lantern", ".summary")
    sheet = keeper.open_panel(1)
    title = sheet.locator(".where").inner_text()
    button = sheet.locator(".keep-button")
    expect(button).to_have_text("Keep")
    button.press("Enter")
    box = page.get_by_role("dialog", name="Keep this panel in")
    expect(box.get_by_label("Starred")).not_to_be_checked()
    box.get_by_label("New collection").press_sequentially("jk Jk")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(box.get_by_label("jk Jk")).to_be_checked()
    expect(box.get_by_label("New collection")).to_have_value("")
    box.get_by_label("New collection").fill(NAME)
    page.keyboard.press("Enter")
    expect(box.get_by_label(NAME)).to_be_checked()
    box.get_by_label("jk Jk").press("Space")
    expect(box.get_by_label("jk Jk")).not_to_be_checked()
    box.get_by_label("New collection").fill("x\u0007")
    page.keyboard.press("Enter")
    expect(box.locator(".choices-place .notice")).to_contain_text("holds the control character U+0007")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(sheet.locator(".where")).to_have_text(title)
    expect(button).to_be_focused()
    expect(button).to_have_text(f"Kept in {NAME}")
    assert page.evaluate("window.hacked") is None
    sheet.locator(".star").click()
    expect(button).to_have_text("Kept in 2 collections")
    page.keyboard.press("Escape")
    expect(keeper.sheet).to_have_count(0)
    expect(star(keeper, 1)).to_have_attribute("aria-pressed", "true")


def test_an_unreachable_server_is_a_sentence_in_the_list(keeper: Visitor) -> None:
    keeper.open("?q=rain&view=picture", ".summary")
    sheet = keeper.open_panel(5)
    keeper.disconnect()
    sheet.locator(".keep-button").click()
    expect(keeper.page.locator("dialog .choices-place .notice")).to_contain_text("The server does not answer")
    keeper.page.keyboard.press("Escape")
    sheet.locator(".star").click()
    expect(keeper.page.locator("dialog .choices-place .notice")).to_contain_text("The server does not answer")
    expect(sheet.locator(".star")).to_have_attribute("aria-pressed", "false")
    keeper.page.keyboard.press("Escape")
    keeper.page.keyboard.press("Escape")
    keeper.open_tab("Collections")
    expect(keeper.page.locator("#collections .notice")).to_contain_text("The server does not answer")
    keeper.reconnect()
    keeper.page.locator("#collections [data-do=again]").click()
    expect(keeper.page.locator("#collections h3, #collections .nothing").first).to_be_visible()


def test_an_open_collection(keeper: Visitor, chromium: Any, kept_url: str, tmp_path: Path) -> None:
    """Steps from panel to panel; exports; remove, rename and delete, and another visitor's change."""
    page = keeper.page
    keeper.open("?q=rain&view=picture", ".summary")
    for place in (2, 3, 4):
        _keep_in(keeper, place, "Ships")
    keeper.open_tab("Collections")
    page.locator(".collection-card", has_text="Ships").click()
    cards = page.locator(".collection-panels .card")
    expect(cards).to_have_count(3)
    keeper.expect_address(tab="collections", open="Ships")
    labels = [str(label) for label in cards.evaluate_all("all => all.map((card) => card.ariaLabel)")]
    cards.first.click()
    expect(keeper.sheet.get_by_text("Panel 1 of 3")).to_be_visible()
    page.keyboard.press("j")
    expect(keeper.sheet.get_by_text("Panel 2 of 3")).to_be_visible()
    page.reload()
    expect(keeper.sheet.get_by_text("Panel 2 of 3")).to_be_visible()
    page.keyboard.press("Escape")
    keeper.expect_focus_label(labels[1])
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as ZIP").click()
    assert download.value.suggested_filename == "Ships.zip"
    download.value.save_as(tmp_path / "ships.zip")
    with zipfile.ZipFile(tmp_path / "ships.zip") as archive:
        assert len(archive.namelist()) == 4
    expect(page.locator(".collection-note")).to_have_text("Saved as Ships.zip")
    expect_no_faults(keeper, "an open collection")
    page.get_by_role("button", name=re.compile("^Remove panel . on page . of .* from this collection$")).first.click()
    expect(cards).to_have_count(2)
    expect(page.locator(".collection-head .place")).to_have_text("2 panels")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("Boats")
    page.keyboard.press("Enter")
    keeper.expect_address(tab="collections", open="Boats")
    expect(page.locator(".collection-head h3")).to_have_text("Boats")
    other = Visitor(chromium, kept_url).open("?tab=collections&open=boats", ".collection-panels .card")
    other.page.get_by_role("button", name="Delete").click()
    other.page.get_by_role("dialog", name="Delete this collection?").get_by_role("button", name="Cancel").click()
    other.page.get_by_role("button", name="Delete").click()
    expect(other.page.locator("dialog bdi")).to_have_text("Boats")
    other.page.locator("dialog").get_by_role("button", name="Delete").click()
    other.expect_address(tab="collections")
    expect(other.page.locator(".collection-card", has_text="Boats")).to_have_count(0)
    other.leave()
    page.get_by_role("link", name="Export as CSV").click()
    expect(page.locator(".collection-note .notice")).to_contain_text("There is no collection 'Boats'")
    page.locator(".remove").first.click()
    expect(page.locator(".collection-note .notice")).to_contain_text("There is no collection 'Boats'")


def _keep_in(visitor: Visitor, place: int, name: str) -> None:
    """Keep the panel of a result in a collection."""
    sheet = visitor.open_panel(place)
    sheet.locator(".keep-button").click()
    visitor.page.get_by_label("New collection").fill(name)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("dialog").get_by_label(name)).to_be_checked()
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("Escape")
    expect(visitor.sheet).to_have_count(0)


def test_a_panel_as_a_picture(keeper: Visitor, tmp_path: Path) -> None:
    """Saved and copied as PNG; a browser that refuses to copy, and a server that is down, are sentences."""
    keeper.open("?q=lantern&view=dialogue", ".summary")
    sheet = keeper.open_panel()
    with keeper.page.expect_download() as download:
        sheet.get_by_role("link", name="Save picture").click()
    assert download.value.suggested_filename == "Harbour p1 panel 2.png"
    download.value.save_as(tmp_path / "panel.png")
    with Image.open(tmp_path / "panel.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (170, 270))
    sheet.get_by_role("button", name="Copy picture").click()
    expect(sheet.get_by_role("button", name="Copied")).to_be_visible()
    size = keeper.page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const bitmap = await createImageBitmap(await item.getType("image/png"));
            return [bitmap.width, bitmap.height];
        }"""
    )
    assert size == [170, 270]
    keeper.page.evaluate("() => { navigator.clipboard.write = async () => { throw new Error('refused'); }; }")
    sheet.get_by_role("button", name="Copied").click()
    expect(sheet.locator(".action-note")).to_have_text("The browser refused to copy the picture. Save it instead.")
    keeper.page.route("**/*.png", lambda route: route.abort())
    sheet.get_by_role("link", name="Save picture").click()
    expect(sheet.locator(".action-note")).to_contain_text("The server does not answer")


def test_recent_and_saved_searches(keeper: Visitor) -> None:
    """On the start page; removable; the browser alone has them, whatever another program wrote there."""
    page = keeper.page
    keeper.open()
    expect(page.locator(".remembered")).to_have_count(0)
    keeper.search("bring the lantern")
    keeper.search("<b>rain</b> \u05e9\u05dc\u05d5\u05dd")
    page.get_by_role("button", name="Save this search").click()
    expect(page.get_by_role("button", name="Saved search", pressed=True)).to_be_visible()
    for number in range(13):
        keeper.search(f"rain {number}")
    before = len(keeper.requests)
    keeper.open()
    saved = page.locator(".remembered", has_text="Saved searches").locator(".chips a")
    recent = page.locator(".remembered", has_text="Recent searches").locator(".chips a")
    expect(saved).to_have_text(["<b>rain</b> \u05e9\u05dc\u05d5\u05dd"])
    expect(recent).to_have_count(12)
    expect(recent.first).to_have_text("rain 12")
    assert not [each for each in keeper.requests[before:] if "lantern" in each]
    expect_no_faults(keeper, "start with searches")
    saved.click()
    keeper.expect_results("<b>rain</b>")
    keeper.expect_address(q="<b>rain</b> \u05e9\u05dc\u05d5\u05dd")
    page.go_back()
    page.get_by_role("button", name="Clear the recent searches").click()
    expect(recent).to_have_count(0)
    page.get_by_role("button", name="Remove the saved search").click()
    expect(page.locator(".remembered")).to_have_count(0)
    for kind, content in (("recent", '[{"query": 1}, null, {"query": "q=x", "title": "x"}]'), ("saved", "no JSON")):
        page.evaluate("([key, content]) => localStorage.setItem(key, content)", [f"panelseek.{kind} /", content])
    keeper.open()
    expect(recent).to_have_text(["x"])


@pytest.mark.parametrize(("colours", "width"), [("dark", 390), ("light", 320)])
def test_keeping_fits_a_phone(chromium: Any, kept_url: str, colours: str, width: int) -> None:
    """The list, the tab and an open collection with a long name, without a fault that axe finds."""
    viewport = {"width": width, "height": 844}
    visitor = Visitor(chromium, kept_url, viewport=viewport, color_scheme=colours, has_touch=True, is_mobile=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    visitor.open("?q=rain&view=picture", ".summary")
    _keep_in(visitor, 0, "W" * 200)
    visitor.open_panel(0).locator(".keep-button").click()
    expect(visitor.page.locator(".dialog.keep li").first).to_be_visible()
    visitor.expect_script("document.querySelector('.dialog.keep').getBoundingClientRect().bottom <= innerHeight")
    visitor.expect_script("document.querySelector('.dialog.keep').scrollWidth <= innerWidth")
    expect_no_faults(visitor, "the list of a panel")
    visitor.open("?tab=collections", ".collection-card")
    visitor.expect_script(fits)
    expect_no_faults(visitor, "collections")
    visitor.page.locator(".collection-card", has_text="WWW").click()
    expect(visitor.page.locator(".collection-panels .card")).to_have_count(1)
    visitor.expect_script(fits)
    visitor.leave()
