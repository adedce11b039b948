"""The page as a person meets it, in Chromium: following panels and links, without a mouse, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from retrieval import PanelIndex
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(chromium: Any, url: str) -> Iterator[Visitor]:
    """A visitor who has opened the page; afterwards nothing may have left this machine, and no script have failed."""
    visitor = Visitor(chromium, url).open()
    yield visitor
    visitor.leave()


def test_a_hit_opens_on_its_page(visitor: Visitor) -> None:
    """The box stands where the panel is; dialogue, file and weights stand beside it; other panels can be clicked."""
    visitor.ask("bring the lantern")
    sheet = visitor.open_hit()
    page, box = sheet.locator(".paper").bounding_box(), sheet.locator(".box").bounding_box()
    assert box["x"] - page["x"] == pytest.approx(page["width"] * 0.525, abs=2)
    assert box["height"] == pytest.approx(page["height"] * 0.45, abs=2)
    assert sheet.locator(".balloon").inner_text() == "Bring the lantern"
    assert sheet.locator(".balloon mark").all_inner_texts() == ["Bring", "the", "lantern"]
    assert "Harbour/001.png" in sheet.locator(".facts").inner_text()
    assert sheet.locator(".gate dd").all_inner_texts() == ["50 %", "50 %", "0 %"]
    assert sheet.locator(".paper img").get_attribute("alt") == "Page 1 of Harbour"
    visitor.page.wait_for_function("document.querySelector('.paper img').naturalWidth === 400")
    sheet.get_by_role("link", name="Panel 3 of this page").click()
    sheet.locator(".where", has_text="panel 3 of 4").wait_for()
    assert sheet.locator(".balloon").inner_text() == "No words in this panel."


def test_neighbours_lead_through_the_story(visitor: Visitor) -> None:
    """Across pages, by button, by arrow and by the strip; one step back leads to the results."""
    visitor.ask("bring the lantern")
    sheet = visitor.open_hit()
    for expected in ("panel 3", "panel 4", "Page 2 · panel 1"):
        sheet.get_by_role("link", name="Next panel").click()
        sheet.locator(".where", has_text=expected).wait_for()
    assert visitor.page.evaluate("document.activeElement.ariaLabel") == "Next panel"
    visitor.page.keyboard.press("ArrowLeft")
    sheet.locator(".where", has_text="Page 1 · panel 4").wait_for()
    sheet.locator(".story ol a").first.click()
    sheet.locator(".where", has_text="Page 1 · panel 2").wait_for()
    sheet.locator(".story ol a").first.click()
    sheet.locator(".where", has_text="Page 1 · panel 1").wait_for()
    assert sheet.get_by_role("link", name="Previous panel").get_attribute("aria-disabled") == "true"
    visitor.page.go_back()
    sheet.wait_for(state="detached")
    assert visitor.address() == {"q": ["bring the lantern"]}


def test_the_whole_page(visitor: Visitor) -> None:
    """Nothing beside it; from page to page; Escape leads back to the panel."""
    visitor.ask("bring the lantern")
    sheet = visitor.open_hit()
    sheet.get_by_role("button", name="Whole page").click()
    shown = sheet.get_by_role("button", name="Panel", exact=True, pressed=True)
    close = sheet.get_by_role("link", name="Close the panel")
    assert shown.bounding_box()["y"] == pytest.approx(close.bounding_box()["y"], abs=4)
    assert not sheet.locator(".balloon").is_visible()
    sheet.get_by_role("link", name="Next page").click()
    sheet.get_by_text("Page 2 of 2").wait_for()
    assert not sheet.locator(".balloon").is_visible()
    visitor.page.keyboard.press("Escape")
    sheet.locator(".balloon").wait_for()


def test_more_like_this(visitor: Visitor) -> None:
    """The chosen panel becomes the question; it closes, and is not among the results."""
    visitor.ask("bring the lantern")
    visitor.open_hit().get_by_role("link", name="More like this").click()
    visitor.answered("Panels like Harbour, page 1, panel 2")
    visitor.page.locator(".sheet").wait_for(state="detached")
    assert len(visitor.hits()) == 12
    assert not [hit for hit in visitor.hits() if "Bring the lantern" in hit]


def test_the_same_words_elsewhere(visitor: Visitor) -> None:
    visitor.ask("bring the lantern")
    visitor.open_hit().get_by_role("link", name="Same words elsewhere").click()
    visitor.answered("elsewhere than Harbour, page 1, panel 2")
    assert "Bring more rain" in visitor.hits()[0]
    assert not [hit for hit in visitor.hits() if "Bring the lantern" in hit]


def test_a_link_opens_the_same_view_in_another_browser(visitor: Visitor, chromium: Any, url: str) -> None:
    """Question, filters, what is compared and the open panel come with the address."""
    visitor.open("?q=bring&without=lantern&in=dialogue&book=Harbour", ".summary")
    visitor.open_hit()
    visitor.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    visitor.page.get_by_role("button", name="Copy link").click()
    visitor.page.get_by_role("button", name="Copied").wait_for()
    link = visitor.page.evaluate("window.copied")
    other = Visitor(chromium, url)
    other.open(link.removeprefix(url), ".sheet")
    assert other.page.locator(".where").inner_text() == visitor.page.locator(".where").inner_text()
    other.page.keyboard.press("Escape")
    other.answered("bring")
    assert other.hits() == visitor.hits()
    assert other.page.locator("#without").input_value() == "lantern"
    assert other.page.get_by_label("Compare").input_value() == "dialogue"
    assert other.page.locator('details[data-name="book"].chosen').count() == 1
    other.leave()


def test_a_link_cannot_carry_an_upload_and_says_so(
    visitor: Visitor, chromium: Any, url: str, panel_picture: Path
) -> None:
    """The words and the open panel come along, the picture does not; who copies and who opens are told."""
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    address = visitor.page.url.removeprefix(url)
    visitor.page.evaluate("navigator.clipboard.writeText = async () => {}")
    visitor.open_hit().get_by_role("button", name="Copy link").click()
    visitor.page.get_by_role("button", name="Copied, without your picture").wait_for()
    other = Visitor(chromium, url).open(address, "#answer .nothing")
    assert "Pictures stay on the machine they were uploaded from" in other.page.locator("#answer .nothing").inner_text()
    other.open(f"{address}&q=lantern", ".summary")
    assert "not part of the link" in other.page.locator(".summary").inner_text()
    assert "Bring the lantern" in other.hits()[0]
    other.leave()


def test_a_link_to_a_panel_that_is_not_there(visitor: Visitor) -> None:
    visitor.open("?q=rain&panel=987654", ".sheet")
    assert "no panel 987654" in visitor.page.locator(".sheet").inner_text()
    assert visitor.page.locator(".sheet").get_by_role("link").all_inner_texts() == ["Back"]
    visitor.page.get_by_role("link", name="Back").click()
    visitor.page.locator(".sheet").wait_for(state="detached")
    visitor.answered("rain")


def test_a_panel_that_takes_long_can_be_left(visitor: Visitor) -> None:
    """Escape while it loads: it does not open any more."""
    visitor.ask("bring the lantern")
    held: list[Any] = []
    visitor.page.route("**/component_server/**", lambda route: held.append(route))
    with visitor.page.expect_request("**/component_server/**"):
        visitor.page.locator("#answer .card").first.click()
    visitor.page.locator(".sheet-place.slow").wait_for(state="attached")
    visitor.page.keyboard.press("Escape")
    assert visitor.address() == {"q": ["bring the lantern"]}
    with visitor.page.expect_response("**/component_server/**"):
        for route in held:
            route.continue_()
    visitor.page.unroute("**/component_server/**")
    visitor.page.wait_for_timeout(200)
    assert visitor.page.locator(".sheet, .sheet-place.slow").count() == 0
    visitor.open_hit()


def test_without_a_mouse(visitor: Visitor) -> None:
    """Type, Enter, Tab to a hit, Enter; arrows step, Escape goes back to the hit; the page behind is out of reach."""
    keys = visitor.page.keyboard
    assert visitor.page.evaluate("document.activeElement.id") == "q"
    keys.type("bring the lantern")
    keys.press("Enter")
    visitor.answered("bring the lantern")
    seen = []
    for _ in range(20):
        keys.press("Tab")
        seen.append(visitor.page.evaluate("document.activeElement.id || document.activeElement.className"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        if seen[-1] == "card":
            outline = "getComputedStyle(document.activeElement.firstElementChild).outlineStyle"
        assert visitor.page.evaluate(outline) != "none"  # the focus is always to be seen
        if seen[-1] == "card":
            break
    assert seen[-1] == "card"
    keys.press("Enter")
    visitor.page.locator(".sheet").wait_for()
    assert visitor.page.evaluate("document.activeElement.id") == "chosen-title"
    assert visitor.page.locator("#question").evaluate("e => !!e.closest('[inert]')")
    keys.press("ArrowRight")
    visitor.page.locator(".where", has_text="panel 3").wait_for()
    keys.press("Escape")
    visitor.page.locator(".sheet").wait_for(state="detached")
    assert visitor.page.evaluate("document.activeElement.ariaLabel").startswith("Panel 2 on page 1 of Harbour")
    keys.press("Enter")  # the same hit opens again
    visitor.page.locator(".where", has_text="panel 2").wait_for()


@pytest.mark.parametrize(("colours", "width"), [("light", 390), ("dark", 320)])
def test_it_fits_a_phone(chromium: Any, url: str, colours: str, width: int) -> None:
    """Nothing reaches over the side, before and after a search, with options, filters and a panel open."""
    visitor = Visitor(chromium, url, viewport={"width": width, "height": 844}, color_scheme=colours).open()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert visitor.page.evaluate(fits)
    assert visitor.page.locator(".tabs").evaluate("tabs => tabs.scrollWidth <= tabs.clientWidth")  # no view is cut off
    visitor.page.get_by_role("button", name="Options").click()
    visitor.page.locator('details[data-name="book"] summary').click()
    assert visitor.page.evaluate(fits)
    visitor.ask("bring the lantern")
    assert visitor.page.evaluate(fits)
    visitor.open_hit()
    assert visitor.page.locator(".sheet").evaluate("s => s.scrollWidth <= innerWidth")
    assert visitor.page.get_by_text("Whole page", exact=True).bounding_box()["height"] < 30  # one line
    visitor.leave()


@pytest.mark.parametrize(("colours", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_no_serious_fault(
    chromium: Any, url: str, panel_picture: Path, index: PanelIndex, colours: str, width: int
) -> None:
    """At the start, with results, filters, the crop dialog, a chosen panel, nothing found, and an error."""
    visitor = Visitor(chromium, url, viewport={"width": width, "height": 900}, color_scheme=colours).open()
    faults(visitor, "start")
    visitor.ask("bring the lantern")
    visitor.page.locator('details[data-name="book"] summary').click()
    faults(visitor, "results and filters")
    visitor.page.keyboard.press("Escape")
    visitor.open_hit()
    faults(visitor, "a panel")
    visitor.open("?q=rain&has_dialogue=no", "#answer .nothing")
    faults(visitor, "nothing")
    visitor.upload(panel_picture)
    visitor.page.locator(".asking").wait_for()
    visitor.page.get_by_role("button", name="Crop").click()
    faults(visitor, "crop")
    visitor.open("?crop=1", ".notice")
    faults(visitor, "error")
    visitor.leave()


def faults(visitor: Visitor, state: str) -> None:
    found = Axe().run(visitor.page).response["violations"]
    serious = [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == [], state
