"""What happens when, in the view `lookalikes`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from ui.web.lookalikes import markup
from ui.web.lookalikes.handlers import Finder
from ui.web.shell.markup import notice
from ui.web.shell.messages import friendly
from ui.web.shell.scripts import script


def lookalikes_view(finder: Finder) -> None:
    """Adds the components of the view to the page."""

    def lookalikes_state(asked: dict[str, Any]) -> dict[str, Any]:
        """Groups from `start` on, or how the looking stands; `{"look": "start"}` begins it, `"stop"` ends it."""
        state = _state(asked)
        return {**state, "generation": finder.generation}

    def _state(asked: dict[str, Any]) -> dict[str, Any]:
        try:
            if asked.get("look") == "stop":
                finder.job.stop()
            found = finder.groups(asked.get("start", 0))
            if found is not None:
                return {"running": False, "html": markup.groups(found)}
            now = finder.look() if asked.get("look") == "start" else finder.job.moment()
            return {"running": now.state == "running", "html": markup.progress(now)}
        except PanelseekError as error:
            return {"running": False, "html": notice(friendly(error))}

    def lookalikes_apart(asked: dict[str, Any]) -> str:
        """Remember `{"panel": id, "others": [ids]}` as not the same (or `"back": true`); a sentence or ''."""
        try:
            finder.apart(asked)
        except PanelseekError as error:
            return notice(friendly(error))
        return ""

    gr.HTML(
        f'<section class="lookalikes"><h2>Look-alikes</h2><p class="aside">{markup.ABOUT}</p>'
        '<div class="alikes-place"></div></section>',
        js_on_load=script("lookalikes"),
        server_functions=[lookalikes_state, lookalikes_apart],
        elem_id="lookalikes",
        apply_default_css=False,
    )
