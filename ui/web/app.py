"""The web app: the navigation on top, the tabs below it, the dialog of a panel over them.

`build_app(index)` returns it unlaunched; `server.serve` gives it an address. Each tab is a folder: handlers (plain
functions, no Gradio), markup and templates (records -> HTML), and wiring (what its script calls).
"""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.api.wiring import search_api
from ui.web.build.wiring import build_tab
from ui.web.collections.wiring import collections_tab
from ui.web.library.wiring import library_tab
from ui.web.lookalikes.wiring import lookalikes_tab
from ui.web.map.wiring import map_tab
from ui.web.panel.wiring import panel_dialog
from ui.web.search.wiring import search_tab
from ui.web.services import Services
from ui.web.shell import markup

UPLOAD_SECONDS = 3600
"""Seconds after which an upload is removed."""

_CONCURRENT_CALLS = 8
_QUEUED_CALLS = 64
_POSITION_SECONDS = 10.0
"""Seconds between two messages to a waiting call about its place. After every call they would be 64 an answer."""

TABS: tuple[tuple[str, str, Callable[[Services], None]], ...] = (
    ("search", "Search", lambda services: search_tab(services.index)),
    ("library", "Library", lambda services: library_tab(services.index)),
    ("collections", "Collections", lambda services: collections_tab(services.index)),
    ("map", "Map", lambda services: map_tab(services.map)),
    ("lookalikes", "Look-alikes", lambda services: lookalikes_tab(services.lookalikes)),
    ("build", "Build", lambda services: build_tab(services.build)),
)
"""Name in the address, name on screen, and what adds the components; the scripts name them too."""


def build_app(index: PanelIndex, services: Services | None = None) -> gr.Blocks:
    """Return the web app over an index, not launched yet."""
    services = services or Services(index)
    with gr.Blocks(
        title="Panelseek", analytics_enabled=False, delete_cache=(UPLOAD_SECONDS, UPLOAD_SECONDS), fill_width=True
    ) as app:
        gr.HTML(
            markup.masthead(_linked_tabs(services)),
            js_on_load="panelseek.show();",
            elem_id="header",
            padding=False,
            apply_default_css=False,
        )
        for name, _, add_components in TABS:
            with gr.Column(elem_id=f"tab-{name}", elem_classes="tab"):
                add_components(services)
        panel_dialog(index)
        search_api(index)
    app.queue(_POSITION_SECONDS, default_concurrency_limit=_CONCURRENT_CALLS, max_size=_QUEUED_CALLS)
    return app


def _linked_tabs(services: Services) -> list[tuple[str, str]]:
    """Return the tabs in the navigation; if visitors may not build, the tab `build` is reached by its address only."""
    return [(name, label) for name, label, _ in TABS if name != "build" or services.build.allowed]
