"""A ZIP whose directory is missing or damaged: its members are found by the header before each of them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from retrieval.books.container import Container, Entry
from retrieval.books.detect import find_end_record
from retrieval.books.formats.zip_names import zip_name
from retrieval.books.limits import ReadLimits
from retrieval.books.names import index_by_name
from retrieval.books.problems import COPY_AGAIN, ENCRYPTED, ReadProblem, damaged_book, damaged_member

_HEADER = b"PK\x03\x04"
_HEADER_BYTES = 30
_CHUNK = 2**20  # bytes searched for a header at a time
_MAX_METHOD = 99


class TruncatedZip(Container):
    """A ZIP without its directory, cut off or damaged.

    Only complete members are entries. `warning` states that the others are missing, if there are others. A damaged
    header costs its own member only. reason: why the directory cannot be used.
    """

    def __init__(self, path: Path, limits: ReadLimits, reason: str) -> None:
        super().__init__(path, limits)
        self._file = path.open("rb")
        declared = declared_members(self._file)
        self._size = path.stat().st_size
        self._unpackable = limits.max_unpacked(self._size)  # bytes left for measuring members
        headers = list(self._headers())
        self._members, self.duplicates = index_by_name((h.name, h) for h in headers if not h.name.endswith("/"))
        self.entries = {name: Entry(h.fingerprint, h.check(limits)) for name, h in self._members.items()}
        complete = len(headers) == declared  # only the directory is damaged: all its members are here
        if not self.entries:
            self.refuse(damaged_book("ZIP", "it is empty" if complete else reason or "it is empty"))
        self.warning = None if complete or not reason else damaged_book("ZIP", reason)

    def _headers(self) -> Iterator[_Header]:
        """Yield the complete members; bytes that are no member are passed over."""
        position = self._find_header(0)
        for count in range(self.limits.max_members + 1):
            if position is None:
                return
            self.refuse(self.limits.check_count(count + 1))
            header = self._header_at(position)
            if header is not None:
                yield header
            position = self._find_header(position + len(_HEADER) if header is None else self._file.tell())

    def _find_header(self, position: int) -> int | None:
        """Return where the next header begins, from a position on."""
        self._file.seek(position)
        before = b""
        while chunk := self._file.read(_CHUNK):
            found = (before + chunk).find(_HEADER)
            if found >= 0:
                return self._file.tell() - len(chunk) - len(before) + found
            before = chunk[1 - len(_HEADER) :]
        return None

    def _header_at(self, start: int) -> _Header | None:
        """Return the member whose header begins at `start`, and move to its end; None if it is not complete."""
        self._file.seek(start)
        head = self._file.read(_HEADER_BYTES)
        if len(head) < _HEADER_BYTES:
            return None
        flags, method, crc, packed, unpacked, name, extra = struct.unpack("<6xHH4xLLLHH", head)
        if not name or method > _MAX_METHOD:
            return None
        raw = self._file.read(name)
        text = zip_name(raw, flags, self._file.read(extra))
        data = start + _HEADER_BYTES + name + extra
        header = _Header(text, flags, method, crc, packed, unpacked, data)
        if flags & 0x8 and not packed:  # the sizes follow the data: unpack to find its end
            return self._measured(header)
        if 0xFFFFFFFF in (packed, unpacked) or data + packed > self._size:
            return None
        self._file.seek(data + packed)
        return header

    def _measured(self, header: _Header) -> _Header | None:
        """Return a header with checksum and sizes found by unpacking its member; None if that fails."""
        if header.method != zipfile.ZIP_DEFLATED:
            return None
        self._file.seek(header.data)
        unpack, crc, unpacked = zlib.decompressobj(-15), 0, 0
        try:
            while not unpack.eof and (chunk := self._file.read(2**16)):
                while chunk and not unpack.eof:
                    part = unpack.decompress(chunk, 2**20)
                    crc, unpacked = zlib.crc32(part, crc), unpacked + len(part)
                    chunk = unpack.unconsumed_tail
                    if unpacked > self._unpackable:
                        return None
        except zlib.error:
            return None
        finally:
            self._unpackable -= unpacked
        if not unpack.eof:
            return None
        end = self._file.tell() - len(unpack.unused_data)
        self._file.seek(end)
        descriptor = self._file.read(16)
        self._file.seek(end + (16 if descriptor[:4] == b"PK\x07\x08" else 12))
        return replace(header, crc=crc, packed=end - header.data, unpacked=unpacked)

    def _read_entry(self, name: str) -> bytes:
        header = self._members[name]
        self._file.seek(header.data)
        packed = self._file.read(header.packed)
        try:
            max_bytes = min(header.unpacked, self.limits.max_bytes) + 1
            deflated = header.method == zipfile.ZIP_DEFLATED
            data = zlib.decompressobj(-15).decompress(packed, max_bytes) if deflated else packed
        except zlib.error as error:
            raise self.page_error(name, damaged_member(error)) from error
        if len(data) != header.unpacked or zlib.crc32(data) != header.crc:
            raise self.page_error(name, damaged_member(zipfile.BadZipFile("its checksum differs")))
        return data

    def _close_files(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Header:
    """The header before a member. `packed`, `unpacked`: sizes in bytes; `data`: offset of the packed bytes."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    data: int

    @property
    def fingerprint(self) -> str:
        return f"{self.crc:08x}:{self.unpacked}"

    def check(self, limits: ReadLimits) -> ReadProblem | None:
        """Return why this member must not be read; None if it may be."""
        if self.flags & 0x1:
            return ENCRYPTED
        if self.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problem = f"packed with method {self.method}, and the ZIP's directory is missing"
            return ReadProblem(problem, COPY_AGAIN)
        return limits.check_member(self.unpacked, self.packed)


def declared_members(file: IO[bytes]) -> int | None:
    """Return the number of members that the end record declares; None if there is no end record."""
    tail, end = find_end_record(file)
    return None if end is None else int(struct.unpack_from("<H", tail, end + 10)[0])
