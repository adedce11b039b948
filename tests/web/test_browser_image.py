"""Searching by image in Chromium: choosing, pasting, dropping, the camera, cropping, and files that are no images."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from retrieval import PanelIndex
from tests.web.visitor import Visitor


@pytest.fixture(scope="session")
def page_picture(index: PanelIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole page, as a visitor would photograph it; only part of it is the query."""
    path = tmp_path_factory.mktemp("whole") / "page.png"
    index.page_image(index.browse({"book": "Orchard"}, k=1)[0].page_id).save(path)
    return path


def drop_image(visitor: Visitor, image: Path, how: str = "paste", onto: str = "#answer", text: str = "") -> bool:
    """Paste or drop an image, with text or without; return True if the scripts left it to the browser."""
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
            [list(image.read_bytes()), how, onto, text],
        )
    )


# ------------------------------------------------------------------------ the image


def test_an_image_is_searched_at_once(visitor: Visitor, panel_picture: Path, page_picture: Path) -> None:
    """Another image replaces it, and the focus stays."""
    visitor.upload(panel_picture)
    visitor.expect_results("your image")
    visitor.expect_label(0, "Panel 1 on page 1 of Orchard: 'Apples fall in autumn', relevance ")
    visitor.expect_image_width(".asking img", 170)
    visitor.page.locator("#file").focus()
    visitor.upload(page_picture)
    visitor.expect_image_width(".asking img", 400)
    expect(visitor.page.locator("#file")).to_be_focused()


def test_a_file_chosen_while_an_answer_replaces_its_field(visitor: Visitor, panel_picture: Path) -> None:
    """The system's dialog may be open for longer than an answer takes."""
    field = visitor.page.locator("#file").element_handle()
    visitor.page.locator("#clear").click()
    visitor.expect_script("field => !field.isConnected", field)
    field.set_input_files(panel_picture)
    visitor.expect_results("your image")


def test_image_and_text_are_searched_together(visitor: Visitor, panel_picture: Path) -> None:
    """The image can be removed; going back restores it."""
    visitor.upload(panel_picture)
    visitor.expect_results("your image")
    visitor.search("ladder")
    visitor.expect_results("your image and ladder")
    visitor.expect_view("fused")
    visitor.button("Remove the image").click()
    visitor.expect_view("dialogue")
    visitor.page.go_back()
    visitor.expect_results("your image and ladder")
    expect(visitor.page.locator(".asking img")).to_have_count(1)


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_an_image_can_be_pasted_and_dropped_anywhere(visitor: Visitor, panel_picture: Path, how: str) -> None:
    """Also in another tab, whose address is no part of the search."""
    visitor.open("?tab=library&find=o", ".book-card")
    drop_image(visitor, panel_picture, how)
    visitor.expect_results("your image")
    visitor.expect_label(0, "Panel 1 on page 1 of Orchard")
    assert list(visitor.address()) == ["picture"]


def test_text_with_an_image_is_pasted_into_a_text_field(visitor: Visitor, panel_picture: Path) -> None:
    """Office programs put both into the clipboard."""
    assert drop_image(visitor, panel_picture, onto="#q", text="rain")
    assert not drop_image(visitor, panel_picture, text="rain")
    visitor.expect_results("your image")


def test_a_photo_can_be_taken_with_the_camera(chromium: Any, url: str) -> None:
    """The photo becomes the query image; without a camera there is a message."""
    visitor = Visitor(chromium, url, permissions=["camera"]).open()
    visitor.button("Camera").click()
    visitor.expect_script("document.querySelector('video')?.videoWidth > 0")
    visitor.button("Use this photo").click()
    visitor.expect_results("your image")
    expect(visitor.cards).to_have_count(12)
    visitor.page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none')); }")
    visitor.page.locator("#clear").click()
    visitor.button("Camera").click()
    visitor.expect_notice("No camera, or permission refused.")
    visitor.leave()


def test_a_result_becomes_the_query_image(visitor: Visitor) -> None:
    """Text and filters stay."""
    visitor.search("bring the lantern")
    visitor.items.first.hover()
    visitor.button("Search with the image of panel 2 on page 1 of Harbour").click()
    visitor.expect_results("Panels like Harbour, page 1, panel 2 and bring the lantern")
    visitor.expect_no_dialogue("Bring the lantern")
    image = visitor.page.locator(".asking img")
    expect(image).to_have_attribute("alt", "Panel 2 on page 1 of Harbour: 'Bring the lantern'")


# ------------------------------------------------------------------------ cropping


def test_the_crop_dialog_belongs_to_its_image(visitor: Visitor, panel_picture: Path) -> None:
    """Escape returns the focus to the button; another image and Back close the dialog."""
    visitor.upload(panel_picture)
    visitor.expect_results("your image")
    crop, dialog = visitor.button("Crop"), visitor.page.locator("dialog")
    crop.click()
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(crop).to_be_focused()
    crop.click()
    drop_image(visitor, panel_picture, onto="dialog")
    expect(dialog).to_have_count(0)
    visitor.expect_script("history.length > 3 && document.querySelector('#answer:not([aria-busy]) .card')")
    crop.click()
    expect(dialog).to_be_visible()
    visitor.page.go_back()
    expect(dialog).to_have_count(0)


def test_an_image_is_cropped_with_the_mouse(visitor: Visitor, page_picture: Path) -> None:
    """A rectangle around the second panel of a page finds that panel, and the address holds the crop."""
    visitor.upload(page_picture)
    visitor.expect_results("your image")
    visitor.button("Crop").click()
    visitor.expect_image_width(".crop-picture img", 400)
    frame = visitor.page.locator(".crop-picture").bounding_box()
    assert frame is not None
    mouse = visitor.page.mouse
    # the panel is 210, 20 and 170 x 270 on a page of 400 x 600; outside the rectangle that is there at first
    mouse.move(frame["x"] + frame["width"] * 380 / 400, frame["y"] + frame["height"] * 20 / 600)
    mouse.down()
    mouse.move(frame["x"] + frame["width"] * 0.7, frame["y"] + frame["height"] * 0.3, steps=3)
    mouse.move(frame["x"] + frame["width"] * 210 / 400, frame["y"] + frame["height"] * 290 / 600, steps=3)
    mouse.up()
    visitor.button("Search this part").click()
    visitor.expect_results("part of your image")
    visitor.expect_label(0, "Panel 2 on page 1 of Orchard: 'The ladder broke'")
    part = [float(value) for value in visitor.address()["crop"][0].split(",")]
    assert part == pytest.approx([0.525, 0.033, 0.425, 0.45], abs=0.02)
    expect(visitor.page.locator(".asking .part")).to_have_count(1)
    visitor.button("Crop").click()
    visitor.button("Whole image").click()
    expect(visitor.page.locator(".asking .part")).to_have_count(0)
    visitor.expect_script("!new URLSearchParams(location.search).has('crop')")


def test_an_image_is_cropped_with_the_keyboard(visitor: Visitor, page_picture: Path) -> None:
    """Arrows move the rectangle, Shift and arrows size it, numbers set it exactly; it never leaves the image."""
    visitor.upload(page_picture)
    visitor.expect_results("your image")
    visitor.button("Crop").press("Enter")
    expect(visitor.page.get_by_role("group", name="Selected part", exact=True)).to_be_focused()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowUp"):
        visitor.page.keyboard.press(key)
    fields = {side: visitor.page.get_by_role("spinbutton", name=side) for side in ("left", "top", "width", "height")}
    for side, percent in (("left", "12"), ("top", "12"), ("width", "78"), ("height", "78")):
        expect(fields[side]).to_have_value(percent)
    for side, percent in (("left", "52.5"), ("top", "3.3"), ("width", "42.5"), ("height", "45")):
        fields[side].fill(percent)
    for side, percent in (("left", "52.5"), ("top", "3.3")):  # moved back while they were wider
        fields[side].fill(percent)
    fields["left"].press("Enter")
    visitor.expect_results("part of your image")
    assert visitor.address()["crop"] == ["0.525,0.033,0.425,0.45"]
    visitor.expect_label(0, "Panel 2 on page 1 of Orchard")


# ------------------------------------------------------------------------ files that cannot be used


def test_unusable_uploads_get_a_message(visitor: Visitor, not_a_picture: Path, forged: Path) -> None:
    """Text named .png, a forged giant and 100 MB all get a message, and the next search works."""
    visitor.upload(not_a_picture)
    visitor.expect_notice("This file is not an image")
    visitor.page.locator("#clear").click()
    expect(visitor.page.locator(".welcome")).to_be_visible()
    visitor.upload(forged)
    visitor.expect_notice("3600 megapixels")
    expect(visitor.page.locator(".notice", has_text="gradio")).to_have_count(0)
    visitor.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(100 * 2 ** 20)], "large.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    visitor.expect_notice("100 MB; the limit is 50 MB")
    visitor.search("lantern")
    expect(visitor.page.locator(".notice")).to_have_count(0)


def test_the_server_refuses_an_upload_over_the_limit_too(url: str) -> None:
    """A client without the check of the scripts gets no more than 50 MB through."""
    size = 51 * 2**20
    head = b'--b\r\ncontent-disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    body = head + bytes(size) + b"\r\n--b--\r\n"
    connection.request("POST", "/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=b"})
    assert connection.getresponse().status in (400, 413)
    connection.close()
