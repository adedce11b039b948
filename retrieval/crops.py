"""From a page's picture to what the encoder sees of one panel: the same when building and when asking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.records import PICTURE_SIDE, Box, PanelInput


def crop(page: Image.Image, box: Box) -> Image.Image | None:
    """The panel's pixels, or None when the box lies off the page. PIL rounds each edge, half to even."""
    inside = box.on_page(page.width, page.height)
    if inside is None:
        return None
    cut = page.crop((inside.x, inside.y, inside.x + inside.w, inside.y + inside.h))
    return cut if cut.width and cut.height else None


def square(picture: Image.Image) -> NDArray[np.uint8]:
    """(224, 224, 3) uint8 RGB: bilinear, sides scaled separately, as the published model was trained."""
    side = (PICTURE_SIDE, PICTURE_SIDE)
    return np.asarray(picture.convert("RGB").resize(side, Image.Resampling.BILINEAR))


def panel_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """One panel of a page for the encoder, or None when the box shows nothing."""
    cut = crop(page, box)
    if cut is None:
        return None
    return PanelInput(square(cut), text, box, page.width, page.height, number)
