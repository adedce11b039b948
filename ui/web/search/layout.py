"""The components of the view `search`; what they do is wired in `wiring.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ui.web.search import form
from ui.web.shell.scripts import script


def search(*functions: Callable[[dict[str, Any]], Any]) -> gr.HTML:
    """The question and its answer; the scripts call the functions by their names."""
    return gr.HTML(
        form.form(),
        js_on_load=script("search"),
        server_functions=list(functions),
        elem_id="search-view",
        apply_default_css=False,
    )


def programs() -> tuple[gr.Textbox, gr.Image, gr.Button, gr.JSON]:
    """What programs need: words, a picture, and JSON as the answer."""
    text = gr.Textbox(label="Words", visible=False)
    return text, _picture(), gr.Button(visible=False), gr.JSON(visible=False)


def _picture() -> gr.Image:
    """An upload that comes to us as a path, unopened: its size is checked before anything decodes it.

    Set on this one component, since a subclass would make Gradio write a stub file beside this module.
    """
    picture = gr.Image(label="Picture", type="filepath", visible=False)
    keep = picture.async_move_resource_to_block_cache

    async def keep_uploads_only(path: str | Path | None) -> str | None:
        if str(path or "").lower().startswith(("http:", "https:")):  # this machine fetches nothing for anybody
            raise gr.Error("Upload the picture itself: addresses are not fetched.", print_exception=False)
        kept: str | None = await keep(path)
        return kept

    picture.async_move_resource_to_block_cache = keep_uploads_only
    picture.preprocess = lambda payload: None if payload is None else payload.path
    return picture
