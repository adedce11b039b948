"""Image formats, detected by the first bytes of a file."""

from __future__ import annotations

from retrieval.images.jpeg_xl import is_jpeg_xl

FORMATS = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or JPEG XL"
"""Supported formats, as text for a person."""

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"BM": "BMP",
}


def image_format(head: bytes) -> str | None:
    """Return the image format that starts with these (at least 32) bytes, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and b"avi" in head[8:32]:
        return "AVIF"
    if is_jpeg_xl(head):
        return "JPEG XL"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def webp_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) from the first chunk of a WebP file; (0, 0) if it has none."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0
