"""The page as a person meets it, in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from retrieval import PanelIndex
from tests.page.library import HOSTILE, HOSTILE_BOOK

TIMEOUT = 15_000


class Visitor:
    """One browser of its own: does what a person does, and records what the browser asked for and complained about."""

    def __init__(self, chromium: Any, url: str, **context: Any) -> None:
        self.context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(TIMEOUT)
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)
        self.page.locator(".welcome .card").first.wait_for()

    def type(self, text: str) -> None:
        self.page.locator("#words input").fill(text)

    def ask(self, text: str) -> None:
        self.type(text)
        self.page.keyboard.press("Enter")
        self.answered(text)

    def answered(self, text: str) -> None:
        self.page.locator(".summary h2", has_text=text).wait_for()

    def upload(self, path: Path) -> None:
        self.page.locator("#picture input[type=file]").set_input_files(path)

    def hits(self) -> list[str]:
        return [
            str(label) for label in self.page.locator(".results .card").evaluate_all("a => a.map(e => e.ariaLabel)")
        ]

    def notice(self) -> str:
        return str(self.page.locator(".notice").inner_text())


@pytest.fixture
def visitor(chromium: Any, url: str) -> Iterator[Visitor]:
    """A visitor; afterwards nothing may have left this machine, and no script may have failed."""
    visitor = Visitor(chromium, url)
    yield visitor
    visitor.context.close()
    assert visitor.hosts <= {urlsplit(url).netloc, ""}
    assert visitor.errors == []


def test_words_are_searched_with_enter(visitor: Visitor) -> None:
    """The best hit comes first, its words are marked, and the line above says what was done."""
    visitor.ask("bring the lantern")
    assert visitor.hits()[0].startswith("Panel 2 on page 1 of Harbour: 'Bring the lantern', score 1.00")
    first = visitor.page.locator(".results .card").first
    assert first.locator("mark").all_inner_texts() == ["Bring", "the", "lantern"]
    assert first.locator(".why").all_inner_texts() == ["words"]
    assert "compared by dialogue and word for word · 12 panels with words searched · " in (
        visitor.page.locator(".summary p").inner_text()
    )
    assert first.locator("img").get_attribute("alt") == "Panel 2 on page 1 of Harbour: 'Bring the lantern'"
    assert first.locator("img").evaluate("i => i.complete && i.naturalWidth > 100")


def test_a_picture_is_searched_as_soon_as_it_is_there(visitor: Visitor, panel_picture: Path) -> None:
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    assert visitor.hits()[0] == "Panel 1 on page 1 of Orchard: 'Apples fall in autumn', score 1.00"


def test_picture_and_words_are_searched_together(visitor: Visitor, panel_picture: Path) -> None:
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    visitor.ask("ladder")
    assert "your picture and ladder" in visitor.page.locator(".summary h2").inner_text()
    assert "compared by fused" in visitor.page.locator(".summary p").inner_text()


def test_a_pasted_picture_becomes_the_question(visitor: Visitor, panel_picture: Path) -> None:
    """Pasting works anywhere on the page, not only into the picture's own corner."""
    visitor.page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
            document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }""",
        list(panel_picture.read_bytes()),
    )
    visitor.answered("your picture")
    assert visitor.hits()[0].startswith("Panel 1 on page 1 of Orchard")


def test_a_hit_opens_on_its_page(visitor: Visitor) -> None:
    """The box stands where the panel is; dialogue, file and weights stand beside it; steps go along the page."""
    visitor.ask("bring the lantern")
    visitor.page.locator(".results .card").first.click()
    sheet = visitor.page.locator(".sheet")
    sheet.wait_for()
    page, box = sheet.locator(".paper").bounding_box(), sheet.locator(".box").bounding_box()
    assert box["x"] - page["x"] == pytest.approx(page["width"] * 0.525, abs=2)
    assert box["height"] == pytest.approx(page["height"] * 0.45, abs=2)
    assert sheet.locator(".balloon").inner_text() == "Bring the lantern"
    assert "Harbour/001.png" in sheet.locator(".facts").inner_text()
    assert sheet.locator(".gate dd").all_inner_texts() == ["50 %", "50 %", "0 %"]
    sheet.get_by_role("button", name="Next panel").click()
    sheet.locator(".where", has_text="panel 3").wait_for()
    assert sheet.locator(".balloon").inner_text() == "No words in this panel."
    sheet.get_by_role("button", name="Panel 1 of this page").click()
    sheet.locator(".where", has_text="panel 1").wait_for()
    assert sheet.get_by_role("button", name="Previous panel").is_disabled()


def test_more_like_this(visitor: Visitor) -> None:
    """The chosen panel becomes the question; it closes, and is not among the results."""
    visitor.ask("bring the lantern")
    visitor.page.locator(".results .card").first.click()
    visitor.page.get_by_role("button", name="More like this").click()
    visitor.answered("panels like Harbour, page 1, panel 2")
    visitor.page.locator(".sheet").wait_for(state="detached")
    assert len(visitor.hits()) == 15
    assert not [hit for hit in visitor.hits() if "Bring the lantern" in hit]


def test_bad_uploads_get_a_sentence(visitor: Visitor, not_a_picture: Path, forged: Path) -> None:
    """Neither text called .png nor a forged giant breaks the page: the next search works."""
    visitor.upload(not_a_picture)
    visitor.page.locator(".notice").wait_for()
    assert "This picture cannot be used: not a picture" in visitor.notice()
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    visitor.upload(forged)
    visitor.page.locator(".notice", has_text="60000 x 60000 px").wait_for()
    assert "gradio" not in visitor.notice().lower()
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    visitor.ask("lantern")


def test_an_empty_question_and_clear(visitor: Visitor) -> None:
    """Searching for nothing says so; Clear brings the start back, options included."""
    visitor.page.locator("#search").click()
    visitor.page.locator(".notice").wait_for()
    assert visitor.notice() == "Type some words, or add a picture: there is nothing to search for yet."
    visitor.page.locator("#options button").first.click()
    visitor.page.locator("#view").get_by_label("Picture").check()
    visitor.ask("rain")
    assert "compared by picture" in visitor.page.locator(".summary p").inner_text()
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    assert visitor.page.locator("#words input").input_value() == ""
    assert visitor.page.locator("#view").get_by_label("Auto").is_checked()


def test_more_results(visitor: Visitor) -> None:
    """The button adds to the same answer and goes when the list is at its end."""
    visitor.page.locator("#options button").first.click()
    visitor.page.locator("#count").get_by_label("12").check()
    visitor.page.locator("#view").get_by_label("Picture").check()
    visitor.ask("rain")
    before = visitor.hits()
    visitor.type("something else that was not asked")
    visitor.page.locator("#more").scroll_into_view_if_needed()
    scrolled = visitor.page.evaluate("scrollY")
    visitor.page.locator("#more").click()
    visitor.page.locator(".summary h2", has_text="16 hits for rain").wait_for()
    assert (len(before), visitor.hits()[:12]) == (12, before)
    lowest = visitor.page.evaluate("document.documentElement.scrollHeight - innerHeight")
    assert visitor.page.evaluate("scrollY") == pytest.approx(min(scrolled, lowest), abs=2)
    assert scrolled > 0
    visitor.page.locator("#more").wait_for(state="hidden")


def test_a_suggestion_is_a_search(visitor: Visitor) -> None:
    line = visitor.page.locator(".chips button").first
    text = line.inner_text()
    line.click()
    visitor.answered(text)
    assert visitor.page.locator("#words input").input_value() == text


def test_without_a_mouse(visitor: Visitor) -> None:
    """Type, Enter, Tab to a hit, Enter; arrows step, Escape goes back to the hit; the page behind is out of reach."""
    keys = visitor.page.keyboard
    visitor.page.locator("#words input").focus()
    keys.type("bring the lantern")
    keys.press("Enter")
    visitor.answered("bring the lantern")
    for _ in range(15):
        keys.press("Tab")
        if visitor.page.evaluate("document.activeElement.classList.contains('card')"):
            break
    assert visitor.page.evaluate("getComputedStyle(document.activeElement.firstElementChild).outlineStyle") == "solid"
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


def test_two_people_never_see_each_others_search(chromium: Any, url: str, panel_picture: Path) -> None:
    """Two slow questions under way at once, words and a picture with words, each get their own answer."""
    ann, bob = Visitor(chromium, url), Visitor(chromium, url)
    for turn in range(2):
        ann.type(f"slowly the ship {turn}")
        bob.type(f"slowly apples fall {turn}")
        ann.page.keyboard.press("Enter")
        if turn:
            bob.upload(panel_picture)
        else:
            bob.page.keyboard.press("Enter")
        ann.answered(f"slowly the ship {turn}")
        bob.answered(f"slowly apples fall {turn}")
        assert "Nobody saw the ship" in ann.hits()[0]
        assert "Apples fall in autumn" in bob.hits()[0]
    assert "apples" not in ann.page.locator(".summary").inner_text()
    assert "your picture" not in ann.page.locator(".summary").inner_text()
    assert ann.page.locator("#picture img").count() == 0
    assert bob.page.locator("#words input").input_value() == "slowly apples fall 1"
    for visitor in (ann, bob):
        visitor.context.close()
        assert visitor.errors == []


def test_the_newest_of_two_searches_wins(visitor: Visitor) -> None:
    """A quick question asked while a slow one is under way is the one whose answer stays."""
    visitor.type("slowly the ship")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_timeout(150)
    visitor.ask("ladder")
    visitor.page.wait_for_timeout(1300)
    assert "ladder" in visitor.page.locator(".summary h2").inner_text()


def test_text_from_comics_is_shown_as_text(visitor: Visitor) -> None:
    """Tags and templates in a dialogue and in a folder's name show as they are written, and nothing runs."""
    visitor.ask("danger shouted quoted")
    assert any(HOSTILE in text for text in visitor.page.locator(".said").all_inner_texts())
    assert HOSTILE_BOOK in visitor.page.locator(".results .book").all_inner_texts()
    visitor.page.locator(".results .card").first.click()
    visitor.page.locator(".sheet").wait_for()
    assert visitor.page.locator("#chosen-title").inner_text() == HOSTILE_BOOK
    visitor.page.keyboard.press("Escape")
    visitor.page.locator("#options button").first.click()
    visitor.page.locator("#book input").click()
    visitor.page.get_by_role("option", name="Evil").click()
    visitor.ask(f"words {HOSTILE}")
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.page.locator("img[src=x]").count() == 0


def test_the_view_in_use_lives_in_the_address(visitor: Visitor, url: str) -> None:
    """Each view has its address, which opens it; back and forward go through them."""
    views = visitor.page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Map").click()
    visitor.page.locator("#view-map").wait_for()
    assert visitor.page.url == f"{url}?view=map"
    assert not visitor.page.locator("#view-search").is_visible()
    assert views.locator("[aria-current=page]").all_inner_texts() == ["Map"]
    visitor.page.go_back()
    visitor.page.locator("#view-search").wait_for()
    visitor.page.goto(f"{url}?view=library")
    visitor.page.locator("#view-library").wait_for()
    assert not visitor.page.locator("#view-search").is_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_a_phone(chromium: Any, url: str, colours: str) -> None:
    """At 390 px nothing reaches over the side, before and after a search and with a panel open."""
    visitor = Visitor(chromium, url, viewport={"width": 390, "height": 844}, color_scheme=colours)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert visitor.page.evaluate(fits)
    visitor.ask("bring the lantern")
    assert visitor.page.evaluate(fits)
    visitor.page.locator(".results .card").first.click()
    visitor.page.locator(".sheet").wait_for()
    assert visitor.page.locator(".sheet").evaluate("s => s.scrollWidth <= innerWidth")
    visitor.context.close()


# -------------------------------------------------------------------- programs


def call(url: str, *data: Any) -> str:
    """What the event stream of `/search` says to a program."""
    body = json.dumps({"data": data}).encode()
    request = Request(f"{url}gradio_api/call/search", body, {"content-type": "application/json"})
    with urlopen(request) as answer:
        event = json.load(answer)["event_id"]
    with urlopen(f"{url}gradio_api/call/search/{event}") as stream:
        return str(stream.read().decode())


def test_programs_search_by_name(url: str, index: PanelIndex) -> None:
    """`/search` takes words and a picture and answers with JSON; it is the only name there is."""
    answer = call(url, "bring the lantern", None)
    hits = json.loads(answer.split("data: ", 1)[1])[0]["hits"]
    assert (hits[0]["book"], hits[0]["page"], hits[0]["panel"]) == ("Harbour", 1, 2)
    with urlopen(f"{url}gradio_api/info") as info:
        assert list(json.load(info)["named_endpoints"]) == ["/search"]


@pytest.mark.parametrize(
    "picture",
    [
        {"path": "http://192.0.2.1/a.png", "meta": {"_type": "gradio.FileData"}},
        {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_programs_cannot_make_the_server_fetch_or_read(url: str, picture: dict[str, Any]) -> None:
    """Neither an address nor a file of this machine is taken for an upload."""
    answer = call(url, "", picture)
    assert "event: error" in answer
    assert "hits" not in answer
