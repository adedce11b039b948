"""Decode a large image in less memory than all its pixels take, and tell beforehand how much that is."""

from __future__ import annotations

import io
import math
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

from retrieval.errors import PictureError
from retrieval.images.colours import Key, to_rgb, transparent_key
from retrieval.images.decode import READERS, check_size, open_image
from retrieval.images.formats import image_format, webp_size

_BAND_PIXELS = 4_000_000
"""Pixels converted at once."""

_CORE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_COLOUR_BYTES = 4
"""Bytes per pixel of a decoded image: by mode, and otherwise."""

_DECODER_BYTES = {"PNG": 0, "BMP": 0, "GIF": 1, "TIFF": 1, "AVIF": 6, "WebP": 12}
"""Bytes per pixel that the decoder of a format takes besides, measured with Pillow 12 on 40 megapixels."""

_COEFFICIENT_BYTES = 2
"""Bytes per pixel and colour in which a progressive JPEG is collected."""

_FULL_BYTES = 16
"""Bytes per pixel of an image that `open_image` decodes whole: decoder, pixels, their RGB copy and an upright one."""

_WHITE_16_BIT = 0xFFFF

_WHOLE_PIXELS = 16_000_000
"""Images up to this size are decoded whole, in the same way as everywhere."""


def decoding_bytes(file: BinaryIO, max_pixels: int) -> int | None:
    """Return about how many bytes `open_reduced` takes for an image; None if its header cannot be read.

    Raises `PictureError` if it has more than `max_pixels`.
    """
    opened = _open(file)
    if opened is None:
        return None
    name, size, image = opened
    check_size(size, max_pixels)
    pixels = size[0] * size[1]
    if pixels <= _WHOLE_PIXELS:
        return _FULL_BYTES * pixels
    small = _FULL_BYTES * _BAND_PIXELS + 2 * _COLOUR_BYTES * _WHOLE_PIXELS
    core = _CORE_BYTES.get(image.mode, _COLOUR_BYTES) if image is not None else _COLOUR_BYTES
    if name != "JPEG" or image is None:
        return small + pixels * (core + _DECODER_BYTES[name])
    collected = pixels * _COEFFICIENT_BYTES * len(image.getbands()) if image.info.get("progressive") else 0
    return small + collected + core * min(pixels, 4 * _WHOLE_PIXELS)


def open_reduced(data: bytes, *, max_pixels: int, max_bytes: int) -> Image.Image:
    """Return the image in bytes as `open_image` does, one of more than 16 megapixels reduced to at most as many.

    A JPEG is decoded at a half, a quarter or an eighth of its size; others are averaged in bands.
    Raises `PictureError`.
    """
    opened = None if len(data) > max_bytes else _open(io.BytesIO(data))
    if opened is None or opened[1][0] * opened[1][1] <= _WHOLE_PIXELS:
        return open_image(data, max_pixels=max_pixels, max_bytes=max_bytes)
    name, size, image = opened
    check_size(size, max_pixels)
    try:
        return _reduced(image or READERS[name](io.BytesIO(data)))
    except MemoryError as error:
        raise PictureError("not enough memory to decode the image") from error
    except PictureError:
        raise
    except Exception as error:  # whatever Pillow's readers raise on damaged files
        raise PictureError(f"the image is cut off or damaged: {error or type(error).__name__}") from error


def _open(file: BinaryIO) -> tuple[str, tuple[int, int], Any] | None:
    """Return format, size and the opened, not loaded image; None instead of a WebP, whose reader allocates at once.

    None for what is not read here: damaged headers and JPEG XL.
    """
    head = file.read(32)
    file.seek(0)
    name = image_format(head)
    if name is None or name not in READERS:
        return None
    if name == "WebP":
        return name, webp_size(head), None
    try:
        image = READERS[name](file)
    except Exception:
        return None  # `open_image` tells what is wrong
    return name, image.size, image


def _reduced(image: Image.Image) -> Image.Image:
    """Load an image of more than `_WHOLE_PIXELS` and return it smaller, upright RGB."""
    scale = math.sqrt(image.width * image.height / _WHOLE_PIXELS)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        image.draft(None, (math.ceil(image.width / scale), math.ceil(image.height / scale)))
    key = transparent_key(image)
    image.load()
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema()[1] == 0:
        image.putalpha(255)  # many writers leave the fourth byte 0 and mean nothing by it
    exif = image.getexif()
    factor = math.ceil(math.sqrt(image.width * image.height / _WHOLE_PIXELS))
    height = max(1, _BAND_PIXELS // image.width // factor) * factor
    result = None
    for top in range(0, image.height, height):
        band = _small_band(image.crop((0, top, image.width, min(top + height, image.height))), factor, key)
        if result is None:
            result = Image.new(band.mode, (band.width, math.ceil(image.height / factor)))
        result.paste(band, (0, top // factor))
    if result is None:
        raise PictureError("the image is cut off or damaged: it has no width or no height")
    result.info = {"exif": exif.tobytes()}
    return open_image(result)


def _small_band(band: Image.Image, factor: int, key: Key | None) -> Image.Image:
    """Return a band averaged to 1/`factor`, in RGB, transparent parts on white.

    Greys of more than 8 bits stay: the whole is scaled to 8 bits. Their transparent grey becomes 16-bit white.
    """
    if band.mode.startswith("I;16"):
        band = band.convert("I")
    if band.mode not in ("I", "F"):
        band = to_rgb(band, key)
    elif key is not None:
        grey = np.asarray(band)
        band = Image.fromarray(np.where(grey == key, _WHITE_16_BIT, grey).astype(grey.dtype))
    return band.reduce(factor) if factor > 1 else band
