"""The dialog of one panel lies over every tab: when the address names a panel, it is fetched and shown."""

from __future__ import annotations

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.panel import handlers, markup
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import MAX_ADDRESS_CHARS, Payload, parse_text
from ui.web.shell.scripts import script
from ui.web.shell.templating import render


def panel_dialog(index: PanelIndex) -> None:
    """Add the place of the dialog."""

    def open_panel(payload: Payload) -> str:
        """Return the dialog for `{"panel": id, "here": address, "q": query text}` as HTML."""
        here = parse_text(payload, "here", MAX_ADDRESS_CHARS)
        try:
            detail = handlers.panel_detail(index, payload.get("panel"), parse_text(payload, "q"))
            return markup.dialog(detail, here)
        except PanelseekError as error:
            return markup.problem(user_message(error), here)

    gr.HTML(
        render("panel/place.html"),
        js_on_load=script("panel"),
        server_functions=[open_panel],
        elem_id="panel",
        apply_default_css=False,
    )
