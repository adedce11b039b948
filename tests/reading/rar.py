"""RAR archives of either format (5, and 1.5 to 4), written by hand from the published descriptions.

Members are stored, or packed in the simplest way of the format: every byte is a literal with a code of 8 bits.
Programs that unpack RAR treat it like any other packing. `python -m tests.reading.rar FILE` writes an archive;
files/small.cbr is such a file of three pages, committed so that an archive of another machine is read as well.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

SIGNATURE = b"Rar!\x1a\x07\x01\x00"
_MAIN, _FILE, _ENCRYPTED, _END = 1, 2, 4, 5
_LITERALS, _CODES = 256, 306 + 64 + 16 + 44

OLD_SIGNATURE = b"Rar!\x1a\x07\x00"
_OLD_MAIN, _OLD_FILE, _OLD_END = 0x73, 0x74, 0x7B
_OLD_CODES = 299 + 60 + 17 + 28


def rar(
    members: Iterable[tuple[str, bytes]], *, packed: bool = True, solid: bool = False, encrypted: Iterable[str] = ()
) -> bytes:
    """Return an archive of (name, bytes); members named in `encrypted` declare that they need a password."""
    blocks = [SIGNATURE, _block(_MAIN, _number(0x4 if solid else 0))]
    for place, (name, data) in enumerate(members):
        blocks.append(_member(name, data, packed, solid and place > 0, name in encrypted))
    return b"".join([*blocks, _block(_END, _number(0))])


def old_rar(
    members: Iterable[tuple[str, bytes]], *, packed: bool = True, solid: bool = False, encrypted: Iterable[str] = ()
) -> bytes:
    """Return the same in the format of RAR 1.5 to 4, packed as by RAR 3 and 4."""
    blocks = [OLD_SIGNATURE, _old_block(_OLD_MAIN, 0x8 if solid else 0, bytes(6))]
    for place, (name, data) in enumerate(members):
        body = _old_packed(data) if packed else data
        sizes = struct.pack("<LL", len(body), len(data))
        about = struct.pack("<BLLBB", 3, zlib.crc32(data), 0x58210000, 29, 0x33 if packed else 0x30)
        text = name.encode("utf-8", "surrogateescape")
        about += struct.pack("<HL", len(text), 0o100644) + text
        plain = 0x8000 | 0x0200 | 4 << 5  # data follow, the name is UTF-8, a window of 1 MiB
        flags = plain | (0x4 if name in encrypted else 0) | (0x10 if solid and place else 0)
        blocks += [_old_block(_OLD_FILE, flags, sizes + about), body]
    return b"".join([*blocks, _old_block(_OLD_END, 0x4000, b"")])


def locked_rar() -> bytes:
    """Return an archive whose list of members is encrypted as well."""
    header = _number(0) + _number(0) + bytes([15]) + bytes(16)
    return SIGNATURE + _block(_ENCRYPTED, header) + bytes(64)


def _member(name: str, data: bytes, packed: bool, solid: bool, encrypted: bool) -> bytes:
    body = _packed(data) if packed else data
    method = (3 if packed else 0) << 7 | (0x40 if solid else 0)
    text = name.encode()
    fields = [_number(0x4), _number(len(data)), _number(0o100644), struct.pack("<L", zlib.crc32(data))]
    fields += [_number(method), _number(1), _number(len(text)), text]
    secret = _number(1) + _number(0) + _number(0) + bytes([15]) + bytes(32)
    extra = _number(len(secret)) + secret if encrypted else b""
    return _block(_FILE, b"".join(fields), extra, len(body)) + body


def _block(kind: int, fields: bytes, extra: bytes = b"", data: int = 0) -> bytes:
    """Return one header with its checksum and sizes."""
    flags = (0x1 if extra else 0) | (0x2 if data else 0)
    sizes = (_number(len(extra)) if extra else b"") + (_number(data) if data else b"")
    header = _number(kind) + _number(flags) + sizes + fields + extra
    sized = _number(len(header)) + header
    return struct.pack("<L", zlib.crc32(sized)) + sized


def _old_block(kind: int, flags: int, fields: bytes) -> bytes:
    """Return one header of the old format with the lower half of its checksum."""
    header = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header


def _number(value: int) -> bytes:
    """Return a number in seven bits per byte, low ones first; the high bit means that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _packed(data: bytes) -> bytes:
    """Return one compressed block: code lengths, then each byte as a literal."""
    bits = _lengths() + "".join(f"{byte:08b}" for byte in data)
    used = (len(bits) - 1) % 8
    body = _as_bytes(bits)
    size = len(body).to_bytes(3, "little")
    flags = 0x80 | 0x40 | (len(size) - 1) << 3 | used  # with codes, the last block, size in three bytes
    checksum = 0x5A ^ flags ^ size[0] ^ size[1] ^ size[2]
    return bytes([flags, checksum]) + size + body


def _old_packed(data: bytes) -> bytes:
    """Return a packed member: no text model, new code lengths, each byte as a literal, then the end of the member."""
    end = f"{0x1FF:09b}" + "01"  # new code lengths for the next member
    return _as_bytes("00" + _old_lengths() + "".join(_old_literal(byte) for byte in data) + end)


def _old_literal(byte: int) -> str:
    return f"{byte:08b}" if byte < 255 else f"{0x1FE:09b}"


def _old_lengths() -> str:
    """Return code lengths: 255 literals of 8 bits; 9 bits for the last literal and the end of the member."""
    lengths = {8: 3, 9: 3, 17: 2, 18: 2, 19: 2}
    table = "".join(f"{lengths.get(symbol, 0):04b}" for symbol in range(20))
    code = {17: "00", 18: "01", 19: "10", 8: "110", 9: "111"}
    literals = code[8] + _runs(code[17], _LITERALS - 2) + code[9] + code[9]
    return table + literals + _runs(code[19], _OLD_CODES - _LITERALS - 1)


def _as_bytes(bits: str) -> bytes:
    size = -(-len(bits) // 8)
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")


def _lengths() -> str:
    """Return the coded table of code lengths: 256 literals of 8 bits, everything else absent."""
    lengths = {8: 2, 17: 2, 19: 2, 18: 2}  # "8", "the one before, often", "none, often", and one to make the code whole
    table = "".join(f"{lengths.get(symbol, 0):04b}" for symbol in range(20))
    code = {symbol: f"{place:02b}" for place, symbol in enumerate(sorted(lengths))}
    literals = code[8] + _runs(code[17], _LITERALS - 1)
    return table + literals + _runs(code[19], _CODES - _LITERALS)


def _runs(code: str, left: int) -> str:
    """Return repetitions of 11 to 138 that add up to `left`."""
    runs = ""
    while left:
        run = min(138, left if left <= 138 or left - 138 >= 11 else left - 11)
        runs += code + f"{run - 11:07b}"
        left -= run
    return runs


if __name__ == "__main__":
    from tests.reading.formats import small_pages

    Path(sys.argv[1]).write_bytes(rar(small_pages()))
