"""JPEG XL: its size from its header, and the plugin that decodes it where one is installed."""

from __future__ import annotations

import importlib
from typing import Any

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
NO_PLUGIN = "is JPEG XL, and no plugin for it is installed: run `pip install panelseek[jxl]`, or convert it to PNG"

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_BITS = (9, 13, 18, 30)


def is_jpeg_xl(head: bytes) -> bool:
    """Whether a file that starts with these (at least 12) bytes is JPEG XL, bare or in its container."""
    return head.startswith((CODESTREAM, CONTAINER))


def jpeg_xl_size(data: bytes) -> tuple[int, int]:
    """(width, height) as the header says (ISO/IEC 18181-1, SizeHeader); (0, 0) where there is none.

    Read here because the plugin decodes a picture before it tells its size.
    """
    stream = data if data.startswith(CODESTREAM) else _codestream(data)
    if len(stream) < 12:
        return 0, 0
    bits = _Bits(stream[2:12])
    eighths = bits.take(1)
    height = _side(bits, eighths)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return _side(bits, eighths), height


def reader() -> Any:
    """The plugin's class of pictures, None where there is no plugin."""
    try:
        return importlib.import_module("pillow_jxl.JpegXLImagePlugin").JXLImageFile
    except ImportError:
        return None


class _Bits:
    """Numbers from a stream of bits, low ones first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def _side(bits: _Bits, eighths: int) -> int:
    if eighths:
        return (bits.take(5) + 1) * 8
    return bits.take(_BITS[bits.take(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream in a container: in its first box of the kind `jxlc`, or `jxlp` after a number."""
    place = 0
    while place + 16 <= len(data):
        size, kind, start = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8], place + 8
        if size == 1:
            size, start = int.from_bytes(data[place + 8 : place + 16], "big"), place + 16
        if kind in (b"jxlc", b"jxlp"):
            start += 4 * (kind == b"jxlp")
            return data[start : start + 16]
        if size < 8:
            break
        place += size
    return b""
