"""The tab `library`: the server functions of its script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.library import handlers, markup
from ui.web.shell.markup import notice
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import Payload
from ui.web.shell.scripts import script


def library_tab(index: PanelIndex) -> None:
    """Add the components of the tab."""

    def library_books(payload: Payload) -> Payload:
        """Return books for `{"find", "sort", "start"}` as HTML, with the generation of the index."""
        html = _safely(lambda: markup.books(handlers.list_books(index, payload)))
        return {"html": html, "generation": index.generation.number}

    def library_book(payload: Payload) -> Payload:
        """Return pages for `{"open": book id, "start"}` as HTML, with the generation of the index."""
        html = _safely(lambda: markup.open_book(handlers.open_book(index, payload)), markup.no_book)
        return {"html": html, "generation": index.generation.number}

    def library_index(_: Any) -> str:
        return _safely(lambda: markup.index_details(handlers.index_details(index)))

    gr.HTML(
        markup.library(),
        js_on_load=script("library"),
        server_functions=[library_books, library_book, library_index],
        elem_id="library",
        apply_default_css=False,
    )


def _safely(make: Callable[[], str], on_error: Callable[[str], str] = notice) -> str:
    """Return the HTML that `make` returns, or what `on_error` makes of the error's sentence."""
    try:
        return make()
    except PanelseekError as error:
        return on_error(user_message(error))
