"""CBZ and every other ZIP, read by its directory."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

from retrieval.books.container import Container, Entry
from retrieval.books.detect import find_end_record
from retrieval.books.formats.truncated_zip import TruncatedZip, declared_members
from retrieval.books.formats.zip_names import UTF8_FLAG, zip_name
from retrieval.books.limits import ReadLimits
from retrieval.books.names import index_by_name, page_name
from retrieval.books.problems import ENCRYPTED, ReadProblem, damaged_book, damaged_member

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_STREAMED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER_BYTES = 30
_MANY = 0xFFFF  # the number of members of a ZIP in the 64-bit form, and the most that others count to
_DIRECTORY_BYTES_PER_MEMBER = 1024  # generous: a header is 46 bytes, a path rarely 300
_DAMAGE = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError)
_MEMBER_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, struct.error)


def open_zip(path: Path, limits: ReadLimits) -> Container:
    """Open a ZIP by its directory, or its complete members if the directory is missing or damaged."""
    try:
        return Zip(path, limits)
    except zipfile.BadZipFile as error:
        return TruncatedZip(path, limits, str(error))


class Zip(Container):
    """A ZIP with a directory. Raises `zipfile.BadZipFile` if that is missing or damaged."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        with path.open("rb") as file:
            problem = _check_directory(file, limits)
            declared = declared_members(file)
        if problem is not None:
            raise problem.error(path)
        try:
            self._file = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise zipfile.BadZipFile(str(error)) from error
        self._raw = path.open("rb")
        self.comment = self._file.comment
        infos = self._file.infolist()
        self.refuse(limits.check_count(len(infos)))
        if declared not in (len(infos) & _MANY, _MANY):
            self.warning = damaged_book("ZIP", f"its directory lists {len(infos)} of {declared} members")
        files = [info for info in infos if info.file_size or not info.is_dir()]
        self._members, self.duplicates = index_by_name((_stored_name(info), info) for info in files)
        names = dict.fromkeys(self._members)
        self.former_names = {
            former: name
            for name, info in self._members.items()
            if (former := page_name(info.filename)) != name and former not in names
        }
        unpacked = sum(info.file_size for info in self._members.values())
        self.refuse(limits.check_archive(unpacked, path.stat().st_size))
        self.entries = {name: _entry(info, limits) for name, info in self._members.items()}

    def _read_entry(self, name: str) -> bytes:
        """Unpack in small steps, to stop early if the size in the directory is too small."""
        info = self._members[name]
        # Only these methods stop in the middle of their input; the others unpack all that they are given.
        step = 2**20 if info.compress_type in _STREAMED_METHODS else 4096
        data = bytearray()
        try:
            with self._open_member(info) as member:
                while len(data) <= self.limits.max_bytes and (chunk := member.read(step)):
                    data += chunk
        except _MEMBER_DAMAGE as error:
            raise self.page_error(name, damaged_member(error)) from error
        return bytes(data)

    def read_head(self, name: str, size: int) -> bytes:
        """Return the first bytes of one entry. Raises SourceError."""
        try:
            with self._open_member(self._members[name]) as member:
                return member.read(size)
        except _MEMBER_DAMAGE as error:
            raise self.page_error(name, damaged_member(error)) from error

    def _open_member(self, info: zipfile.ZipInfo) -> zipfile.ZipExtFile:
        """Open a member, whatever its own header calls it: many programs write other names there.

        `ZipFile.open` refuses it. The checksum of the directory is still compared.
        """
        self._raw.seek(info.header_offset)
        header = self._raw.read(_HEADER_BYTES)
        if header[:4] != b"PK\x03\x04" or len(header) < _HEADER_BYTES:
            raise zipfile.BadZipFile("its header is missing")
        self._raw.seek(sum(struct.unpack("<HH", header[26:])), os.SEEK_CUR)
        return zipfile.ZipExtFile(self._raw, "r", info)

    def _close_files(self) -> None:
        if hasattr(self, "_raw"):
            self._raw.close()
        if hasattr(self, "_file"):
            self._file.close()


def _stored_name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member; `zipfile` reads one that is not marked as UTF-8 as code page 437."""
    if info.flag_bits & UTF8_FLAG or info.orig_filename.isascii():
        return info.filename
    name = zip_name(info.orig_filename.encode("cp437"), info.flag_bits, info.extra)
    return name.partition("\0")[0]


def _entry(info: zipfile.ZipInfo, limits: ReadLimits) -> Entry:
    return Entry(f"{info.CRC:08x}:{info.file_size}", _check_member(info, limits))


def _check_member(info: zipfile.ZipInfo, limits: ReadLimits) -> ReadProblem | None:
    """Return why a member must not be read, judged from the directory alone; None if it may be."""
    if info.flag_bits & 0x1:
        return ENCRYPTED
    if info.compress_type not in _METHODS:
        problem = f"packed with method {info.compress_type}, which is not supported"
        return ReadProblem(problem, "pack it again as a plain CBZ")
    return limits.check_member(info.file_size, info.compress_size)


def _check_directory(file: IO[bytes], limits: ReadLimits) -> ReadProblem | None:
    """Return why a directory is too large for the allowed members, before it is read into memory."""
    size = _directory_bytes(file)
    if size <= limits.max_members * _DIRECTORY_BYTES_PER_MEMBER:
        return None
    return ReadProblem(f"has a directory of {size / 2**20:.0f} MiB; the limit is {limits.max_members} members")


def _directory_bytes(file: IO[bytes]) -> int:
    """Return the size of the ZIP's directory, as its end record declares it."""
    tail, end = find_end_record(file)
    size = file.tell()
    if end is None:
        raise zipfile.BadZipFile("its end is missing")
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":  # the 64-bit form
        file.seek(min(struct.unpack_from("<Q", tail, end - 12)[0], size))
        record = file.read(56)
        return int(struct.unpack_from("<Q", record, 40)[0]) if len(record) == 56 else 0
    return int(struct.unpack_from("<L", tail, end + 12)[0])
