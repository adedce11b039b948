"""Searching in Chromium: text, options, filters, and the address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.library import HOSTILE, HOSTILE_BOOK
from tests.web.visitor import Visitor

# ------------------------------------------------------------------------ text


def test_text_is_searched_with_enter(visitor: Visitor) -> None:
    """The best result comes first, its words marked; the summary counts panels; the address has the query."""
    visitor.search("bring the lantern")
    first, name = visitor.cards.first, "Panel 2 on page 1 of Harbour: 'Bring the lantern'"
    expect(first).to_have_attribute("aria-label", re.compile(rf"^{re.escape(name)}, relevance \d+ %$"))
    expect(first.locator("mark")).to_have_text(["Bring", "the", "lantern"])
    expect(first.locator(".why")).to_have_text(["exact words"])
    expect(visitor.summary).to_have_text(re.compile(r"^\s*12 panels with dialogue searched in \d+\.\d s\s*$"))
    expect(first.locator("img")).to_have_attribute("alt", name)
    visitor.expect_script("document.querySelector('#answer .card img').naturalWidth > 100")
    visitor.expect_address(q="bring the lantern")


def test_words_are_excluded(visitor: Visitor) -> None:
    """Panels with excluded words come later."""
    visitor.type("bring")
    visitor.excluded_field.fill("lantern")
    visitor.excluded_field.press("Enter")
    visitor.expect_results("without lantern")
    visitor.expect_dialogue(0, "Bring more rain")
    expect(visitor.cards.nth(1)).not_to_have_attribute("aria-label", re.compile("Bring the lantern"))


def test_the_view_can_be_chosen(visitor: Visitor) -> None:
    """Each choice searches at once and is in the address."""
    visitor.search("rain")
    expect(visitor.view_field).to_have_css("background-image", re.compile(r'^url\("data:image/svg'))  # its arrow
    visitor.view_field.select_option(label="Artwork")
    visitor.expect_view("picture")
    visitor.view_field.select_option(value="fused")
    visitor.expect_view("fused")
    visitor.expect_address(q="rain", view="fused")
    visitor.open("?q=rain&view=any", ".summary")
    expect(visitor.view_field).to_have_value("any")
    visitor.page.locator("#clear").click()
    expect(visitor.view_field).to_have_value("")


def test_unsent_text_is_included_in_the_next_action(visitor: Visitor, panel_picture: Path) -> None:
    """Every choice searches with the text in the form; an open panel leaves the text there."""
    visitor.type("bring")
    visitor.page.get_by_label("Group").select_option(label="By page")
    visitor.expect_results("Results for bring")
    visitor.type("rain")
    visitor.excluded_field.fill("ship")
    visitor.open_filter("book").get_by_role("checkbox", name="Harbour").click()
    visitor.expect_results("Results for rain without ship in Harbour")
    visitor.type("lantern")
    visitor.open_panel()
    visitor.page.keyboard.press("Escape")
    expect(visitor.sheet).to_have_count(0)
    expect(visitor.query_field).to_have_value("lantern")
    visitor.open_panel().get_by_role("link", name="Search with this image").click()
    visitor.expect_results("and lantern without ship")
    visitor.type("letter")
    visitor.button("Remove the image").click()
    visitor.expect_results("Results for letter")
    visitor.type("ladder")
    visitor.upload(panel_picture)
    visitor.expect_results("your image and ladder")
    expect(visitor.query_field).to_have_value("ladder")


def test_an_empty_search_and_clear(visitor: Visitor) -> None:
    """Exclusions alone are no search; Clear shows the start again."""
    visitor.excluded_field.fill("rain")
    visitor.page.locator("#search").click()
    visitor.expect_notice("exclusions only remove results")
    visitor.view_field.select_option(label="Artwork")
    visitor.search("rain")
    visitor.page.locator("#clear").click()
    expect(visitor.page.locator(".welcome")).to_be_visible()
    for field in (visitor.query_field, visitor.excluded_field, visitor.view_field):
        expect(field).to_have_value("")
    expect(visitor.query_field).to_be_focused()


def test_text_from_comics_is_shown_as_text(visitor: Visitor) -> None:
    """Tags and templates in dialogue and in names appear as they are written, and nothing runs."""
    visitor.search("danger shouted quoted")
    expect(visitor.page.locator(".dialogue-text", has_text=HOSTILE).first).to_be_visible()
    expect(visitor.page.locator("#answer .book", has_text=HOSTILE_BOOK).first).to_be_visible()
    visitor.open_panel()
    expect(visitor.page.locator("#panel-title")).to_have_text(HOSTILE_BOOK)
    visitor.page.keyboard.press("Escape")
    expect(visitor.sheet).to_have_count(0)
    visitor.open_filter("book").get_by_role("checkbox", name=HOSTILE_BOOK).click()
    visitor.expect_results(HOSTILE_BOOK)
    visitor.search(f"words {HOSTILE}")
    expect(visitor.page.locator("img[src=x]")).to_have_count(0)
    assert visitor.page.evaluate("window.hacked") is None


# ------------------------------------------------------------------------ filters


def test_filters_show_counts(visitor: Visitor) -> None:
    """A choice searches at once and its list stays open under the focus; two filters combine; they can be cleared."""
    visitor.search("rain")
    book = visitor.open_filter("book")
    expect(book.locator("label", has_text="Harbour").locator(".count")).to_have_text("8")
    book.get_by_role("checkbox", name="Harbour").click()
    visitor.expect_results("in Harbour")
    expect(visitor.page.locator('details[data-name="book"].chosen')).to_be_visible()
    visitor.expect_script("document.activeElement.value === 'Harbour'")
    expect(visitor.summary).to_contain_text("6 panels with dialogue searched")
    visitor.page.keyboard.press("Escape")
    dialogue = visitor.open_filter("has_dialogue")
    expect(dialogue.locator("label", has_text="Without dialogue").locator(".count")).to_have_text("2")
    dialogue.get_by_role("checkbox", name="Without dialogue").click()
    expect(visitor.page.get_by_role("heading", name="No panels match all these filters")).to_be_visible()
    expect(visitor.page.locator("#filters .chosen b")).to_have_text(["Harbour", "Without dialogue"])
    visitor.button("Search without filters").click()
    expect(visitor.summary).to_contain_text("12 panels with dialogue searched")
    visitor.expect_address(q="rain")


def test_filters_alone_browse(visitor: Visitor) -> None:
    """Panels in reading order, without scores; one book at a time."""
    book = visitor.open_filter("book")
    book.get_by_role("checkbox", name="Harbour").click()
    visitor.expect_results("8 panels in Harbour")
    expect(visitor.cards).to_have_count(8)
    for place, (page, number) in enumerate((page, number) for page in (1, 2) for number in (1, 2, 3, 4)):
        visitor.expect_label(place, f"Panel {number} on page {page}")
    expect(visitor.page.locator("#answer .score")).to_have_count(0)
    book.get_by_role("checkbox", name="Orchard").click()
    visitor.expect_results("4 panels in Orchard")
    visitor.page.go_back()
    visitor.expect_results("8 panels in Harbour")


def test_values_of_a_filter_can_be_searched(visitor: Visitor) -> None:
    """Without a match there is a message and no search; otherwise Enter takes all values that contain the text."""
    book = visitor.open_filter("book")
    field, status = book.get_by_role("searchbox", name="Find in Book"), book.get_by_role("status")
    field.fill("8")  # a count is no name
    expect(status).to_have_text("No book matches.")
    field.press("Enter")
    visitor.expect_address()
    field.fill("har")
    expect(status).to_have_text("")
    field.press("Enter")
    visitor.expect_results("12 panels in books whose name contains “har”")
    expect(visitor.page.locator("#filters .chosen b", has_text="contains “har”")).to_be_visible()


# ------------------------------------------------------------------------ the address


def test_the_open_tab_is_in_the_address(visitor: Visitor, url: str) -> None:
    """Each tab has its address, which opens it; back and forward go through them."""
    tabs = visitor.page.get_by_role("navigation", name="Tabs")
    tabs.get_by_role("link", name="Map").click()
    expect(visitor.page.locator("#tab-map")).to_be_visible()
    expect(visitor.page).to_have_url(f"{url}?tab=map")
    expect(visitor.page.locator("#tab-search")).to_be_hidden()
    expect(tabs.locator("[aria-current=page]")).to_have_text(["Map"])
    visitor.page.go_back()
    expect(visitor.page.locator("#tab-search")).to_be_visible()
    visitor.open("?tab=library", "#tab-library")
    expect(visitor.page.locator("#tab-search")).to_be_hidden()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("q=rain&without=ship&in=picture", {"q": "rain", "not": "ship", "view": "picture"}),
        ("q=rain&words=said&fold=page&elsewhere=1", {"q": "rain", "view": "dialogue", "group": "page", "exclude": "1"}),
        ("q=rain&words=drawn", {"q": "rain", "view": "picture"}),
        ("q=rain&words=both&in=", {"q": "rain", "view": "any"}),
    ],
)
def test_old_links_still_work(visitor: Visitor, old: str, new: dict[str, str]) -> None:
    """Parameters of version 0.1 get their new names, without a step in the history."""
    visitor.open(f"?{old}", ".summary")
    visitor.expect_address(**new)
    expect(visitor.view_field).to_have_value(new["view"])
    expect(visitor.excluded_field).to_have_value(new.get("not", ""))
    expect(visitor.items.first).to_be_visible()
    visitor.page.go_back()
    expect(visitor.page.locator(".welcome .card").first).to_be_visible()


def test_old_links_to_a_tab_still_work(visitor: Visitor) -> None:
    visitor.open("?view=library&find=orch", ".library h3:has-text('1 book')")
    visitor.expect_address(tab="library", find="orch")


def test_two_visitors_never_see_each_others_search(chromium: Any, url: str, panel_picture: Path) -> None:
    """Two slow searches at the same time, by text and by image with text, each get their own results."""
    ann, bob = Visitor(chromium, url).open(), Visitor(chromium, url).open()
    for turn in range(2):
        if turn:
            bob.upload(panel_picture)
            bob.expect_results("your image")
        ann.type(f"slowly the ship {turn}")
        bob.type(f"slowly apples fall {turn}")
        ann.query_field.press("Enter")
        bob.query_field.press("Enter")
        ann.expect_results(f"slowly the ship {turn}")
        bob.expect_results(f"slowly apples fall {turn}")
        ann.expect_dialogue(0, "Nobody saw the ship")
        bob.expect_dialogue(0, "Apples fall in autumn")
    bob.expect_results("your image")
    expect(ann.heading).not_to_contain_text("apples")
    expect(ann.heading).not_to_contain_text("your image")
    expect(ann.page.locator(".asking")).to_have_count(0)
    ann.leave()
    bob.leave()
