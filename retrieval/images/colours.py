"""Colour models: any image becomes RGB, transparent parts on white, as a page is shown on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_PREMULTIPLIED = {"RGBa": "RGBA", "La": "LA"}
_WITH_ALPHA = ("RGBA", "LA", "PA")
_WHITE = 255

Key = int | tuple[int, ...]
"""The one transparent grey or colour of an image without an alpha channel, in the values of its pixels."""


def transparent_key(image: Image.Image) -> Key | None:
    """Return the transparent grey or colour of an image, or None. Call it before the pixels are decoded.

    A PNG states it at the depth of the file, Pillow's pixels have 8 bits.
    """
    key = image.info.get("transparency")
    raw_mode = _raw_mode(image)
    if image.mode == "1" and isinstance(key, int):
        return 255 if key else 0
    if image.mode == "L" and isinstance(key, int):
        return key * {"L;2": 85, "L;4": 17}.get(raw_mode, 1)
    if image.mode == "RGB" and isinstance(key, tuple):
        is_16_bit = ";16" in raw_mode or max(key, default=0) > 255
        return tuple(value >> 8 for value in key) if is_16_bit else key
    return key if image.mode.startswith("I") and isinstance(key, int) else None


def _raw_mode(image: Image.Image) -> str:
    """Return how the pixels of an image that is not decoded yet are stored; "" if it is decoded."""
    tiles = getattr(image, "tile", None) or ()
    arguments: Any = tiles[0][3] if tiles else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def to_rgb(image: Image.Image, key: Key | None = None) -> Image.Image:
    """Return a new RGB image, its transparent parts on white; greys of more than 8 bits are scaled, not clipped.

    key: the transparent grey or colour, from `transparent_key`.
    """
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.asarray(image)
        rgb = Image.fromarray(_grey8(grey)).convert("RGB")
        return rgb if key is None else _without(rgb, grey == key)
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if image.mode in _WITH_ALPHA or (image.mode == "P" and "transparency" in image.info):
        return _on_white(image)
    if "transparency" in image.info:  # handled here, and Pillow warns about it
        image = image.copy()
        del image.info["transparency"]
    rgb = image.convert("RGB")
    if key is None:
        return rgb
    colour = key if isinstance(key, tuple) else (key,) * 3
    return _without(rgb, (np.asarray(rgb) == np.array(colour)).all(axis=2))


def _on_white(image: Image.Image) -> Image.Image:
    """Composite an image with an alpha channel or a transparent palette on white."""
    rgba = image.convert("RGBA")
    alpha = rgba.getchannel("A")
    lowest, highest = alpha.getextrema()
    # Many writers of BMP leave the fourth byte 0 and mean nothing by it.
    if lowest == _WHITE or (highest == 0 and image.format == "BMP"):
        return rgba.convert("RGB")
    page = Image.new("RGB", rgba.size, "white")
    page.paste(rgba.convert("RGB"), mask=alpha)
    return page


def _without(rgb: Image.Image, transparent: NDArray[np.bool_]) -> Image.Image:
    """Return an RGB image with the pixels of an (H, W) mask in white."""
    rgb.paste("white", mask=Image.fromarray(transparent))
    return rgb


# ------------------------------------------------------------------------ greys


def _grey8(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert (H, W) greys of 16 or 32 bits, or floats, to uint8. Floats are 0-1, or 0-255 if any is above 1."""
    if grey.dtype.kind == "f":
        return unit_to_uint8(grey) if np.nanmax(grey) <= 1 else _clip8(grey)
    # Pillow also returns 16-bit greys as 32-bit integers; the largest value shows the true depth.
    return _clip8(grey // (257 if grey.max() <= 0xFFFF else 2**23 + 2**15))


def _clip8(grey: NDArray[Any]) -> NDArray[np.uint8]:
    clipped: NDArray[np.uint8] = np.clip(np.nan_to_num(grey), 0, 255).astype(np.uint8)
    return clipped


def unit_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert floats from 0 to 1 to uint8."""
    return _clip8(np.rint(values * 255.0))
