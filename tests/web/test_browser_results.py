"""The list of results in Chromium: further results, groups, the threshold, slow and failed searches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.web.visitor import Visitor


def test_more_results(visitor: Visitor) -> None:
    """More results join the same list, no panel twice. The button is for the keyboard and goes at the end."""
    visitor.open("?q=rain&view=picture", ".summary")
    expect(visitor.cards).to_have_count(12)
    more, first = visitor.page.locator("#more"), visitor.page.locator("#answer img").first
    first.evaluate("image => (image.dataset.kept = 'yes')")
    visitor.disconnect()
    more.press("Enter")
    expect(more).to_have_text("The server does not answer. Try again")
    visitor.reconnect()
    more.press("Enter")
    expect(more).to_be_hidden()
    expect(visitor.cards).to_have_count(16)
    assert len(set(visitor.labels())) == 16
    expect(first).to_have_attribute("data-kept", "yes")  # the first results were not drawn again
    visitor.expect_script("document.activeElement.closest('li')?.matches(':nth-child(13)')")


def test_more_results_come_with_scrolling(chromium: Any, url: str) -> None:
    """Back and a reload restore the number of results and the place in the list."""
    visitor = Visitor(chromium, url, viewport={"width": 390, "height": 700}).open("?q=rain&view=picture", ".summary")
    expect(visitor.cards).to_have_count(12)
    visitor.page.mouse.move(200, 400)
    visitor.page.mouse.wheel(0, 20_000)
    expect(visitor.page.locator("#more")).to_be_hidden()
    expect(visitor.cards).to_have_count(16)
    assert len(set(visitor.labels())) == 16
    card = visitor.cards.nth(14)
    card.scroll_into_view_if_needed()
    assert visitor.page.evaluate("scrollY") > 500
    top, label = card.evaluate("card => card.getBoundingClientRect().top"), visitor.labels()[14]
    visitor.open_panel(14).get_by_role("link", name="More like this").click()
    visitor.expect_results("Panels like")
    for _ in range(2):  # to the panel, then to the list
        visitor.page.go_back()
        visitor.expect_results("Results for rain")
        expect(visitor.cards).to_have_count(16)
    expect(visitor.sheet).to_have_count(0)
    place = "document.querySelectorAll('#answer > ol > li > .card')[14].getBoundingClientRect().top"
    visitor.expect_script(f"top => Math.abs({place} - top) <= 2", top)
    visitor.expect_focus_label(label)
    visitor.page.reload()
    expect(visitor.cards).to_have_count(16)
    visitor.leave()


def test_a_group_opens(visitor: Visitor) -> None:
    """ "and 3 more" shows the other results of that page below the row, and hides them again."""
    visitor.open("?q=rain&view=picture&group=page", ".summary")
    expect(visitor.cards).to_have_count(4)
    more = visitor.button("and 3 more of this page").first
    more.click()
    expect(visitor.page.locator(".grouped .card")).to_have_count(3)
    expect(more).to_have_attribute("aria-expanded", "true")
    more.click()
    expect(visitor.page.locator(".grouped")).to_have_count(0)


def test_a_message_says_when_nothing_is_close(visitor: Visitor, panel_picture: Path) -> None:
    """A copy of a panel is close, words of no panel are not."""
    message, line = visitor.page.locator(".no-match"), visitor.page.locator(".unrelated-line")
    visitor.search("quarterly tax report")
    expect(message).to_have_text("No close match. These are the nearest panels.")
    visitor.page.locator("#clear").click()
    expect(visitor.page.locator(".welcome")).to_be_visible()
    visitor.upload(panel_picture)
    expect(line).to_have_text("Probably unrelated below")
    expect(message).to_have_text("")
    classes = visitor.page.locator("#answer > ol > li").evaluate_all("all => all.map((item) => item.className)")
    assert classes.index("unrelated-line") >= 1
    widths = "['#answer > ol', '.unrelated-line'].map((which) => document.querySelector(which).clientWidth)"
    assert len(set(visitor.page.evaluate(widths))) == 1  # across the whole list


def test_a_slow_search_and_a_server_that_is_down(visitor: Visitor) -> None:
    """A slow search shows that it runs. Without a server there is a message, and a button to try again."""
    visitor.page.evaluate(
        """() => new MutationObserver((_, observer) => {
            const answer = document.querySelector("#answer.busy[aria-busy=true]");
            if (answer) window.wasBusy = true;
        }).observe(document.querySelector("#answer"), {attributes: true})"""
    )
    visitor.search("slowly the ship")
    visitor.expect_script("window.wasBusy")
    expect(visitor.page.locator("#answer[aria-busy]")).to_have_count(0)
    visitor.disconnect()
    visitor.type("rain")
    visitor.query_field.press("Enter")
    visitor.expect_notice("The server does not answer")
    visitor.reconnect()
    visitor.button("Try again").click()
    visitor.expect_results("rain")


def test_the_latest_of_two_searches_wins(visitor: Visitor) -> None:
    """The answer to an earlier, slower search is ignored."""
    with visitor.page.expect_response(lambda response: "slowly" in (response.request.post_data or "")) as slow:
        visitor.type("slowly the ship")
        visitor.query_field.press("Enter")
        expect(visitor.page.locator("#answer")).to_have_attribute("aria-busy", "true")
        visitor.search("ladder")
    slow.value.finished()
    visitor.page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")  # after the script got the answer
    expect(visitor.heading).to_contain_text("ladder")
    expect(visitor.heading).not_to_contain_text("slowly")
