"""The collected cases of tests/data/cases: one folder per situation, with the right look of its page if it matters."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

CASES = Path(__file__).parents[1] / "data" / "cases"


def difference(image: Image.Image, right: Image.Image, *, grey: bool = False) -> float:
    """Return the mean difference of two images of one size, in levels of 0-255."""
    assert image.size == right.size
    mode = "L" if grey else "RGB"
    pixels, expected = (np.asarray(each.convert(mode), np.int16) for each in (image, right))
    return float(np.abs(pixels - expected).mean())


def encoded(image: Image.Image, kind: str = "PNG", **save: object) -> bytes:
    """Return the bytes of an image file."""
    out = io.BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


def png_chunk(kind: bytes, body: bytes, *, checksum: int | None = None) -> bytes:
    """Return one chunk of a PNG, with a wrong checksum if one is given."""
    own = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", own)


def png(size: tuple[int, int], depth: int, colour_type: int, rows: bytes, *chunks: bytes) -> bytes:
    """Return a PNG of any depth, written by hand because Pillow writes few of them; `chunks` come before the pixels."""
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"".join([b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", header), *chunks, pixels, png_chunk(b"IEND", b"")])
