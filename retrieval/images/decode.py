"""Decode bytes, a file, an array or a Pillow image to an upright RGB image, within limits.

The size is read from the header and checked before any pixel is decoded. The format is detected by the first bytes,
never by a file's name. Pillow's reader of that format is called directly, so that our own limit applies and no
process-wide setting of Pillow is changed.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from retrieval.errors import PictureError
from retrieval.images.colours import Key, to_rgb, transparent_key, unit_to_uint8
from retrieval.images.formats import FORMATS, image_format, other_image_format, webp_size
from retrieval.images.jpeg_xl import jpeg_xl_reader, jpeg_xl_size
from retrieval.images.repair import DAMAGE, decode_or_repair

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 250_000_000
"""Width times height of an image: 750 MB decoded, ten times a large scan."""

MAX_BYTES = 512 * 2**20
"""Size of an image file in bytes."""

READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


# --------------------------------------------------------------------- public


def open_image(
    source: bytes | str | Path | Image.Image | NDArray[Any],
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Image.Image:
    """Return the first frame of `source`, decoded, upright (EXIF orientation applied), mode RGB.

    Transparent parts are composited on white, as a page is shown on paper. Arrays are (H, W), (H, W, 3) or (H, W, 4):
    uint8 0-255 or float 0-1. A str is a path. The result shares no memory with `source`.

    Raises PictureError; its `path` is set only if `source` is a path.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Image.Image):
        check_size(source.size, max_pixels)
        return _finish(source, transparent_key(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_image(bytes(source), max_pixels=max_pixels, max_bytes=max_bytes)[0]
    try:
        return decode_image(_read(Path(source), max_bytes), max_pixels=max_pixels, max_bytes=max_bytes)[0]
    except PictureError as error:
        raise PictureError(error.problem, source, error.hint) from error.__cause__


def decode_image(
    data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the image in `data` as `open_image` does, and notes about repaired oddities of the file."""
    if not data:
        raise PictureError("the file is empty")
    if len(data) > max_bytes:
        raise PictureError(f"the file is larger than the limit of {max_bytes / 2**20:.4g} MiB")
    name = image_format(data[:32])
    if name is None:
        raise _not_an_image(data)
    if name == "WebP":  # its reader allocates whole canvases before their size is known
        check_size(webp_size(data), max_pixels)
    reader = _reader(name, data, max_pixels)
    _silence_pillow()
    try:
        return decode_or_repair(name, data, lambda each: _decode(reader, each, max_pixels))
    except DAMAGE as error:
        raise _damaged(error) from error
    except MemoryError as error:
        raise PictureError("not enough memory to decode the image") from error


def is_rotated(data: bytes) -> bool:
    """Return True if the EXIF block of a JPEG declares it rotated or mirrored."""
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
            return _orientation(image) in _TRANSPOSITIONS
    except DAMAGE:
        return False


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise PictureError if an image of (width, height) pixels is empty or beyond the limit."""
    width, height = size
    if width <= 0 or height <= 0:
        raise PictureError("the image is cut off or damaged: it has no width or no height")
    if width * height > max_pixels:
        raise PictureError(
            f"{width} x {height} px is {width * height / 1e6:.4g} megapixels; the limit is {max_pixels / 1e6:.4g}",
            hint="raise it with --max-pixels",
        )


# -------------------------------------------------------------------- decoding


def _read(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a regular file. At most one byte above the limit is read."""
    try:
        if not path.is_file():
            raise PictureError("not a file" if path.exists() else "no such file")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise PictureError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _decode(reader: Any, data: bytes, max_pixels: int) -> Image.Image:
    """Return the image that one of Pillow's readers decodes."""
    with reader(io.BytesIO(data)) as image:
        check_size(image.size, max_pixels)
        key = transparent_key(image)
        image.load()
        check_size(image.size, max_pixels)
        return _finish(image, key)


def _not_an_image(data: bytes) -> PictureError:
    """Return the error for bytes that are no supported image: it names what they are, if that is known."""
    other = other_image_format(data[:64])
    if other:
        return PictureError(f"this is {other}, which is not read", hint="convert it to PNG or JPEG")
    return PictureError(f"not an image: starts with {_beginning(data)}", hint=f"use {FORMATS}")


def _damaged(error: Exception) -> PictureError:
    return PictureError(f"the image is cut off or damaged: {error or type(error).__name__}")


def _reader(name: str, data: bytes, max_pixels: int) -> Any:
    """Return Pillow's class for a format; that of JPEG XL is a plugin, which decodes before it reports a size."""
    if name != "JPEG XL":
        return READERS[name]
    check_size(jpeg_xl_size(data), max_pixels)
    plugin = jpeg_xl_reader()
    if plugin is None:
        raise PictureError(
            "a JPEG XL image, and no plugin for it is installed",
            hint="run `pip install panelseek[jxl]`, or convert it to PNG",
        )
    return plugin


def _silence_pillow() -> None:
    """Silence Pillow's warnings about odd metadata: the pixels are right, and a user could not act on them.

    Set per call, not at import, because test runners reset the filters. The filter stays, because
    `warnings.catch_warnings` is not safe between threads. Real damage raises an error instead of a warning.
    """
    modules = r"PIL\.(TiffImagePlugin|JpegImagePlugin|PngImagePlugin|Image)\Z"
    first = warnings.filters[0] if warnings.filters else None
    if first is None or getattr(first[3], "pattern", None) != modules:
        warnings.filterwarnings("ignore", category=UserWarning, module=modules)


def _beginning(data: bytes) -> str:
    """Return the first bytes for a message: as text if they are printable, else as hex."""
    head = data[:9]
    return repr(head.decode("ascii")) if head.isascii() and head.decode().isprintable() else f"0x{head.hex()}"


def _finish(image: Image.Image, key: Key | None = None) -> Image.Image:
    """Return an upright RGB image without metadata, so that it is not rotated a second time."""
    try:
        rgb = to_rgb(image, key)
        transposition = _TRANSPOSITIONS.get(_orientation(image))
    except DAMAGE as error:
        raise _damaged(error) from error
    if transposition is not None:
        rgb = rgb.transpose(transposition)
    rgb.info = {}
    return rgb


def _orientation(image: Image.Image) -> Any:
    """Return the EXIF orientation; 1 if there is none or its block is damaged."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except DAMAGE:
        return 1


# ---------------------------------------------------------------------- arrays


def _from_array(array: NDArray[Any], max_pixels: int) -> Image.Image:
    """Return an array as an RGB image; its shape, type and range are checked first."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PictureError(
            f"an array of shape {array.shape} is not an image", hint="use (H, W), (H, W, 3) or (H, W, 4)"
        )
    check_size((array.shape[1], array.shape[0]), max_pixels)
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise PictureError("the float array has values outside 0 to 1", hint="scale them to 0-1")
        array = unit_to_uint8(array)
    if array.dtype != np.uint8:
        raise PictureError(f"an array of {array.dtype} is not an image", hint="use uint8 0-255 or float 0-1")
    return to_rgb(Image.fromarray(np.ascontiguousarray(array)))
