"""JPEG XL: its size from its header, and the plugin that decodes it, if installed."""

from __future__ import annotations

import importlib
from typing import Any

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)


def is_jpeg_xl(head: bytes) -> bool:
    """Return True if a file that starts with these (at least 12) bytes is JPEG XL, bare or in a container."""
    return head.startswith((_CODESTREAM, _CONTAINER))


def jpeg_xl_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) from the header (ISO/IEC 18181-1, SizeHeader); (0, 0) if there is none.

    Needed because the plugin decodes an image before it reports its size.
    """
    stream = data if data.startswith(_CODESTREAM) else _codestream(data)
    if len(stream) < 12:
        return 0, 0
    bits = _Bits(stream[2:12])
    in_eighths = bits.take(1)
    height = _side(bits, in_eighths)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return _side(bits, in_eighths), height


def jpeg_xl_reader() -> Any:
    """Return the plugin's image class, or None if the plugin is not installed."""
    try:
        return importlib.import_module("pillow_jxl.JpegXLImagePlugin").JXLImageFile
    except ImportError:
        return None


class _Bits:
    """Numbers from a stream of bits, least significant bits first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def _side(bits: _Bits, in_eighths: int) -> int:
    if in_eighths:
        return (bits.take(5) + 1) * 8
    return bits.take(_SIDE_BITS[bits.take(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """Return the start of the codestream in a container: its first `jxlc` box, or `jxlp` box after its number."""
    box = 0
    while box + 16 <= len(data):
        size, box_type, start = int.from_bytes(data[box : box + 4], "big"), data[box + 4 : box + 8], box + 8
        if size == 1:
            size, start = int.from_bytes(data[box + 8 : box + 16], "big"), box + 16
        if box_type in (b"jxlc", b"jxlp"):
            start += 4 * (box_type == b"jxlp")
            return data[start : start + 16]
        if size < 8:
            break
        box += size
    return b""
