"""The tab `lookalikes`: the server functions of its script."""

from __future__ import annotations

import gradio as gr

from retrieval.errors import PanelseekError
from ui.web.lookalikes import markup
from ui.web.lookalikes.handlers import LookalikeService
from ui.web.shell.markup import notice
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import Payload
from ui.web.shell.scripts import script


def lookalikes_tab(service: LookalikeService) -> None:
    """Add the components of the tab."""

    def lookalikes_state(payload: Payload) -> Payload:
        """Return groups from `start` on, or the progress of the search; `{"look": "start"}` or `"stop"` controls it."""
        return {**_state(payload), "generation": service.generation}

    def _state(payload: Payload) -> Payload:
        try:
            if payload.get("look") == "stop":
                service.job.stop()
            found = service.groups(payload.get("start", 0))
            if found is not None:
                return {"running": False, "html": markup.groups(found)}
            status = service.start() if payload.get("look") == "start" else service.job.status()
            return {"running": status.state == "running", "html": markup.progress(status)}
        except PanelseekError as error:
            return {"running": False, "html": notice(user_message(error))}

    def lookalikes_reject(payload: Payload) -> str:
        """Reject the pairs of `{"panel": id, "others": [ids]}`, or accept them again with `"undo": true`.

        Returns a problem as HTML, or "".
        """
        try:
            service.reject(payload)
        except PanelseekError as error:
            return notice(user_message(error))
        return ""

    gr.HTML(
        markup.lookalikes(),
        js_on_load=script("lookalikes"),
        server_functions=[lookalikes_state, lookalikes_reject],
        elem_id="lookalikes",
        apply_default_css=False,
    )
