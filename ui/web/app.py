"""The page: the navigation on top, the views below it, the chosen panel over them.

`build_app(index)` returns it unlaunched; `server.serve` gives it an address. Each view is a folder: handlers (plain
functions, no Gradio), markup (records -> HTML), layout (components) and wiring (what happens when).
"""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")  # it notes every call, for nobody here, and keeps 10,000

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.api.wiring import programs
from ui.web.build.wiring import build_view
from ui.web.library.wiring import library_view
from ui.web.lookalikes.wiring import lookalikes_view
from ui.web.map.wiring import map_view
from ui.web.panel.wiring import chosen_panel
from ui.web.search.wiring import search_view
from ui.web.services import Works
from ui.web.shell import markup

UPLOADS_LIVE = 3600
"""Seconds after which an upload is removed."""

VIEWS: tuple[tuple[str, str, Callable[[gr.Blocks, Works], None]], ...] = (
    ("search", "Search", lambda page, works: search_view(page, works.index)),
    ("library", "Library", lambda page, works: library_view(works.index)),
    ("map", "Map", lambda page, works: map_view(works.mapper)),
    ("lookalikes", "Look-alikes", lambda page, works: lookalikes_view(works.finder)),
    ("build", "Build", lambda page, works: build_view(works.builder)),
)
"""Name in the address, name on screen, and what adds the view's components to the page; all named in frame.js too."""


def build_app(index: PanelIndex, works: Works | None = None) -> gr.Blocks:
    """The page over an index, not launched yet."""
    works = works or Works(index)
    with gr.Blocks(
        title="Panelseek", analytics_enabled=False, delete_cache=(UPLOADS_LIVE, UPLOADS_LIVE), fill_width=True
    ) as page:
        gr.HTML(
            markup.masthead([(name, label) for name, label, _ in VIEWS]),
            js_on_load="panelseek.show();",
            elem_id="header",
            padding=False,
            apply_default_css=False,
        )
        for name, _, add in VIEWS:
            with gr.Column(elem_id=f"view-{name}", elem_classes="view"):
                add(page, works)
        chosen_panel(index)
        programs(index)
    page.queue(default_concurrency_limit=8, max_size=64)
    return page
