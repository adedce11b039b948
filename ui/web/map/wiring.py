"""What happens when, in the view `map`."""

from __future__ import annotations

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.frame.markup import nothing_yet


def map_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    gr.HTML(nothing_yet("Map", "A map of all panels will be drawn here."), apply_default_css=False)
