"""Names of ZIP members: marked as UTF-8, or in whatever encoding the program that wrote them used."""

from __future__ import annotations

import struct
import zlib

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075


def zip_name(raw: bytes, flags: int, extra: bytes = b"") -> str:
    """Return the name of a member.

    A name that is not marked as UTF-8 is read as UTF-8 if it is valid, because macOS and many programs do not mark
    it. Else its extra field may state it. The last choice is code page 437, as the standard demands.
    """
    if flags & UTF8_FLAG:
        return raw.decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _unicode_path(raw, extra) or raw.decode("cp437")


def _unicode_path(raw: bytes, extra: bytes) -> str:
    """Return the name in the extra field "Unicode path" if it belongs to the raw name, else ""."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        data, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(data) > 5 and struct.unpack_from("<L", data, 1)[0] == zlib.crc32(raw):
            return data[5:].decode("utf-8", "replace")
    return ""
