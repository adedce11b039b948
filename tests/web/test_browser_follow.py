"""Following panels and links in Chromium; without a mouse, on a phone, and with assistive technology."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Request, Route, expect

from retrieval import PanelIndex
from tests.web.visitor import SERVER_CALLS, Visitor

FITS = "document.documentElement.scrollWidth <= innerWidth"

# ------------------------------------------------------------------------ the open panel


def box(locator: Locator) -> dict[str, float]:
    """Return the place of an element on screen."""
    expect(locator).to_be_visible()
    found = locator.bounding_box()
    assert found is not None
    return dict(found)


def test_a_result_opens_on_its_page(visitor: Visitor) -> None:
    """The box is drawn around the panel; dialogue, file and weights are next to it; other panels can be clicked."""
    visitor.search("bring the lantern")
    sheet = visitor.open_panel()
    visitor.expect_image_width(".paper img", 400)
    page, frame = box(sheet.locator(".paper")), box(sheet.locator(".box"))
    assert frame["x"] - page["x"] == pytest.approx(page["width"] * 0.525, abs=2)
    assert frame["height"] == pytest.approx(page["height"] * 0.45, abs=2)
    expect(sheet.locator(".balloon")).to_have_text("Bring the lantern")
    expect(sheet.locator(".balloon mark")).to_have_text(["Bring", "the", "lantern"])
    expect(sheet.locator(".facts")).to_contain_text("Harbour/001.png")
    expect(sheet.locator(".gate dd")).to_have_text(["50 %", "50 %", "0 %"])
    expect(sheet.locator(".paper img")).to_have_attribute("alt", "Page 1 of Harbour")
    sheet.get_by_role("link", name="Panel 3 of this page").click()
    expect(sheet.locator(".where")).to_contain_text("panel 3 of 4")
    expect(sheet.locator(".balloon.none")).to_have_text("No dialogue.")


def test_neighbours_lead_through_the_story(visitor: Visitor) -> None:
    """Across pages, by button, by arrow key and by thumbnail; one step back leads to the results."""
    visitor.search("bring the lantern")
    sheet = visitor.open_panel()
    where = sheet.locator(".where")
    for expected in ("panel 3", "panel 4", "Page 2 · panel 1"):
        sheet.get_by_role("link", name="Next panel").click()
        expect(where).to_contain_text(expected)
    visitor.expect_focus_label("Next panel")
    visitor.page.keyboard.press("ArrowLeft")
    expect(where).to_contain_text("Page 1 · panel 4")
    sheet.locator(".story ol a").first.click()
    expect(where).to_contain_text("Page 1 · panel 2")
    sheet.locator(".story ol a").first.click()
    expect(where).to_contain_text("Page 1 · panel 1")
    expect(sheet.get_by_role("link", name="Previous panel")).to_have_attribute("aria-disabled", "true")
    visitor.page.go_back()
    expect(sheet).to_have_count(0)
    visitor.expect_address(q="bring the lantern")


def test_results_lead_to_each_other(visitor: Visitor) -> None:
    """By button and by key; a step in the story keeps the place; closing leads to the result that was reached."""
    visitor.search("bring the lantern")
    expect(visitor.cards).to_have_count(12)
    titles = visitor.labels()
    sheet = visitor.open_panel()
    expect(sheet.get_by_text("Result 1 of 12")).to_be_visible()
    expect(sheet.get_by_role("button", name="Previous result")).to_be_disabled()
    sheet.get_by_role("button", name="Next result").click()
    expect(sheet.get_by_text("Result 2 of 12")).to_be_visible()
    visitor.expect_focus_label("Next result")
    for key, expected in (("j", 3), ("j", 4), ("k", 3)):
        visitor.page.keyboard.press(key)
        expect(sheet.get_by_text(f"Result {expected} of 12")).to_be_visible()
    sheet.locator(".step.next, .step.previous").and_(visitor.page.locator("a")).first.click()
    expect(sheet.get_by_text("Result 3 of 12")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(visitor.sheet).to_have_count(0)
    visitor.expect_focus_label(titles[2])


def test_the_last_result_leads_to_further_ones(visitor: Visitor) -> None:
    """They are loaded, and the list behind the panel has them too."""
    visitor.open("?q=rain&view=picture", ".summary")
    expect(visitor.cards).to_have_count(12)
    sheet = visitor.open_panel(11)
    expect(sheet.get_by_text("Result 12 of 12+")).to_be_visible()
    sheet.get_by_role("button", name="Next result").click()
    expect(sheet.get_by_text("Result 13 of 16")).to_be_visible()
    expect(visitor.cards).to_have_count(16)


def test_a_panel_of_no_result_has_no_steps(visitor: Visitor) -> None:
    """Neither one that an address names alone, nor one opened from the library."""
    visitor.open("?panel=1", ".sheet")
    expect(visitor.sheet.locator(".result-steps")).to_be_hidden()


def test_the_whole_page(visitor: Visitor) -> None:
    """Without details; from page to page; Escape leads back to the panel."""
    visitor.search("bring the lantern")
    sheet = visitor.open_panel()
    sheet.get_by_role("button", name="Whole page").click()
    pressed = sheet.get_by_role("button", name="Panel", exact=True, pressed=True)
    close = sheet.get_by_role("link", name="Close the panel")
    assert box(pressed)["y"] == pytest.approx(box(close)["y"], abs=4)
    expect(sheet.locator(".balloon")).to_be_hidden()
    sheet.get_by_role("link", name="Next page").click()
    expect(sheet.get_by_text("Page 2 of 2")).to_be_visible()
    expect(sheet.locator(".balloon")).to_be_hidden()
    visitor.page.keyboard.press("Escape")
    expect(sheet.locator(".balloon")).to_be_visible()


def test_more_like_this(visitor: Visitor) -> None:
    """The panel becomes the query; it closes, and is not among the results."""
    visitor.search("bring the lantern")
    visitor.open_panel().get_by_role("link", name="More like this").click()
    visitor.expect_results("Panels like Harbour, page 1, panel 2")
    expect(visitor.sheet).to_have_count(0)
    expect(visitor.cards).to_have_count(12)
    visitor.expect_no_dialogue("Bring the lantern")


def test_the_same_line_elsewhere(visitor: Visitor) -> None:
    """Other panels with the line, without the panel it came from."""
    visitor.search("bring the lantern")
    visitor.open_panel().get_by_role("link", name="Find this line elsewhere").click()
    visitor.expect_results("Other panels with Bring the lantern")
    visitor.expect_dialogue(0, "Bring more rain")
    visitor.expect_no_dialogue("Bring the lantern")


def test_a_panel_that_loads_slowly_can_be_closed(visitor: Visitor) -> None:
    """Escape while it loads: it does not open later."""
    visitor.search("bring the lantern")
    held: list[Route] = []
    visitor.page.route(SERVER_CALLS, lambda route: held.append(route))
    with visitor.page.expect_request(_is_panel_request):
        visitor.cards.first.click()
    visitor.page.locator(".sheet-place.slow").wait_for(state="attached")
    visitor.page.keyboard.press("Escape")
    visitor.expect_address(q="bring the lantern")
    with visitor.page.expect_response(lambda response: _is_panel_request(response.request)) as answer:
        for route in held:
            route.continue_()
    answer.value.finished()
    visitor.reconnect()
    visitor.page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")  # after the script got the answer
    expect(visitor.page.locator(".sheet, .sheet-place.slow")).to_have_count(0)
    visitor.open_panel()


def _is_panel_request(request: Request) -> bool:
    return "open_panel" in (request.post_data or "")


# ------------------------------------------------------------------------ links


def test_a_link_opens_the_same_results_in_another_browser(visitor: Visitor, chromium: Any, url: str) -> None:
    """Query, filters, view and the open panel come with the address."""
    visitor.open("?q=bring&not=lantern&view=dialogue&book=Harbour", ".summary")
    expect(visitor.cards).to_have_count(6)
    sheet = visitor.open_panel()
    visitor.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    visitor.button("Copy link").click()
    expect(visitor.button("Copied")).to_be_visible()
    link = str(visitor.page.evaluate("window.copied"))
    other = Visitor(chromium, url).open(link.removeprefix(url), ".sheet")
    expect(other.sheet.locator(".where")).to_have_text(sheet.locator(".where").inner_text())
    other.page.keyboard.press("Escape")
    other.expect_results("bring")
    labels = visitor.labels()
    expect(other.cards).to_have_count(len(labels))
    for place, label in enumerate(labels):
        other.expect_label(place, label)
    expect(other.excluded_field).to_have_value("lantern")
    expect(other.view_field).to_have_value("dialogue")
    expect(other.page.locator('details[data-name="book"].chosen')).to_have_count(1)
    other.leave()


def test_a_link_cannot_carry_an_upload(visitor: Visitor, chromium: Any, url: str, panel_picture: Path) -> None:
    """The text and the open panel come along, the image does not. Both the sender and the receiver see a message."""
    visitor.upload(panel_picture)
    visitor.expect_results("your image")
    address = visitor.page.url.removeprefix(url)
    visitor.page.evaluate("navigator.clipboard.writeText = async () => {}")
    visitor.open_panel().get_by_role("button", name="Copy link").click()
    expect(visitor.button("Copied, without your image")).to_be_visible()
    other = Visitor(chromium, url).open(address, "#answer .nothing")
    expect(other.page.locator("#answer .nothing")).to_contain_text("uploads stay on the computer they came from")
    other.open(f"{address}&q=lantern", ".summary")
    expect(other.page.locator(".summary .aside")).to_contain_text("uploads stay on the computer they came from")
    other.expect_dialogue(0, "Bring the lantern")
    other.leave()


def test_a_link_to_a_missing_panel(visitor: Visitor) -> None:
    """A message and a way back to the results."""
    visitor.open("?q=rain&panel=987654", ".sheet")
    expect(visitor.sheet).to_contain_text("This panel is no longer in the library")
    expect(visitor.sheet.get_by_role("link")).to_have_text(["Back"])
    visitor.sheet.get_by_role("link", name="Back").click()
    expect(visitor.sheet).to_have_count(0)
    visitor.expect_results("rain")


# ------------------------------------------------------------------------ other ways to use it


def test_without_a_mouse(visitor: Visitor) -> None:
    """Type, Enter, Tab to a result, Enter; arrows step, Escape returns to the result; the rest is inert meanwhile."""
    keys = visitor.page.keyboard
    expect(visitor.query_field).to_be_focused()
    keys.type("bring the lantern")
    keys.press("Enter")
    visitor.expect_results("bring the lantern")
    expect(visitor.page.locator("#filters details").first).to_be_visible()
    assert any(_next_focus(visitor) == "card" for _ in range(20))
    keys.press("Enter")
    expect(visitor.page.locator("#panel-title")).to_be_focused()
    visitor.expect_script("document.querySelector('#search-form').closest('[inert]')")
    keys.press("ArrowRight")
    expect(visitor.sheet.locator(".where")).to_contain_text("panel 3")
    keys.press("Escape")
    expect(visitor.sheet).to_have_count(0)
    visitor.expect_focus_label("Panel 2 on page 1 of Harbour")
    keys.press("Enter")  # the same result opens again
    expect(visitor.sheet.locator(".where")).to_contain_text("panel 2")


def _next_focus(visitor: Visitor) -> str:
    """Press Tab; return the id or the class of the element with the focus, which must be visible."""
    visitor.page.keyboard.press("Tab")
    name = str(visitor.page.evaluate("document.activeElement.id || document.activeElement.className"))
    element = "document.activeElement.firstElementChild" if name == "card" else "document.activeElement"
    visitor.expect_script(f"getComputedStyle({element}).outlineStyle !== 'none'")
    return name


@pytest.mark.parametrize(("colours", "width"), [("light", 390), ("dark", 320)])
def test_it_fits_a_phone(chromium: Any, url: str, colours: str, width: int) -> None:
    """Nothing is wider than the screen, before and after a search, with options, filters and a panel open."""
    visitor = Visitor(chromium, url, viewport={"width": width, "height": 844}, color_scheme=colours).open()
    visitor.expect_script(FITS)
    visitor.expect_script(
        "(({scrollWidth, clientWidth}) => scrollWidth <= clientWidth)(document.querySelector('.tabs'))"
    )
    visitor.button("Options").click()
    visitor.open_filter("book")
    visitor.expect_script(FITS)
    visitor.search("bring the lantern")
    visitor.expect_script(FITS)
    sheet = visitor.open_panel()
    visitor.expect_script("document.querySelector('.sheet').scrollWidth <= innerWidth")
    assert box(sheet.get_by_text("Whole page", exact=True))["height"] < 30  # one line
    visitor.leave()


@pytest.mark.parametrize(("colours", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_no_serious_fault(
    chromium: Any, url: str, panel_picture: Path, index: PanelIndex, colours: str, width: int
) -> None:
    """At the start, with results, filters, the crop dialog, an open panel, no results, and an error."""
    visitor = Visitor(chromium, url, viewport={"width": width, "height": 900}, color_scheme=colours).open()
    expect_no_faults(visitor, "start")
    visitor.search("bring the lantern")
    visitor.open_filter("book")
    expect_no_faults(visitor, "results and filters")
    visitor.page.keyboard.press("Escape")
    visitor.open_panel()
    expect_no_faults(visitor, "a panel")
    visitor.open("?q=rain&has_dialogue=no", "#answer .nothing")
    expect_no_faults(visitor, "no results")
    visitor.upload(panel_picture)
    expect(visitor.page.locator(".asking")).to_be_visible()
    visitor.button("Crop").click()
    expect_no_faults(visitor, "crop")
    visitor.open("?crop=1", ".notice")
    expect_no_faults(visitor, "error")
    visitor.leave()


def expect_no_faults(visitor: Visitor, state: str) -> None:
    """Expect no serious fault once the search is over, since faded results have little contrast."""
    expect(visitor.page.locator("#answer[aria-busy]")).to_have_count(0)
    visitor.expect_script("document.getAnimations().every((animation) => animation.playState !== 'running')")
    found = Axe().run(visitor.page).response["violations"]
    serious = [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == [], state
