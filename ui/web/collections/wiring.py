"""The tab `collections`, and the stars of panels in every tab: the server functions of their scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.collections import handlers, markup
from ui.web.shell.markup import notice
from ui.web.shell.messages import COLLECTIONS_UNUSABLE, user_message
from ui.web.shell.parameters import Payload
from ui.web.shell.scripts import script


def collections_tab(index: PanelIndex) -> None:
    """Add the components of the tab."""
    gr.HTML(
        markup.collections(),
        js_on_load=script("collections"),
        server_functions=server_functions(index),
        elem_id="collections",
        apply_default_css=False,
    )


def server_functions(index: PanelIndex) -> list[Callable[[Payload], Payload]]:
    """Return the functions that the scripts call by their names."""

    def kept_states(payload: Payload) -> Payload:
        """Return where the panels of `{"panels": [ids]}` are kept, by id; without those in no collection."""
        try:
            return {str(panel): asdict(state) for panel, state in handlers.kept_states(index, payload).items()}
        except PanelseekError as error:
            _sentence(error)  # to the log: a star that is missing needs no sentence
            return {}

    def keep_choices(payload: Payload) -> Payload:
        """Return the collections for `{"panel": id}` as HTML, or a problem."""
        return _safely(lambda: markup.choices(handlers.choices(index, payload)))

    def keep_panel(payload: Payload) -> Payload:
        """Keep a panel or not, see `handlers.keep`; return where it is kept then and the choices, or a problem."""
        try:
            state = handlers.keep(index, payload)
            return {"state": asdict(state) if state else None, "html": markup.choices(handlers.choices(index, payload))}
        except PanelseekError as error:
            return {"problem": notice(_sentence(error))}

    def collection_list(payload: Payload) -> Payload:
        """Return collections from `start` on as HTML."""
        return _safely(lambda: markup.covers(handlers.list_collections(index, payload)))

    def collection_panels(payload: Payload) -> Payload:
        """Return panels for `{"open": name, "start"}` as HTML."""
        return _safely(lambda: markup.open_collection(handlers.open_collection(index, payload)), markup.no_collection)

    def collection_change(payload: Payload) -> Payload:
        """Change a collection, see `handlers.change_collection`; return a problem if it was not changed."""
        try:
            handlers.change_collection(index, payload)
            return {"problem": ""}
        except PanelseekError as error:
            return {"problem": notice(_sentence(error))}

    return [kept_states, keep_choices, keep_panel, collection_list, collection_panels, collection_change]


def _safely(make: Callable[[], str], on_error: Callable[[str], str] = notice) -> dict[str, Any]:
    """Return the HTML that `make` returns, or what `on_error` makes of the error's sentence."""
    try:
        return {"html": make()}
    except PanelseekError as error:
        return {"html": on_error(_sentence(error))}


def _sentence(error: PanelseekError) -> str:
    return user_message(error, COLLECTIONS_UNUSABLE)
