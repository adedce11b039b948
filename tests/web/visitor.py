"""A browser of its own: does what a person does, and records what it asked for and complained about."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TIMEOUT = 20_000


class Visitor:
    def __init__(self, chromium: Any, url: str, **context: Any) -> None:
        self.url = url
        self.context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(TIMEOUT)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, address: str = "", until: str = ".welcome .card") -> Visitor:
        self.page.goto(self.url + address)
        self.page.locator(until).first.wait_for()
        return self

    def type(self, text: str) -> None:
        self.page.locator("#q").fill(text)

    def ask(self, text: str) -> None:
        self.type(text)
        self.page.locator("#q").press("Enter")
        self.answered(text)

    def answered(self, text: str) -> None:
        self.page.locator(".summary h2", has_text=text).wait_for()

    def upload(self, path: Path) -> None:
        self.page.locator("#file").set_input_files(path)

    def hits(self) -> list[str]:
        """What screen readers say of the hits, in order, without those in folds."""
        return [
            str(label)
            for label in self.page.locator("#answer > ol > li > .card").evaluate_all("a => a.map(e => e.ariaLabel)")
        ]

    def open_hit(self, place: int = 0) -> Any:
        self.page.locator("#answer > ol > li > .card").nth(place).click()
        self.page.locator(".sheet").wait_for()
        return self.page.locator(".sheet")

    def notice(self) -> str:
        self.page.locator(".notice").wait_for()
        return str(self.page.locator(".notice").inner_text())

    def address(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)

    def leave(self) -> None:
        """Nothing may have left this machine, and no script may have failed."""
        self.context.close()
        hosts = {urlsplit(request).netloc for request in self.requests}
        assert hosts <= {urlsplit(self.url).netloc, ""}
        assert self.errors == []
