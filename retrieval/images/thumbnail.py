"""Thumbnails of panels as WebP bytes."""

from __future__ import annotations

import io

from PIL import Image

SIDE = 320
"""Longest side in pixels."""


def encode_thumbnail(image: Image.Image) -> bytes:
    """Return WebP bytes of an RGB image, its longest side at most 320 px."""
    return encode_webp(shrink(image, SIDE), method=2)


def shrink(image: Image.Image, side: int) -> Image.Image:
    """Return a copy of an image, its longest side at most `side` pixels."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return small


def encode_webp(image: Image.Image, quality: int = 80, method: int = 1) -> bytes:
    """Return the WebP bytes of an image. method: 0 (fast) to 6 (small)."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    return out.getvalue()
