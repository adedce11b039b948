"""The chosen panel lies over every view: whenever the address names a panel, it is fetched and shown."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.panel import handlers, markup
from ui.web.search.question import MAX_WORDS
from ui.web.shell.messages import friendly
from ui.web.shell.scripts import script


def chosen_panel(index: PanelIndex) -> None:
    """Adds the place of the chosen panel to the page."""

    def open_panel(asked: dict[str, Any]) -> str:
        """The dialog for `{"panel": id, "here": address, "q": words}` as HTML."""
        here = str(asked.get("here", ""))[:20_000]
        try:
            words = str(asked.get("q") or "")[:MAX_WORDS]
            return markup.sheet(handlers.choose(index, asked.get("panel"), words), here)
        except PanelseekError as error:
            return markup.problem(friendly(error), here)

    gr.HTML(
        '<div class="sheet-place"></div>',
        js_on_load=script("panel"),
        server_functions=[open_panel],
        elem_id="chosen",
        apply_default_css=False,
    )
