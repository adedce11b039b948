"""A panel shown differently: what training may alter without changing which panel it is."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

SMALLEST_CROP = 0.5
"""Share of the panel's area that a crop keeps at least."""

_MIRRORED, _GREY, _PRINTED, _REPACKED = 0.3, 0.2, 0.7, 0.3  # how often each happens


def altered(panel: Image.Image, dice: np.random.Generator) -> Image.Image:
    """A crop of an RGB panel, sometimes mirrored, printed lighter or darker, grey, or packed as a poor JPEG."""
    view = _cropped(panel, dice)
    if dice.random() < _MIRRORED:
        view = ImageOps.mirror(view)
    if dice.random() < _PRINTED:
        view = ImageEnhance.Brightness(view).enhance(dice.uniform(0.7, 1.3))
        view = ImageEnhance.Contrast(view).enhance(dice.uniform(0.7, 1.3))
        view = ImageEnhance.Color(view).enhance(dice.uniform(0.5, 1.5))
    if dice.random() < _GREY:
        view = ImageOps.grayscale(view).convert("RGB")
    return _repacked(view, dice) if dice.random() < _REPACKED else view


def _cropped(panel: Image.Image, dice: np.random.Generator) -> Image.Image:
    """A part of the panel of nearly its shape; panels of a few pixels stay whole."""
    side = np.sqrt(dice.uniform(SMALLEST_CROP, 1.0))
    stretch = np.exp(dice.uniform(-0.1, 0.1))
    width = max(1, round(panel.width * min(1.0, side * stretch)))
    height = max(1, round(panel.height * min(1.0, side / stretch)))
    left = int(dice.integers(panel.width - width + 1))
    top = int(dice.integers(panel.height - height + 1))
    return panel.crop((left, top, left + width, top + height))


def _repacked(view: Image.Image, dice: np.random.Generator) -> Image.Image:
    packed = io.BytesIO()
    quality = int(dice.integers(20, 80))
    view.thumbnail((512, 512))  # the encoder sees less than half of that; packing a whole page is slow
    view.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")
