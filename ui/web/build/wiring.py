"""The tab `build`: the server functions of its script."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from ui.web.build import markup
from ui.web.build.handlers import BuildService
from ui.web.shell.markup import notice
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import Payload
from ui.web.shell.scripts import script


def build_tab(service: BuildService) -> None:
    """Add the components of the tab."""
    if not service.allowed:
        gr.HTML(markup.build(allowed=False), apply_default_css=False)
        return

    def build_folders(payload: Payload) -> str:
        """Return the entries of the folder `{"root": number, "path": below it}`, as HTML."""
        try:
            return markup.folders(service.folders(payload.get("root", 0), payload.get("path", "")))
        except PanelseekError as error:
            return markup.no_folder(user_message(error))

    def build_start(payload: Payload) -> Payload:
        """Build `{"root": number, "path": below it}` and return the progress."""
        try:
            service.start(payload.get("root"), payload.get("path"))
        except PanelseekError as error:
            return {"running": False, "html": notice(user_message(error))}
        return build_state({})

    def build_stop(_: Any) -> Payload:
        service.job.stop()
        return build_state({})

    def build_state(_: Any) -> Payload:
        status = service.job.status()
        html = markup.progress(status, service.job.result)
        return {"running": status.state == "running", "html": html, "generation": service.generation}

    gr.HTML(
        markup.build(allowed=True),
        js_on_load=script("build"),
        server_functions=[build_folders, build_start, build_stop, build_state],
        elem_id="building",
        apply_default_css=False,
    )
