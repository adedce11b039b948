"""What happens when, in the view `library`."""

from __future__ import annotations

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.frame.markup import nothing_yet


def library_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    gr.HTML(nothing_yet("Library", "The books of this index will be listed here."), apply_default_css=False)
