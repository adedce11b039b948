"""The components of the view `search`, part by part; what they do is wired in `wiring.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ui.web.search import markup
from ui.web.search.handlers import COUNTS

_HERE = Path(__file__).parent

ANY_BOOK = 0
"""Stands for no book filter in the dropdown; catalog ids begin at 1."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The question: a picture, words, and how to compare them."""

    picture: gr.Image
    text: gr.Textbox
    search: gr.Button
    clear: gr.Button
    view: gr.Radio
    book: gr.Dropdown
    words: gr.Radio
    one_per_page: gr.Checkbox
    count: gr.Radio

    @property
    def inputs(self) -> list[Any]:
        """In the order in which `app.Asked` takes them."""
        return [self.text, self.picture, self.view, self.book, self.words, self.one_per_page, self.count]


def question() -> Asking:
    """A picture on the left, words on the right, the rest folded away below."""
    with gr.Column(elem_id="question"):
        with gr.Row(equal_height=True, elem_id="question-row"):
            with gr.Column(scale=2, min_width=200):
                picture = _picture()
            with gr.Column(scale=5, min_width=280, elem_id="question-words"):
                text = gr.Textbox(
                    label="Words",
                    placeholder="Words that somebody says",
                    max_lines=1,
                    autofocus=True,
                    elem_id="words",
                )
                with gr.Row(elem_id="question-buttons"):
                    search = gr.Button("Search", variant="primary", scale=0, min_width=140, elem_id="search")
                    clear = gr.Button("Clear", variant="secondary", scale=0, min_width=100, elem_id="clear")
                gr.HTML(markup.hint(), padding=False)
        with gr.Accordion("Options", open=False, elem_id="options"):
            return Asking(picture, text, search, clear, *_options())


def _picture() -> gr.Image:
    """An upload that comes to us as a path, unopened: its size is checked before anything decodes it.

    Set on this one component, since a subclass would make Gradio write a stub file beside this module.
    """
    picture = gr.Image(
        label="Picture",
        type="filepath",
        sources=["upload", "clipboard"],
        height=196,
        buttons=[],
        placeholder="Drop, paste or click to add a picture",
        elem_id="picture",
        alt_text="Your picture",
    )
    keep = picture.async_move_resource_to_block_cache

    async def keep_uploads_only(path: str | Path | None) -> str | None:
        if str(path or "").lower().startswith(("http:", "https:")):  # this machine fetches nothing for anybody
            raise gr.Error("Upload the picture itself: addresses are not fetched.", print_exception=False)
        kept: str | None = await keep(path)
        return kept

    picture.async_move_resource_to_block_cache = keep_uploads_only
    picture.preprocess = lambda payload: None if payload is None else payload.path
    return picture


def _options() -> tuple[gr.Radio, gr.Dropdown, gr.Radio, gr.Checkbox, gr.Radio]:
    with gr.Row():
        view = gr.Radio(
            [("Auto", ""), ("Picture", "picture"), ("Dialogue", "dialogue"), ("Fused", "fused")],
            value="",
            label="Compare with",
            info="Auto: a picture with pictures, words with dialogue, both with the two fused.",
            min_width=340,
            elem_id="view",
        )
        book = gr.Dropdown(
            [("All books", ANY_BOOK)], value=ANY_BOOK, label="Book", info="Only panels of this book.", elem_id="book"
        )
    with gr.Row():
        words = gr.Radio(
            [("Any", "any"), ("With words", "with"), ("Without", "without")],
            value="any",
            label="Words in the panel",
            min_width=340,
            elem_id="has-words",
        )
        count = gr.Radio(list(COUNTS), value=COUNTS[1], label="Hits at a time", min_width=280, elem_id="count")
        one_per_page = gr.Checkbox(label="One panel per page", min_width=180, elem_id="one-per-page")
    return view, book, words, one_per_page, count


def results() -> tuple[gr.HTML, gr.Button]:
    hits = gr.HTML(js_on_load=_script("events.js", "hits.js"), elem_id="results", apply_default_css=False)
    more = gr.Button("More results", visible=False, elem_id="more")
    return hits, more


def chosen_panel() -> gr.HTML:
    return gr.HTML(js_on_load=_script("events.js", "../chosen/sheet.js"), elem_id="chosen", apply_default_css=False)


def programs() -> tuple[gr.Button, gr.JSON]:
    """Not on screen: what gives programs their own way in, `/search`, with JSON as the answer."""
    return gr.Button(visible=False), gr.JSON(visible=False)


def _script(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
