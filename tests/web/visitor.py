"""A browser window of its own, used as a visitor would, with its requests and script errors recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Route, expect

TIMEOUT = 30_000
"""Milliseconds that every wait and every expectation may take; far more than needed, for a busy machine."""

SERVER_CALLS = "**/component_server/**"
"""Addresses at which the scripts call the server."""

expect.set_options(timeout=TIMEOUT)


class Visitor:
    """One window. Every `expect_...` waits until it holds."""

    def __init__(self, chromium: Any, url: str, **context: Any) -> None:
        self.url = url
        self.context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(TIMEOUT)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note_failed_script)

    def _note_failed_script(self, message: ConsoleMessage) -> None:
        """Record a script of a component that did not run; Gradio catches its error."""
        if "js_on_load" in message.text:
            self.errors.append(message.text)

    # ------------------------------------------------------------------------ actions

    def open(self, address: str = "", until: str = ".welcome .card") -> Visitor:
        """Load an address and wait for an element."""
        self.page.goto(self.url + address)
        self.page.locator(until).first.wait_for()
        return self

    def type(self, text: str) -> None:
        """Type a query without sending it."""
        self.query_field.fill(text)

    def search(self, text: str) -> None:
        """Search for a text and wait for its results."""
        self.type(text)
        self.query_field.press("Enter")
        self.expect_results(text)

    def upload(self, path: Path) -> None:
        """Choose a file as the query image."""
        self.page.locator("#file").set_input_files(path)

    def button(self, name: str) -> Locator:
        """Return the button of this name."""
        return self.page.get_by_role("button", name=name)

    def open_panel(self, place: int = 0) -> Locator:
        """Open the panel of a result and return the dialog."""
        self.cards.nth(place).click()
        expect(self.sheet).to_be_visible()
        return self.sheet

    def open_filter(self, name: str) -> Locator:
        """Open the menu of a filter and return it."""
        menu = self.page.locator(f'details[data-name="{name}"]')
        menu.locator("summary").click()
        expect(menu).to_have_attribute("open", "")
        return menu

    def open_tab(self, name: str) -> None:
        """Follow the link to a tab, without a page load."""
        self.page.get_by_role("navigation", name="Tabs").get_by_role("link", name=name).click()

    def disconnect(self) -> None:
        """Let every call of the server fail."""
        self.page.route(SERVER_CALLS, _abort)

    def reconnect(self) -> None:
        """Let calls of the server through again."""
        self.page.unroute(SERVER_CALLS)

    # ------------------------------------------------------------------------ what is on screen

    @property
    def query_field(self) -> Locator:
        return self.page.locator("#q")

    @property
    def excluded_field(self) -> Locator:
        return self.page.get_by_label("Exclude words")

    @property
    def view_field(self) -> Locator:
        return self.page.get_by_label("Search in")

    @property
    def heading(self) -> Locator:
        """The heading of the results."""
        return self.page.locator(".summary h2")

    @property
    def summary(self) -> Locator:
        """How many panels were searched."""
        return self.page.locator(".summary > p:not(.aside)")

    @property
    def items(self) -> Locator:
        """The results as list items, without grouped ones."""
        return self.page.locator("#answer > ol > li[data-id]")

    @property
    def cards(self) -> Locator:
        """The results as links, without grouped ones."""
        return self.page.locator("#answer > ol > li > .card")

    @property
    def sheet(self) -> Locator:
        """The open panel."""
        return self.page.locator(".sheet")

    def labels(self) -> list[str]:
        """Return the texts of the results for screen readers, in order. Expect their number first."""
        return [str(label) for label in self.cards.evaluate_all("cards => cards.map((card) => card.ariaLabel)")]

    def address(self) -> dict[str, list[str]]:
        """Return the parameters of the address. Expect what changes them first."""
        return parse_qs(urlsplit(self.page.url).query)

    # ------------------------------------------------------------------------ expectations

    def expect_results(self, heading: str) -> None:
        """Expect results whose heading contains a text."""
        expect(self.heading).to_contain_text(heading)

    def expect_label(self, place: int, text: str) -> None:
        """Expect a result whose label begins with a text."""
        expect(self.cards.nth(place)).to_have_attribute("aria-label", re.compile(f"^{re.escape(text)}"))

    def expect_dialogue(self, place: int, text: str) -> None:
        """Expect a result whose label contains a text."""
        expect(self.cards.nth(place)).to_have_attribute("aria-label", re.compile(re.escape(text)))

    def expect_no_dialogue(self, text: str) -> None:
        """Expect no result whose label contains a text."""
        expect(self.page.locator(f'#answer > ol > li > .card[aria-label*="{text}"]')).to_have_count(0)

    def expect_view(self, view: str) -> None:
        """Expect results that were compared in a view."""
        expect(self.items.first).to_have_attribute("data-view", view)

    def expect_notice(self, text: str) -> None:
        """Expect an error message that contains a text."""
        expect(self.page.locator(".notice").first).to_contain_text(text)

    def expect_address(self, **parameters: str) -> None:
        """Expect exactly these parameters in the address."""
        self.page.wait_for_function(
            """(expected) => {
                const pairs = [...new URLSearchParams(location.search)].sort();
                return JSON.stringify(pairs) === JSON.stringify(Object.entries(expected).sort());
            }""",
            arg=parameters,
        )

    def expect_script(self, condition: str, argument: Any = None) -> None:
        """Expect a condition in the page, as an expression or a function of `argument`."""
        self.page.wait_for_function(condition, arg=argument)

    def expect_focus_label(self, text: str) -> None:
        """Expect the focus on an element whose label begins with a text."""
        self.expect_script("text => document.activeElement.ariaLabel?.startsWith(text)", text)

    def expect_image_width(self, selector: str, width: int) -> None:
        """Expect a loaded image of this width in pixels."""
        self.expect_script(
            "([s, w]) => { const i = document.querySelector(s); return i?.complete && i.naturalWidth === w; }",
            [selector, width],
        )

    def leave(self) -> None:
        """Close the window. Nothing may have left this machine, and no script may have failed."""
        self.context.close()
        hosts = {urlsplit(request).netloc for request in self.requests}
        assert hosts <= {urlsplit(self.url).netloc, ""}
        assert self.errors == []


def _abort(route: Route) -> None:
    route.abort()
