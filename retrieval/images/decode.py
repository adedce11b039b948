"""Bytes, a path, an array or a Pillow image -> one decoded, upright RGB picture, within bounds.

The size is read from the header and checked before any pixel is decoded. The format is told by
the first bytes, never by a file's name, and Pillow's reader of that format is called directly, so
that our own limit applies and no process-wide setting of Pillow is touched.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
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
from retrieval.images.jpeg_xl import NO_PLUGIN, is_jpeg_xl, jpeg_xl_size
from retrieval.images.jpeg_xl import reader as jpeg_xl_reader

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 250_000_000
MAX_BYTES = 512 * 2**20

FORMATS = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or JPEG XL"

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"BM": "BMP",
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112

# What Pillow's readers raise on damaged files, found by feeding them damaged files.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    EOFError,
    RuntimeError,
    AssertionError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def open_picture(
    source: bytes | str | Path | Image.Image | NDArray[Any],
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Image.Image:
    """The first frame of `source`, decoded, upright (EXIF orientation applied), mode RGB.

    Alpha is dropped, not composited, as the encoder was trained. Arrays are (H, W), (H, W, 3) or
    (H, W, 4): uint8 0-255 or float 0-1. A str is a path. The result shares nothing with `source`.

    Raises PictureError. Its message follows a name ("not a picture: ..."); for a path it already
    begins with that path.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Image.Image):
        _check_size(source.size, max_pixels)
        return _finish(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), max_pixels, max_bytes)
    try:
        return _from_bytes(_read(Path(source), max_bytes), max_pixels, max_bytes)
    except PictureError as error:
        raise PictureError(f"{source}: {error}") from error.__cause__


def is_turned(data: bytes) -> bool:
    """Whether a picture says in its EXIF block that it lies on its side, upside down or mirrored."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return _orientation(picture) in _TURNS
    except _DAMAGE:
        return False


def picture_format(head: bytes) -> str | None:
    """The picture format that starts with these (at least 32) bytes, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and b"avi" in head[8:32]:
        return "AVIF"
    if is_jpeg_xl(head):
        return "JPEG XL"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _read(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file; only as many as are allowed (and one) are ever read."""
    try:
        if not path.is_file():
            raise PictureError("not a file" if path.exists() else "no such file")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise PictureError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _from_bytes(data: bytes, max_pixels: int, max_bytes: int) -> Image.Image:
    if not data:
        raise PictureError("the file is empty")
    if len(data) > max_bytes:
        raise PictureError(f"the file is larger than the limit of {max_bytes / 2**20:.4g} MiB")
    kind = picture_format(data[:32])
    if kind is None:
        raise PictureError(f"not a picture: starts with {_beginning(data)} (expected {FORMATS})")
    if kind == "WebP":  # its reader sets up whole canvases before it tells their size
        _check_size(_webp_size(data), max_pixels)
    reader = _reader(kind, data, max_pixels)
    _quiet_pillow()
    try:
        with reader(io.BytesIO(data)) as picture:
            _check_size(picture.size, max_pixels)
            picture.load()
            _check_size(picture.size, max_pixels)
            return _finish(picture)
    except _DAMAGE as error:
        raise PictureError(f"the picture is cut off or damaged: {error or type(error).__name__}") from error
    except MemoryError as error:
        raise PictureError("not enough memory to decode the picture") from error


def _reader(kind: str, data: bytes, max_pixels: int) -> Any:
    """Pillow's class for a format; that of JPEG XL comes from a plugin, and decodes before it tells a size."""
    if kind != "JPEG XL":
        return _READERS[kind]
    _check_size(jpeg_xl_size(data), max_pixels)
    found = jpeg_xl_reader()
    if found is None:
        raise PictureError(NO_PLUGIN)
    return found


def _quiet_pillow() -> None:
    """No warnings about odd metadata: it does not change the pixels, and nobody can act on it.

    Set per call, not at import, because test runners reset the filters; a lasting filter, because
    `warnings.catch_warnings` is not safe between threads. Real damage is raised, not warned about.
    """
    where = r"PIL\.(TiffImagePlugin|JpegImagePlugin|PngImagePlugin|Image)\Z"
    known = warnings.filters[0] if warnings.filters else None
    if known is None or getattr(known[3], "pattern", None) != where:
        warnings.filterwarnings("ignore", category=UserWarning, module=where)


def _beginning(data: bytes) -> str:
    """The first bytes for a message: as text where they are text, else as hex."""
    head = data[:9]
    return repr(head.decode("ascii")) if head.isascii() and head.decode().isprintable() else f"0x{head.hex()}"


def _webp_size(data: bytes) -> tuple[int, int]:
    """(width, height) from the first chunk of a WebP file; (0, 0) if it does not say."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width <= 0 or height <= 0:
        raise PictureError("the picture is cut off or damaged: it has no width or no height")
    if width * height > max_pixels:
        raise PictureError(
            f"{width} x {height} px is {width * height / 1e6:.4g} megapixels;"
            f" the limit is {max_pixels / 1e6:.4g} (raise it with --max-pixels)"
        )


def _finish(picture: Image.Image) -> Image.Image:
    """Upright RGB without metadata, so that nobody turns it a second time."""
    try:
        plain = _to_rgb(picture)
        turn = _TURNS.get(_orientation(picture))
    except _DAMAGE as error:
        raise PictureError(f"the picture is cut off or damaged: {error or type(error).__name__}") from error
    if turn is not None:
        plain = plain.transpose(turn)
    plain.info = {}
    return plain


def _orientation(picture: Image.Image) -> Any:
    """The EXIF orientation, 1 when there is none or its block is damaged."""
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    """A new RGB image; greys of more than 8 bits are scaled to 0-255, not clipped."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_grey8(np.asarray(picture))).convert("RGB")
    if "transparency" in picture.info:  # irrelevant once alpha is dropped, and Pillow warns about it
        picture = picture.copy()
        del picture.info["transparency"]
    return picture.convert("RGB")


def _grey8(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W) greys of 16 or 32 bits or floats -> uint8. Floats are 0-1, or 0-255 when any is above 1."""
    if grey.dtype.kind == "f":
        return _unit_to_uint8(grey) if np.nanmax(grey) <= 1 else _clip8(grey)
    # Pillow hands 16-bit greys out as 32-bit integers too: the values tell which it was.
    return _clip8(grey // (257 if grey.max() <= 0xFFFF else 2**23 + 2**15))


def _clip8(grey: NDArray[Any]) -> NDArray[np.uint8]:
    clipped: NDArray[np.uint8] = np.clip(np.nan_to_num(grey), 0, 255).astype(np.uint8)
    return clipped


def _unit_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    return _clip8(np.rint(values * 255.0))


def _from_array(array: NDArray[Any], max_pixels: int) -> Image.Image:
    """Checked before use, since the caller's array may be anything."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PictureError(f"an array of shape {array.shape} is not a picture: (H, W), (H, W, 3) or (H, W, 4)")
    _check_size((array.shape[1], array.shape[0]), max_pixels)
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise PictureError("a float array must hold values from 0 to 1")
        array = _unit_to_uint8(array)
    if array.dtype != np.uint8:
        raise PictureError(f"an array of {array.dtype} is not a picture: uint8 0-255 or float 0-1")
    return Image.fromarray(np.ascontiguousarray(array[..., :3] if array.ndim == 3 else array)).convert("RGB")
