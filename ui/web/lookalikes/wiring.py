"""What happens when, in the view `lookalikes`."""

from __future__ import annotations

import gradio as gr

from retrieval.index import PanelIndex
from ui.web.frame.markup import nothing_yet


def lookalikes_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    gr.HTML(
        nothing_yet("Look-alikes", "Panels that several books share will be gathered here."),
        apply_default_css=False,
    )
