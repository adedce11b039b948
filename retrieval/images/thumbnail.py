"""Thumbnails of panels as WebP bytes."""

from __future__ import annotations

import io

from PIL import Image

SIDE = 320
"""Longest side in pixels."""


def encode_thumbnail(image: Image.Image) -> bytes:
    """Return WebP bytes of an RGB image, its longest side at most 320 px."""
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()
