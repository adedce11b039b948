"""From a page's picture to what the encoder sees of one panel: the same when building and when asking."""

from __future__ import annotations

import numpy as np
from PIL import Image

from retrieval.encoder.inputs import crop_box_xywh, resize
from retrieval.encoder.protocol import PanelInput
from retrieval.records import Box

_PILLOW_MINDS = 80_000_000
"""Pixels from which Pillow's own crop warns of a decompression bomb; our bound was checked when the page was read."""


def crop(page: Image.Image, box: Box) -> Image.Image | None:
    """The panel's pixels, or None when the box shows nothing of the page."""
    edges = crop_box_xywh(box, page.width, page.height)
    if edges is None:
        return None
    left, top, right, bottom = edges
    if (right - left) * (bottom - top) > _PILLOW_MINDS:
        return Image.fromarray(np.asarray(page)[top:bottom, left:right])
    return page.crop(edges)


def panel_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """One panel of a page for the encoder, or None when the box shows nothing."""
    cut = crop(page, box)
    if cut is None:
        return None
    return PanelInput(resize(cut), text, box, page.width, page.height, number)
