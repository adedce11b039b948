"""What happens when, in the view `build`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from ui.web.build import markup
from ui.web.build.handlers import Builder
from ui.web.shell.markup import notice
from ui.web.shell.scripts import script
from ui.web.shell.messages import friendly


def build_view(builder: Builder) -> None:
    """Adds the components of the view to the page."""
    if not builder.allowed:
        gr.HTML(markup.not_allowed(), apply_default_css=False)
        return

    def build_folders(asked: dict[str, Any]) -> str:
        """What lies in `{"root": number, "path": below it}`, as HTML."""
        try:
            return markup.folders(builder.folders(asked.get("root", 0), asked.get("path", "")))
        except PanelseekError as error:
            return markup.no_folder(friendly(error))

    def build_start(asked: dict[str, Any]) -> dict[str, Any]:
        """Build `{"root": number, "path": below it}`; how it stands then."""
        try:
            builder.start(asked.get("root"), asked.get("path"))
        except PanelseekError as error:
            return {"running": False, "html": notice(friendly(error))}
        return build_state({})

    def build_stop(_: Any) -> dict[str, Any]:
        builder.job.stop()
        return build_state({})

    def build_state(_: Any) -> dict[str, Any]:
        now = builder.job.moment()
        html = markup.progress(now, builder.job.result)
        return {"running": now.state == "running", "html": html, "generation": builder.generation}

    gr.HTML(
        markup.places(),
        js_on_load=script("build"),
        server_functions=[build_folders, build_start, build_stop, build_state],
        elem_id="building",
        apply_default_css=False,
    )
