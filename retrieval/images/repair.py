"""Image files that are odd but whole: metadata that Pillow refuses, and a JPEG without its end marker.

Decoding is tried without these repairs first. None of them invents a pixel: a file that lacks some stays damaged.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from PIL import Image

NO_END_MARKER = "the JPEG has no end marker; all of its pixels are there"
BAD_TRANSPARENCY = "the chunk with the transparent colours of this PNG is damaged; it is read as opaque"

DAMAGE = (
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
"""Errors that Pillow's readers raise on damaged files, found by tests with random damage."""

Decode = Callable[[bytes], Image.Image]
"""A function that decodes the bytes of a file, and raises one of `DAMAGE`."""

Notes = tuple[str, ...]

_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK_BYTES = 12
"""Length, type and checksum of a chunk."""

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_STANDALONE_MARKERS = {0x01, *range(0xD0, 0xD9)}
_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SEGMENT = re.compile(rb"\xff([\xc0-\xcf\xda-\xfe])")
"""A marker with a length; compressed data hold no such bytes."""

_COMMENT = 0xFE
_EXIF, _ADOBE = 0xE1, 0xEE
_ADOBE_BYTES = 12
"""Length of the segment that says how the colours of a JPEG are stored."""

_RESTARTS = b"".join(bytes((0xFF, 0xD0 + number)) + b"\x55" * 64 for number in range(8))
_FILLERS = (b"", bytes(64), b"\x55" * 64, b"\xaa" * 64, _RESTARTS)
"""Bytes in place of a missing end of compressed data: missing pixels come out different with each. The last is for
data that end before a restart marker: decoders skip to the next marker there."""

_ZERO_TAIL = bytes(16)
"""Zeros at the end of a file that was reserved before its download; entropy-coded data do not end in so many."""


def decode_or_repair(name: str, data: bytes, decode: Decode) -> tuple[Image.Image, Notes]:
    """Return an image of the format `name`, and notes if it had to be repaired.

    Raises what `decode` raised if the file is really damaged.
    """
    if name == "JPEG":
        _check_end(data)
    try:
        return decode(data), ()
    except DAMAGE:
        repaired = _decode_repaired(name, data, decode)
        if repaired is None:
            raise
        return repaired


def _decode_repaired(name: str, data: bytes, decode: Decode) -> tuple[Image.Image, Notes] | None:
    """Return a PNG or JPEG that is whole although `decode` refused it, and notes; None for real damage."""
    try:
        if name == "PNG":
            essential, notes = _png_without_metadata(data)
            return decode(essential), notes
        if name != "JPEG":
            return None
        essential = _jpeg_without_metadata(data)
        with suppress(*DAMAGE):
            return decode(essential), ()
        image = _decode_unended_jpeg(essential, decode)
        return None if image is None else (image, (NO_END_MARKER,))
    except DAMAGE:
        return None


def _png_without_metadata(data: bytes) -> tuple[bytes, Notes]:
    """Return a PNG with only the chunks that decide its pixels, and a note for each of those that is lost.

    Kept are the critical chunks, the transparency and the orientation in EXIF, as libpng keeps them: ancillary chunks
    with a wrong checksum are dropped.
    """
    kept, notes = [data[:_PNG_SIGNATURE_BYTES]], []
    for chunk_type, chunk in _png_chunks(data):
        is_critical = chunk_type[:1].isupper()
        is_whole = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        if is_critical or (chunk_type in (b"tRNS", b"eXIf") and is_whole):
            kept.append(chunk)
        elif chunk_type == b"tRNS":
            notes.append(BAD_TRANSPARENCY)
    return b"".join(kept), tuple(notes)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, whole chunk) up to the end of the image, the last one as far as it goes."""
    start = _PNG_SIGNATURE_BYTES
    while start + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        chunk_type = data[start + 4 : start + 8]
        yield chunk_type, data[start : start + length + _PNG_CHUNK_BYTES]
        start += length + _PNG_CHUNK_BYTES
        if chunk_type == b"IEND":
            return


def _jpeg_without_metadata(data: bytes) -> bytes:
    """Return a JPEG without comments and application segments; EXIF and the colour transform are kept."""
    kept = [data[:2]]
    for start, marker, end in _jpeg_segments(data):
        is_metadata = marker == _COMMENT or 0xE0 <= marker <= 0xEF
        is_adobe = marker == _ADOBE and end - start - 4 >= _ADOBE_BYTES
        if not is_metadata or marker == _EXIF or is_adobe:
            kept.append(data[start:end])
    return b"".join(kept)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (start, marker, end) of the segments before the first scan, and the rest as one segment."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == _START_OF_SCAN:
            break
        if marker == 0xFF:  # a fill byte
            start += 1
            continue
        has_length = marker not in _STANDALONE_MARKERS
        end = start + 2 + (int.from_bytes(data[start + 2 : start + 4], "big") if has_length else 0)
        yield start, marker, end
        start = end
    yield start, _START_OF_SCAN, len(data)


def _decode_unended_jpeg(data: bytes, decode: Decode) -> Image.Image | None:
    """Return the image of a JPEG that lacks only its end marker, decoded by `decode`; None if it lacks more.

    Decoders fill missing pixels without an error. Here the end is filled in several ways: if all pixels are there,
    the decoder ignores what follows them, and the results are the same.
    """
    if not _has_all_scans(data):
        return None
    whole = data.removesuffix(b"\xff")  # the first half of the marker
    first = decode(whole + _FILLERS[0] + _END_OF_IMAGE)
    pixels = first.tobytes()
    if any(decode(whole + filler + _END_OF_IMAGE).tobytes() != pixels for filler in _FILLERS[1:]):
        return None
    return first


def _check_end(data: bytes) -> None:
    """Raise OSError if a JPEG ends in zeros before its end marker: decoders take zeros for pixels."""
    if data.endswith(_ZERO_TAIL) and data.rfind(_END_OF_IMAGE) < data.rfind(bytes((0xFF, _START_OF_SCAN))):
        raise OSError("its end is missing, and filled with zeros")


def _has_all_scans(data: bytes) -> bool:
    """Return True if the scans of a JPEG state every coefficient of every component to its last bit.

    A progressive JPEG that is cut between two scans shows the whole image, but not in its quality.
    """
    missing: dict[int, set[int]] = {}
    position = 2
    while marker := _SEGMENT.search(data, position):
        start = marker.end() + 2
        position = marker.end() + int.from_bytes(data[marker.end() : start], "big")
        segment = data[start:position]
        if marker[1][0] in _FRAME_MARKERS:
            missing = {segment[6 + 3 * index]: set(range(64)) for index in range(segment[5])}
        elif marker[1][0] == _START_OF_SCAN:
            first, last, bits = segment[-3:]
            for component in segment[1:-3:2]:
                missing[component] -= set(range(first, last + 1)) if bits & 15 == 0 else set()
    return bool(missing) and not any(missing.values())
