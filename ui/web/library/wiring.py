"""What happens when, in the view `library`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.library import handlers, markup
from ui.web.shell.markup import notice
from ui.web.shell.messages import friendly
from ui.web.shell.scripts import script


def library_view(index: PanelIndex) -> None:
    """Adds the components of the view to the page."""

    def library_shelf(asked: dict[str, Any]) -> dict[str, Any]:
        """Books for `{"find": letters, "sort": order, "start": place}` as HTML, and of which generation they are."""
        html = _safely(lambda: markup.shelf(handlers.shelf(index, asked)))
        return {"html": html, "generation": index.generation.number}

    def library_book(asked: dict[str, Any]) -> dict[str, Any]:
        """Pages for `{"open": book id, "start": place}` as HTML, and of which generation they are."""
        html = _safely(lambda: markup.open_book(handlers.open_book(index, asked)), markup.no_book)
        return {"html": html, "generation": index.generation.number}

    def library_about(_: Any) -> str:
        return _safely(lambda: markup.about(handlers.about(index)))

    gr.HTML(
        f'<section class="library"><h2>Library</h2>{markup.controls()}<div class="shelf-place"></div>'
        '<div class="about-place"></div></section>',
        js_on_load=script("library"),
        server_functions=[library_shelf, library_book, library_about],
        elem_id="library",
        apply_default_css=False,
    )


def _safely(make: Callable[[], str], instead: Callable[[str], str] = notice) -> str:
    try:
        return make()
    except PanelseekError as error:
        return instead(friendly(error))
