"""Image formats, detected by the first bytes of a file."""

from __future__ import annotations

import re

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
_OTHER_MAGIC = {
    b"II+\x00": "a BigTIFF image",
    b"MM\x00+": "a BigTIFF image",
    b"\0\0\0\x0cjP  \r\n\x87\n": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"II\xbc\x01": "a JPEG XR image",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"v/1\x01": "an OpenEXR image",
    b"qoif": "a QOI image",
    b"FLIF": "a FLIF image",
    b"BPG\xfb": "a BPG image",
    b"DDS ": "a DDS texture",
    b"\0\0\1\0": "a Windows icon",
    b"%!PS": "a PostScript document",
    b"\xc5\xd0\xd3\xc6": "a PostScript document",
    b"%PDF-": "a PDF",
    b"AT&TFORM": "a DjVu document",
    b"\x8aMNG": "an MNG animation",
    b"\x8bJNG": "a JNG image",
    b"PK\x03\x04": "a ZIP archive",
    b"Rar!\x1a\x07": "a RAR archive",
}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_MARKUP = {b"<svg": "an SVG drawing", b"<!doctype html": "a web page", b"<html": "a web page"}
_PORTABLE_ANYMAP = re.compile(rb"P[1-7]\s")


def image_format(head: bytes) -> str | None:
    """Return the image format that starts with these (at least 32) bytes, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and b"avi" in head[8:32]:
        return "AVIF"
    if is_jpeg_xl(head):
        return "JPEG XL"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def other_image_format(head: bytes) -> str:
    """Return the kind of a file that starts with these (at least 32) bytes and is no supported image: "a HEIC image".

    "" if it is unknown. Files with a wrong extension are common: photographs of a telephone, error pages of a server.
    """
    if head[4:8] == b"ftyp":
        return "a HEIC image" if head[8:12] in _HEIF_BRANDS else "a video"
    if _PORTABLE_ANYMAP.match(head):
        return "a portable anymap (PNM)"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    markup = next((kind for start, kind in _MARKUP.items() if text.startswith(start)), "")
    return markup or next((kind for magic, kind in _OTHER_MAGIC.items() if head.startswith(magic)), "")


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
