"""What happens when, in the view `build`."""

from __future__ import annotations

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.frame.markup import nothing_yet


def build_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    gr.HTML(nothing_yet("Build", "Building from the page is not switched on."), apply_default_css=False)
