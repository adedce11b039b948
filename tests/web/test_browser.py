"""The page as a person meets it, in Chromium: asking, narrowing, looking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from retrieval import PanelIndex
from tests.web.library import HOSTILE, HOSTILE_BOOK
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(chromium: Any, url: str) -> Iterator[Visitor]:
    """A visitor who has opened the page; afterwards nothing may have left this machine, and no script have failed."""
    visitor = Visitor(chromium, url).open()
    yield visitor
    visitor.leave()


# ------------------------------------------------------------------------ asking


def test_words_are_searched_with_enter(visitor: Visitor) -> None:
    """The best hit comes first, its words are marked, the line above says what was done, the address what was asked."""
    visitor.ask("bring the lantern")
    assert visitor.hits()[0] == "Panel 2 on page 1 of Harbour: 'Bring the lantern', score 1.00"
    first = visitor.page.locator("#answer .card").first
    assert first.locator("mark").all_inner_texts() == ["Bring", "the", "lantern"]
    assert first.locator(".why").all_inner_texts() == ["words"]
    assert "compared by dialogue and word for word · 12 panels with words searched · " in (
        visitor.page.locator(".summary p").inner_text()
    )
    assert first.locator("img").get_attribute("alt") == "Panel 2 on page 1 of Harbour: 'Bring the lantern'"
    visitor.page.wait_for_function("document.querySelector('#answer .card img').naturalWidth > 100")
    assert visitor.address() == {"q": ["bring the lantern"]}


def test_a_picture_is_searched_as_soon_as_it_is_there(
    visitor: Visitor, panel_picture: Path, page_picture: Path
) -> None:
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    assert visitor.hits()[0] == "Panel 1 on page 1 of Orchard: 'Apples fall in autumn', score 1.00"
    assert visitor.page.locator(".asking img").evaluate("i => i.complete && i.naturalWidth") == 170
    visitor.page.locator("#file").focus()
    visitor.upload(page_picture)  # another one, without taking this one away first
    visitor.page.wait_for_function("document.querySelector('.asking img').naturalWidth === 400")
    assert visitor.page.evaluate("document.activeElement.id") == "file"


def test_a_file_chosen_while_an_answer_replaces_its_field(visitor: Visitor, panel_picture: Path) -> None:
    """The system's dialog may be open for longer than an answer takes."""
    field = visitor.page.locator("#file").element_handle()
    visitor.page.evaluate("document.querySelector('#clear').click()")
    visitor.page.wait_for_function("field => !field.isConnected", arg=field)
    field.set_input_files(panel_picture)
    visitor.answered("your picture")


def test_picture_and_words_are_searched_together(visitor: Visitor, panel_picture: Path) -> None:
    """And the picture can be taken away again; going back brings it back."""
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    visitor.ask("ladder")
    assert "your picture and ladder" in visitor.page.locator(".summary h2").inner_text()
    assert "compared all in one" in visitor.page.locator(".summary p").inner_text()
    visitor.page.get_by_role("button", name="Remove the picture").click()
    visitor.page.locator(".summary p", has_text="compared by dialogue").wait_for()
    visitor.page.go_back()
    visitor.answered("your picture and ladder")
    assert visitor.page.locator(".asking img").count() == 1


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped_anywhere(visitor: Visitor, panel_picture: Path, how: str) -> None:
    """From another view too, whose address is no part of the question."""
    visitor.open("?view=library&find=o", ".book-card")
    bring(visitor, panel_picture, how)
    visitor.answered("your picture")
    assert visitor.hits()[0].startswith("Panel 1 on page 1 of Orchard")
    assert list(visitor.address()) == ["picture"]


def bring(visitor: Visitor, picture: Path, how: str = "paste", onto: str = "#answer", text: str = "") -> bool:
    """Paste or drop a picture, with text beside it or not; whether the page left it to the browser."""
    return bool(
        visitor.page.evaluate(
            """([bytes, how, onto, text]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "brought.png", {type: "image/png"}));
                if (text) data.setData("text/plain", text);
                const event = how === "paste"
                    ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
                    : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
                return document.querySelector(onto).dispatchEvent(event);
            }""",
            [list(picture.read_bytes()), how, onto, text],
        )
    )


def test_text_beside_a_picture_is_text_where_one_writes(visitor: Visitor, panel_picture: Path) -> None:
    """Office programs put both into the clipboard."""
    assert bring(visitor, panel_picture, onto="#q", text="rain")
    assert not bring(visitor, panel_picture, text="rain")
    visitor.answered("your picture")


def test_a_crop_belongs_to_its_picture(visitor: Visitor, panel_picture: Path) -> None:
    """Escape leads back to its button; another picture and Back close it."""
    visitor.upload(panel_picture)
    visitor.answered("your picture")
    crop, dialog = visitor.page.get_by_role("button", name="Crop"), visitor.page.locator("dialog")
    crop.click()
    visitor.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert visitor.page.evaluate("document.activeElement.dataset.do") == "crop"
    crop.click()
    bring(visitor, panel_picture, onto="dialog")
    dialog.wait_for(state="detached")
    visitor.page.wait_for_function("history.length > 3 && document.querySelector('#answer:not([aria-busy]) .card')")
    crop.click()
    visitor.page.go_back()
    dialog.wait_for(state="detached")


def test_words_that_were_not_sent_come_along(visitor: Visitor, panel_picture: Path) -> None:
    """Whatever else is done, the words in the form are asked with it; opening a panel leaves them there."""
    visitor.type("bring")
    visitor.page.get_by_label("Show").select_option(label="one per page")
    visitor.answered("Hits for bring")
    visitor.type("rain")
    visitor.page.locator("#without").fill("ship")
    visitor.page.locator('details[data-name="book"] summary').click()
    visitor.page.get_by_role("checkbox", name="Harbour").check()
    visitor.answered("Hits for rain without ship in Harbour")
    visitor.type("lantern")
    visitor.open_hit()
    visitor.page.keyboard.press("Escape")
    visitor.page.locator(".sheet").wait_for(state="detached")
    assert visitor.page.locator("#q").input_value() == "lantern"
    visitor.open_hit().get_by_role("link", name="Use as picture").click()
    visitor.answered("and lantern without ship")
    visitor.type("letter")
    visitor.page.get_by_role("button", name="Remove the picture").click()
    visitor.answered("Hits for letter")
    visitor.type("ladder")
    visitor.upload(panel_picture)
    visitor.answered("your picture and ladder")
    assert visitor.page.locator("#q").input_value() == "ladder"


def test_a_picture_can_be_taken_with_the_camera(chromium: Any, url: str) -> None:
    """What the camera shows becomes the picture; where there is none, that is said."""
    taker = Visitor(chromium, url, permissions=["camera"]).open()
    taker.page.get_by_role("button", name="Camera").click()
    taker.page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
    taker.page.get_by_role("button", name="Use this picture").click()
    taker.answered("your picture")
    assert len(taker.hits()) == 12
    taker.page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none')); }")
    taker.page.locator("#clear").click()
    taker.page.get_by_role("button", name="Camera").click()
    assert "no camera" in taker.notice()
    taker.leave()


@pytest.fixture(scope="session")
def page_picture(index: PanelIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole page as a person would photograph it: only part of it is the question."""
    path = tmp_path_factory.mktemp("whole") / "page.png"
    index.page_image(index.browse({"book": "Orchard"}, k=1)[0].page_id).save(path)
    return path


def test_part_of_a_picture_is_cropped_with_the_mouse(visitor: Visitor, page_picture: Path) -> None:
    """A rectangle over the second panel of a page makes that panel the question, and the address keeps the part."""
    visitor.upload(page_picture)
    visitor.answered("your picture")
    visitor.page.get_by_role("button", name="Crop").click()
    frame = visitor.page.locator(".crop-picture").bounding_box()
    mouse = visitor.page.mouse
    # the panel is 210, 20 and 170 x 270 on a page of 400 x 600; outside the rectangle that is there at first
    mouse.move(frame["x"] + frame["width"] * 380 / 400, frame["y"] + frame["height"] * 20 / 600)
    mouse.down()
    mouse.move(frame["x"] + frame["width"] * 0.7, frame["y"] + frame["height"] * 0.3, steps=3)
    mouse.move(frame["x"] + frame["width"] * 210 / 400, frame["y"] + frame["height"] * 290 / 600, steps=3)
    mouse.up()
    visitor.page.get_by_role("button", name="Search this part").click()
    visitor.answered("part of your picture")
    assert visitor.hits()[0].startswith("Panel 2 on page 1 of Orchard: 'The ladder broke'")
    part = [float(v) for v in visitor.address()["crop"][0].split(",")]
    assert part == pytest.approx([0.525, 0.033, 0.425, 0.45], abs=0.02)
    assert visitor.page.locator(".asking .part").count() == 1
    visitor.page.get_by_role("button", name="Crop").click()
    visitor.page.get_by_role("button", name="Whole picture").click()
    visitor.page.locator(".asking .part").wait_for(state="detached")
    assert "crop" not in visitor.address()


def test_part_of_a_picture_is_cropped_with_the_keyboard(visitor: Visitor, page_picture: Path) -> None:
    """Arrows move the rectangle, Shift and arrows size it, numbers say it exactly; it never leaves the picture."""
    visitor.upload(page_picture)
    visitor.answered("your picture")
    visitor.page.get_by_role("button", name="Crop").press("Enter")
    keys = visitor.page.keyboard
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowUp"):
        keys.press(key)
    values = visitor.page.locator(".crop-numbers input")
    assert values.evaluate_all("all => all.map((field) => field.value)") == ["12", "12", "78", "78"]
    for side, percent in (("left", "52.5"), ("top", "3.3"), ("width", "42.5"), ("height", "45")):
        visitor.page.get_by_role("spinbutton", name=side).fill(percent)
    for side, percent in (("left", "52.5"), ("top", "3.3")):
        visitor.page.get_by_role("spinbutton", name=side).fill(percent)
    visitor.page.get_by_role("spinbutton", name="left").press("Enter")
    visitor.answered("part of your picture")
    assert visitor.address()["crop"] == ["0.525,0.033,0.425,0.45"]
    assert visitor.hits()[0].startswith("Panel 2 on page 1 of Orchard")


def test_a_hit_becomes_the_picture_of_the_question(visitor: Visitor) -> None:
    """Its words and filters stay; the panel can be cropped like any other picture."""
    visitor.ask("bring the lantern")
    visitor.page.locator("#answer > ol > li").first.hover()
    visitor.page.get_by_role("button", name="Use panel 2 on page 1 of Harbour as picture").click()
    visitor.answered("Panels like Harbour, page 1, panel 2 and bring the lantern")
    assert "Bring the lantern" not in " ".join(visitor.hits())
    visitor.page.locator(".asking img").wait_for()
    assert visitor.page.locator(".asking img").get_attribute("alt").startswith("Panel 2 on page 1 of Harbour")


def test_words_are_taken_away(visitor: Visitor) -> None:
    visitor.type("bring")
    visitor.page.locator("#without").fill("lantern")
    visitor.page.locator("#without").press("Enter")
    visitor.answered("without lantern")
    assert "Bring more rain" in visitor.hits()[0]
    assert "Bring the lantern" not in visitor.hits()[1]


def test_words_match_what_is_drawn_and_views_can_be_chosen(visitor: Visitor) -> None:
    """Each choice asks again at once, and is in the address."""
    visitor.ask("rain")
    arrow = "field => getComputedStyle(field).backgroundImage"  # a list of choices is told from a field by it
    assert visitor.page.get_by_label("Words match").evaluate(arrow).startswith('url("data:image/svg')
    visitor.page.get_by_label("Words match").select_option(label="what is drawn")
    visitor.page.locator(".summary p", has_text="compared by picture").wait_for()
    visitor.page.get_by_label("Compare").select_option(label="all in one")
    visitor.page.locator(".summary p", has_text="compared all in one").wait_for()
    assert visitor.address() == {"q": ["rain"], "words": ["drawn"], "in": ["fused"]}
    visitor.open("?q=rain&words=both", ".summary")
    assert visitor.page.get_by_label("Words match").input_value() == "both"
    visitor.page.locator("#clear").click()
    assert visitor.page.get_by_label("Words match").input_value() == ""


# ------------------------------------------------------------------------ narrowing


def test_filters_show_counts_and_narrow(visitor: Visitor) -> None:
    """A choice searches at once, its list stays open under the focus; two work together; clearing brings all back."""
    visitor.ask("rain")
    book = visitor.page.locator('details[data-name="book"]')
    book.locator("summary").click()
    assert "Harbour\n8" in book.inner_text()
    book.get_by_role("checkbox", name="Harbour").check()
    visitor.page.locator(".summary h2", has_text="in Harbour").wait_for()
    visitor.page.locator('details[data-name="book"].chosen').wait_for()
    assert visitor.page.evaluate("document.activeElement.value") == "Harbour"
    assert "6 panels with words searched" in visitor.page.locator(".summary p").inner_text()
    visitor.page.keyboard.press("Escape")
    words = visitor.page.locator('details[data-name="has_dialogue"]')
    words.locator("summary").click()
    assert "Without words\n2" in words.inner_text()
    words.get_by_role("checkbox", name="Without words").check()
    visitor.page.get_by_role("heading", name="No panel is left").wait_for()
    visitor.page.locator("#narrow .chosen b", has_text="Without words").wait_for()  # fetched after the answer
    assert visitor.page.locator("#narrow .chosen b").all_inner_texts() == ["Harbour", "Without words"]
    visitor.page.get_by_role("button", name="Search without filters").click()
    visitor.page.locator(".summary p", has_text="12 panels with words searched").wait_for()
    assert visitor.address() == {"q": ["rain"]}


def test_filters_alone_browse(visitor: Visitor) -> None:
    """Panels in the story's order, without scores; one book at a time."""
    visitor.page.locator('details[data-name="book"] summary').click()
    visitor.page.get_by_role("checkbox", name="Harbour").check()
    visitor.answered("8 panels in Harbour")
    assert [hit[:17] for hit in visitor.hits()] == [f"Panel {n} on page {p}" for p in (1, 2) for n in (1, 2, 3, 4)]
    assert visitor.page.locator("#answer .score").count() == 0
    visitor.page.get_by_role("checkbox", name="Orchard").check()
    visitor.answered("4 panels in Orchard")
    visitor.page.go_back()
    visitor.answered("8 panels in Harbour")


def test_values_are_looked_for(visitor: Visitor) -> None:
    """Where none is called so, that is said and nothing is asked; else Enter takes all that contain what was typed."""
    book = visitor.page.locator('details[data-name="book"]')
    book.locator("summary").click()
    look = book.get_by_role("searchbox", name="Find in Book")
    look.fill("8")  # a count is no name
    assert book.get_by_role("status").inner_text() == "No book is called so."
    look.press("Enter")
    assert visitor.address() == {}
    look.fill("har")
    assert book.get_by_role("status").inner_text() == ""
    look.press("Enter")
    visitor.answered("12 panels in books whose name contains “har”")
    visitor.page.locator("#narrow .chosen b", has_text="contains “har”").wait_for()


# ------------------------------------------------------------------------ looking


def test_more_results(visitor: Visitor) -> None:
    """Scrolling adds to the same wall, no panel twice; the button is for the keyboard; both go at the end."""
    visitor.open("?q=rain&in=picture", ".summary")
    assert len(visitor.hits()) == 12
    first = visitor.page.locator("#answer img").first
    first.evaluate("image => (image.dataset.kept = 'yes')")
    visitor.page.route("**/component_server/**", lambda route: route.abort())
    visitor.page.locator("#more").press("Enter")
    visitor.page.locator("#more", has_text="The server does not answer. Try again").wait_for()
    visitor.page.unroute("**/component_server/**")
    visitor.page.locator("#more").press("Enter")
    visitor.page.locator("#more").wait_for(state="hidden")
    assert len(set(visitor.hits())) == 16
    assert first.get_attribute("data-kept") == "yes"  # what was there was not drawn again
    assert visitor.page.evaluate("document.activeElement.closest('li').matches(':nth-child(13)')")


def test_more_results_come_with_scrolling(chromium: Any, url: str) -> None:
    visitor = Visitor(chromium, url, viewport={"width": 390, "height": 700}).open("?q=rain&in=picture", ".summary")
    assert len(visitor.hits()) == 12
    visitor.page.mouse.move(200, 400)
    visitor.page.mouse.wheel(0, 20_000)
    visitor.page.locator("#more").wait_for(state="hidden")
    assert len(set(visitor.hits())) == 16
    visitor.page.locator("#answer > ol > li > .card").nth(14).scroll_into_view_if_needed()
    place, hit = visitor.page.evaluate("scrollY"), visitor.hits()[14]
    assert place > 500
    visitor.open_hit(14).get_by_role("link", name="More like this").click()
    visitor.answered("Panels like")
    for _ in range(2):  # to the panel, then to the list
        visitor.page.go_back()
        visitor.page.wait_for_function("document.querySelectorAll('#answer > ol > li > .card').length === 16")
    visitor.page.locator(".sheet").wait_for(state="detached")
    assert visitor.page.evaluate("scrollY") == pytest.approx(place, abs=2)
    assert visitor.page.evaluate("document.activeElement.ariaLabel") == hit
    visitor.page.reload()
    visitor.page.wait_for_function("document.querySelectorAll('#answer > ol > li > .card').length === 16")
    visitor.leave()


def test_one_panel_per_page_unfolds(visitor: Visitor) -> None:
    """ "and 3 more" shows the others of that page below the row, and hides them again."""
    visitor.open("?q=rain&in=picture&fold=page", ".summary")
    assert len(visitor.hits()) == 4
    more = visitor.page.get_by_role("button", name="and 3 more of this page").first
    more.click()
    assert visitor.page.locator(".folded-out .card").count() == 3
    assert more.get_attribute("aria-expanded") == "true"
    more.click()
    assert visitor.page.locator(".folded-out").count() == 0


def test_it_says_when_nothing_is_close(
    visitor: Visitor, index: PanelIndex, panel_picture: Path, tmp_path: Path
) -> None:
    """From what strangers reach in this library: a copy of a panel is close, a grey square is not."""
    assert index.closeness("picture", "picture").value is not None
    grey = tmp_path / "grey.png"
    Image.new("RGB", (100, 100), (150, 150, 150)).save(grey)
    visitor.upload(grey)
    visitor.page.locator(".closeness", has_text="Nothing in this library is close").wait_for()
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    visitor.upload(panel_picture)
    visitor.page.locator(".far-line").wait_for()
    assert visitor.page.locator(".closeness").inner_text() == ""
    order = visitor.page.locator("#answer > ol > li").evaluate_all("all => all.map((item) => item.className)")
    assert order.index("far-line") >= 1
    widths = "['#answer > ol', '.far-line'].map((which) => document.querySelector(which).clientWidth)"
    assert len(set(visitor.page.evaluate(widths))) == 1  # across the whole wall


# ------------------------------------------------------------------------ what goes wrong


def test_bad_uploads_get_a_sentence(visitor: Visitor, not_a_picture: Path, forged: Path) -> None:
    """Neither text called .png, a forged giant nor 100 MB break the page: the next search works."""
    visitor.upload(not_a_picture)
    assert "This picture cannot be used: not a picture" in visitor.notice()
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    visitor.upload(forged)
    visitor.page.locator(".notice", has_text="60000 x 60000 px").wait_for()
    assert "gradio" not in visitor.notice().lower()
    visitor.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(100 * 2 ** 20)], "large.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    visitor.page.locator(".notice", has_text="100 MB; the limit is 50 MB").wait_for()
    visitor.ask("lantern")
    visitor.page.locator(".notice").wait_for(state="detached")


def test_an_upload_over_the_limit_is_refused_by_the_server_too(url: str) -> None:
    """A browser that does not ask first gets no more than 50 MB through."""
    import http.client
    from urllib.parse import urlsplit

    size = 51 * 2**20
    head = b'--b\r\ncontent-disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    body = head + bytes(size) + b"\r\n--b--\r\n"
    connection.request("POST", "/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=b"})
    assert connection.getresponse().status in (400, 413)
    connection.close()


def test_an_empty_question_and_clear(visitor: Visitor) -> None:
    """Searching for nothing shows the start; words to take away are no question; Clear brings the start back."""
    visitor.page.locator("#without").fill("rain")
    visitor.page.locator("#search").click()
    assert "no question by themselves" in visitor.notice()
    visitor.page.get_by_label("Compare").select_option(label="pictures")
    visitor.ask("rain")
    visitor.page.locator("#clear").click()
    visitor.page.locator(".welcome").wait_for()
    assert visitor.page.locator("#q").input_value() == ""
    assert visitor.page.locator("#without").input_value() == ""
    assert visitor.page.get_by_label("Compare").input_value() == ""
    assert visitor.page.evaluate("document.activeElement.id") == "q"


def test_a_slow_answer_and_a_server_that_is_gone(visitor: Visitor) -> None:
    """While it takes long the page says so; without a server it says that, and goes on when it is back."""
    visitor.type("slowly the ship")
    visitor.page.locator("#q").press("Enter")
    visitor.page.locator("#answer.busy[aria-busy=true]").wait_for()
    visitor.answered("slowly the ship")
    assert visitor.page.locator("#answer[aria-busy]").count() == 0
    visitor.page.route("**/component_server/**", lambda route: route.abort())
    visitor.type("rain")
    visitor.page.locator("#q").press("Enter")
    assert "The server does not answer" in visitor.notice()
    visitor.page.unroute("**/component_server/**")
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.answered("rain")


def test_two_people_never_see_each_others_search(chromium: Any, url: str, panel_picture: Path) -> None:
    """Two slow questions under way at once, words and a picture with words, each get their own answer."""
    ann, bob = Visitor(chromium, url).open(), Visitor(chromium, url).open()
    for turn in range(2):
        if turn:
            bob.upload(panel_picture)
            bob.answered("your picture")
        ann.type(f"slowly the ship {turn}")
        bob.type(f"slowly apples fall {turn}")
        ann.page.keyboard.press("Enter")
        bob.page.locator("#q").press("Enter")
        ann.answered(f"slowly the ship {turn}")
        bob.answered(f"slowly apples fall {turn}")
        assert "Nobody saw the ship" in ann.hits()[0]
        assert "Apples fall in autumn" in bob.hits()[0]
    assert "your picture" in bob.page.locator(".summary").inner_text()
    assert "apples" not in ann.page.locator(".summary").inner_text()
    assert "your picture" not in ann.page.locator(".summary").inner_text()
    assert ann.page.locator(".asking").count() == 0
    ann.leave()
    bob.leave()


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
    assert HOSTILE_BOOK in visitor.page.locator("#answer .book").all_inner_texts()
    visitor.open_hit()
    assert visitor.page.locator("#chosen-title").inner_text() == HOSTILE_BOOK
    visitor.page.keyboard.press("Escape")
    visitor.page.locator('details[data-name="book"] summary').click()
    visitor.page.get_by_role("checkbox", name=HOSTILE_BOOK).check()
    visitor.page.locator(".summary h2", has_text=HOSTILE_BOOK).wait_for()
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
    """`/search` takes words and a picture and answers with JSON; beside it there is `/search_panels` only."""
    answer = call(url, "bring the lantern", None)
    hits = json.loads(answer.split("data: ", 1)[1])[0]["hits"]
    assert (hits[0]["book"], hits[0]["page"], hits[0]["panel"]) == ("Harbour", 1, 2)
    with urlopen(f"{url}gradio_api/info") as info:
        assert list(json.load(info)["named_endpoints"]) == ["/search", "/search_panels"]


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
