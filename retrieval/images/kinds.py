"""Pictures among files whose names do not tell their type, found by their first bytes."""

from __future__ import annotations

from enum import StrEnum

from retrieval.images.formats import image_format

PICTURE_HEAD = 64
"""First bytes of a file that `picture_kind` needs."""

_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_UNSUPPORTED_MAGIC = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"8BPS")  # JPEG 2000 twice, PSD
_CAMERA_RAW_MAGIC = b"CR"


class PictureKind(StrEnum):
    """Type of a file by its first bytes."""

    PAGE = "page"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


def picture_kind(head: bytes) -> PictureKind:
    """Return the type of a file that starts with these (at most `PICTURE_HEAD`) bytes."""
    if head.startswith(_UNSUPPORTED_MAGIC):
        return PictureKind.UNSUPPORTED
    found = image_format(head)
    if found is None:
        is_heif = head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS
        return PictureKind.UNSUPPORTED if is_heif else PictureKind.OTHER
    if found == "BMP" and int.from_bytes(head[14:18], "little") not in _BMP_HEADER_SIZES:
        return PictureKind.OTHER  # its magic are two letters, with which a text may begin
    if found == "TIFF" and head[8:10] == _CAMERA_RAW_MAGIC:
        return PictureKind.UNSUPPORTED
    return PictureKind.PAGE
