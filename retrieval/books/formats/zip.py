"""CBZ and every other ZIP."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from retrieval.books.container import Container, Entry, damaged
from retrieval.books.limits import Reading
from retrieval.books.names import by_name
from retrieval.errors import SourceError

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_DIRECTORY_BYTES_PER_MEMBER = 1024  # generous: a header is 46 bytes, a path rarely 300
_DAMAGE = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError)
_MEMBER_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, struct.error)


class Zip(Container):
    """A ZIP by its directory. Raises `zipfile.BadZipFile` when that is missing or damaged."""

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        with path.open("rb") as file:
            _check_directory(file, path, reading)
        try:
            self._file = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise zipfile.BadZipFile(str(error)) from error
        self.comment = self._file.comment
        infos = self._file.infolist()
        self.refuse(reading.too_many(len(infos)))
        self._members, self.again = by_name((info.filename, info) for info in infos if not info.is_dir())
        unpacked = sum(info.file_size for info in self._members.values())
        self.refuse(reading.archive_bomb(unpacked, path.stat().st_size))
        self.entries = {name: _entry(info, reading) for name, info in self._members.items()}

    def _bytes(self, name: str, label: str) -> bytes:
        """Unpacked in small steps, so that a lying size is caught early."""
        info = self._members[name]
        # Only deflate stops in the middle of its input; the others unpack whatever they were given.
        step = 2**20 if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
        data = bytearray()
        try:
            with self._file.open(info) as member:
                while len(data) <= self.reading.max_bytes and (chunk := member.read(step)):
                    data += chunk
        except _MEMBER_DAMAGE as error:
            raise damaged(label, error) from error
        return bytes(data)

    def _close(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def _entry(info: zipfile.ZipInfo, reading: Reading) -> Entry:
    return Entry(f"{info.CRC:08x}:{info.file_size}", _problem(info, reading))


def _problem(info: zipfile.ZipInfo, reading: Reading) -> str:
    """Why this member must not be read, judged from the directory alone; "" when it may."""
    if info.flag_bits & 0x1:
        return "is encrypted; remove the password"
    if info.compress_type not in _METHODS:
        return f"is packed with method {info.compress_type}, which is not read; pack it again as a plain CBZ"
    return reading.bomb(info.file_size, info.compress_size)


def _check_directory(file: IO[bytes], path: Path, reading: Reading) -> None:
    """Refuse a directory too large for the members allowed, before it is read into memory."""
    declared = _directory_bytes(file)
    if declared > reading.max_members * _DIRECTORY_BYTES_PER_MEMBER:
        size = f"{declared / 2**20:.0f} MiB"
        raise SourceError(f"{path} has a directory of {size}; the limit is {reading.max_members} members")


def _directory_bytes(file: IO[bytes]) -> int:
    """The size of the ZIP's directory as its end record says."""
    tail, end = _end_record(file)
    size = file.tell()
    if end is None:
        raise zipfile.BadZipFile("its end is missing")
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":  # the 64-bit form
        file.seek(min(struct.unpack_from("<Q", tail, end - 12)[0], size))
        record = file.read(56)
        return int(struct.unpack_from("<Q", record, 40)[0]) if len(record) == 56 else 0
    return int(struct.unpack_from("<L", tail, end + 12)[0])


def _declared_members(file: IO[bytes]) -> int | None:
    """How many members the end of a ZIP says it has; None where there is no end."""
    tail, end = _end_record(file)
    return None if end is None else int(struct.unpack_from("<H", tail, end + 10)[0])


def _end_record(file: IO[bytes]) -> tuple[bytes, int | None]:
    """The end of the file, and where in it the ZIP's own end record stands, None where it is missing or cut."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22 - 0xFFFF))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    return tail, end if 0 <= end <= len(tail) - 22 else None


class CutZip(Container):
    """A ZIP without its directory (cut off, or the directory damaged): members by the headers before each of them.

    Only members that are whole are entries; `trouble` says that the rest is missing, where any is.
    """

    def __init__(self, path: Path, reading: Reading, why: str) -> None:
        super().__init__(path, reading)
        self._file = path.open("rb")
        declared = _declared_members(self._file)
        self._file.seek(0)
        self._size = path.stat().st_size
        headers: list[_Header] = []
        while (header := self._next_header()) is not None:
            headers.append(header)
            self.refuse(reading.too_many(len(headers)))
        if len(headers) == declared:
            why = ""  # every member the directory promises is here: only the directory itself is odd
        self._members, self.again = by_name((h.name, h) for h in headers if not h.name.endswith("/"))
        self.entries = {name: Entry(h.mark, h.problem(reading)) for name, h in self._members.items()}
        if not self.entries:
            self.refuse(f"is a ZIP that is cut off or damaged ({why or 'it is empty'}); copy it here again")
        self.trouble = f"is a ZIP that is cut off or damaged ({why})" if why else ""

    def _next_header(self) -> _Header | None:
        """The next member that is whole, with the file at its end; None where the members end."""
        start = self._file.tell()
        head = self._file.read(30)
        if len(head) < 30 or head[:4] != b"PK\x03\x04":
            return None
        flags, method, crc, packed, unpacked, name, extra = struct.unpack("<6xHH4xLLLHH", head)
        text = self._file.read(name).decode("utf-8" if flags & 0x800 else "cp437", "surrogateescape")
        data = start + 30 + name + extra
        header = _Header(text, flags, method, crc, packed, unpacked, data)
        if flags & 0x8 and not packed:  # the sizes come after the data: unpack to find its end
            return self._measured(header)
        if 0xFFFFFFFF in (packed, unpacked) or data + packed > self._size:
            return None
        self._file.seek(data + packed)
        return header

    def _measured(self, header: _Header) -> _Header | None:
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
                    if unpacked > self.reading.most(self._size):
                        return None
        except zlib.error:
            return None
        if not unpack.eof:
            return None
        end = self._file.tell() - len(unpack.unused_data)
        self._file.seek(end)
        after = self._file.read(16)
        self._file.seek(end + (16 if after[:4] == b"PK\x07\x08" else 12))
        return _Header(header.name, header.flags, header.method, crc, end - header.data, unpacked, header.data)

    def _bytes(self, name: str, label: str) -> bytes:
        header = self._members[name]
        self._file.seek(header.data)
        packed = self._file.read(header.packed)
        try:
            limit = min(header.unpacked, self.reading.max_bytes) + 1
            deflated = header.method == zipfile.ZIP_DEFLATED
            data = zlib.decompressobj(-15).decompress(packed, limit) if deflated else packed
        except zlib.error as error:
            raise damaged(label, error) from error
        if len(data) != header.unpacked or zlib.crc32(data) != header.crc:
            raise damaged(label, zipfile.BadZipFile("its checksum is another"))
        return data

    def _close(self) -> None:
        self._file.close()


class _Header:
    """What the header before a member says; `data` is where its bytes begin."""

    def __init__(self, name: str, flags: int, method: int, crc: int, packed: int, unpacked: int, data: int) -> None:
        self.name, self.flags, self.method, self.crc = name, flags, method, crc
        self.packed, self.unpacked, self.data = packed, unpacked, data

    @property
    def mark(self) -> str:
        return f"{self.crc:08x}:{self.unpacked}"

    def problem(self, reading: Reading) -> str:
        if self.flags & 0x1:
            return "is encrypted; remove the password"
        if self.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return f"is packed with method {self.method}, and the ZIP's directory is missing; copy it here again"
        return reading.bomb(self.unpacked, self.packed)


def open_zip(path: Path, reading: Reading) -> Container:
    """A ZIP by its directory, or what can be saved of one without."""
    try:
        return Zip(path, reading)
    except zipfile.BadZipFile as error:
        return CutZip(path, reading, str(error))


__all__: list[Any] = ["open_zip"]
