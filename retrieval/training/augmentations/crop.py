"""Random crops of a panel, sometimes mirrored, recoloured or recompressed."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

MIN_AREA = 0.5
"""Share of the panel's area that a crop keeps at least."""

_MIRRORED, _GREY, _TONED, _RECOMPRESSED = 0.3, 0.2, 0.7, 0.3
"""How often each change is applied."""

_JPEG_SIDE = 512
"""Longer side in pixels of a recompressed crop: the encoder sees less than half of it, and large JPEGs are slow."""


def augmented_crop(panel: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a crop of an RGB panel, sometimes mirrored, lighter or darker, grey, or recompressed as a poor JPEG."""
    view = _random_crop(panel, rng)
    if rng.random() < _MIRRORED:
        view = ImageOps.mirror(view)
    if rng.random() < _TONED:
        view = ImageEnhance.Brightness(view).enhance(rng.uniform(0.7, 1.3))
        view = ImageEnhance.Contrast(view).enhance(rng.uniform(0.7, 1.3))
        view = ImageEnhance.Color(view).enhance(rng.uniform(0.5, 1.5))
    if rng.random() < _GREY:
        view = ImageOps.grayscale(view).convert("RGB")
    return _recompressed(view, rng) if rng.random() < _RECOMPRESSED else view


def _random_crop(panel: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a part of the panel of nearly its shape; panels of a few pixels stay whole."""
    side = np.sqrt(rng.uniform(MIN_AREA, 1.0))
    stretch = np.exp(rng.uniform(-0.1, 0.1))
    width = max(1, round(panel.width * min(1.0, side * stretch)))
    height = max(1, round(panel.height * min(1.0, side / stretch)))
    left = int(rng.integers(panel.width - width + 1))
    top = int(rng.integers(panel.height - height + 1))
    return panel.crop((left, top, left + width, top + height))


def _recompressed(view: Image.Image, rng: np.random.Generator) -> Image.Image:
    packed = io.BytesIO()
    quality = int(rng.integers(20, 80))
    view.thumbnail((_JPEG_SIDE, _JPEG_SIDE))
    view.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")
