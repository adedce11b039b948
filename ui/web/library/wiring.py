"""What happens when, in the view `library`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.frame.markup import notice
from ui.web.frame.scripts import script
from ui.web.frame.sentences import friendly
from ui.web.library import handlers, markup


def library_view(index: PanelIndex) -> None:
    """Adds the components of the view to the page."""

    def library_shelf(asked: dict[str, Any]) -> str:
        """Books for `{"find": letters, "sort": order, "start": place}` as HTML."""
        return _safely(lambda: markup.shelf(handlers.shelf(index, asked)))

    def library_book(asked: dict[str, Any]) -> str:
        """Pages for `{"open": book id, "start": place}` as HTML."""
        return _safely(lambda: markup.open_book(handlers.open_book(index, asked)))

    def library_about(_: Any) -> str:
        return _safely(lambda: markup.about(handlers.about(index)))

    gr.HTML(
        f'<section class="library">{markup.controls()}<div class="shelf-place"></div>'
        '<div class="about-place"></div></section>',
        js_on_load=script("library/library.js"),
        server_functions=[library_shelf, library_book, library_about],
        elem_id="library",
        apply_default_css=False,
    )


def _safely(make: Any) -> str:
    try:
        return str(make())
    except PanelseekError as error:
        return notice(friendly(error))
