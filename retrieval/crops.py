"""From a page's picture to what the encoder sees of one panel: the same when building and when asking."""

from __future__ import annotations

from PIL import Image

from retrieval.encoder.inputs import crop_box_xywh, resize
from retrieval.records import Box, PanelInput


def crop(page: Image.Image, box: Box) -> Image.Image | None:
    """The panel's pixels, or None when the box shows nothing of the page."""
    edges = crop_box_xywh(box, page.width, page.height)
    return None if edges is None else page.crop(edges)


def panel_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """One panel of a page for the encoder, or None when the box shows nothing."""
    cut = crop(page, box)
    if cut is None:
        return None
    return PanelInput(resize(cut), text, box, page.width, page.height, number)
