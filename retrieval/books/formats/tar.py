"""CBT and every other TAR, also one compressed as a whole with gzip, bzip2 or xz.

Python's `tarfile` takes a damaged header for the end of the archive. Here the end must be blocks of zeros, or the end
of the file; after anything else reading goes on at the next valid header.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retrieval.books.container import Container, Entry
from retrieval.books.detect import is_compressed_tar, is_tar_header
from retrieval.books.limits import ReadLimits
from retrieval.books.names import index_by_name
from retrieval.books.problems import ReadProblem, damaged_book, damaged_member
from retrieval.errors import SourceError
from retrieval.temporary import temporary_errors, temporary_file, write_temporary

_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError)
_BLOCK = tarfile.BLOCKSIZE
_ZEROS = 64
"""Bytes of zeros at the end of the last member that count as damage; images end with other bytes."""

_CHUNK = 2**18  # bytes unpacked, or searched for a header, at a time
_UNBOUNDED = 2**62  # packed bytes: members of an uncompressed TAR cannot be decompression bombs


class Tar(Container):
    """A TAR archive. A truncated one keeps the members before the cut and has a `warning`.

    One compressed as a whole is unpacked once, to a temporary file: its members cannot be read out of order.
    """

    unpacks_whole = True

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        stat = path.stat()
        with path.open("rb") as file:
            head = file.read(512)
        compressed = self._is_compressed(head)
        self._raw = self._unpack(path, head, stat.st_size) if compressed else path.open("rb")
        self._members, self.duplicates = index_by_name((info.name, info) for info in self._complete_members())
        # A TAR has no checksums: the date of the whole file reveals a page replaced by one of the same length.
        stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
        packed = stat.st_size if compressed else _UNBOUNDED
        self.entries = {
            name: Entry(f"{info.size}:{int(info.mtime)}:{stamp}", self._check(info, packed))
            for name, info in self._members.items()
        }

    def _check(self, info: tarfile.TarInfo, packed: int) -> ReadProblem | None:
        """Return why a member must not be read; None if it may be."""
        if not info.isfile():
            return ReadProblem("a link inside the archive", "pack the file itself")
        if info.issparse():
            return ReadProblem("a sparse file; not supported", "pack the file itself")
        return self.limits.check_member(info.size, packed)

    def _is_compressed(self, head: bytes) -> bool:
        return is_compressed_tar(head)

    def _unpack(self, path: Path, head: bytes, size: int) -> IO[bytes]:
        """Return as much of the TAR inside as can be unpacked, in a temporary file."""
        max_bytes = self.limits.max_unpacked(size)
        raw = temporary_file()
        with _open_compressed(path, head) as stream:
            try:
                while chunk := stream.read1(_CHUNK):  # read1 returns what comes before the damage
                    write_temporary(raw, chunk)
                    if raw.tell() > max_bytes:
                        raw.close()
                        raise self.too_large(size)
            except _DAMAGE as error:
                self.warning = _damaged(error)
        with temporary_errors():
            raw.seek(0)
        return raw

    def too_large(self, size: int) -> SourceError:
        """Return the error for an archive of `size` bytes that unpacks to more than the limits allow."""
        problem = self.limits.check_archive(self.limits.max_unpacked(size) + 1, size)
        assert problem is not None  # one byte above the limit
        return problem.error(self.path)

    def _complete_members(self) -> Iterator[tarfile.TarInfo]:
        """Yield the files and links in the archive; what is damaged or cut off between them is left out."""
        position: int | None = 0
        count, last = 0, None
        while position is not None:
            self._raw.seek(position)
            end = position
            try:
                self._tar = tarfile.open(fileobj=self._raw, mode="r:", errorlevel=2)  # noqa: SIM115 (closed with book)
                for info in self._tar:
                    count, last = count + 1, info
                    self.refuse(self.limits.check_count(count))
                    end = info.offset_data + -(-info.size // _BLOCK) * _BLOCK
                    if (info.isfile() or info.islnk() or info.issym()) and self._is_complete(info):
                        yield info
                end = self._tar.offset
            except _DAMAGE as error:
                self.warning = self.warning or _damaged(error)
            position = self._next_member(end)
        if last is not None and self.warning is None:
            self._check_end(last)

    def _check_end(self, last: tarfile.TarInfo) -> None:
        """Set the warning if the last member ends with zeros as well: a disk or a download has left them.

        The zeros after it may stand for further members then, not for the end of the archive.
        """
        start, end = last.offset_data, last.offset_data + last.size
        self._raw.seek(start)
        may_end_with_zeros = self._raw.read(4).startswith((b"BM", b"II", b"MM"))  # black pixels of BMP and TIFF
        self._raw.seek(max(start, end - _ZEROS))
        data = self._raw.read(min(last.size, _ZEROS))
        if last.isfile() and len(data) == _ZEROS and not any(data) and not may_end_with_zeros:
            zeros = self._raw.seek(0, 2) - end + _ZEROS
            self.warning = _damaged(
                f"it ends with {zeros:,} bytes of zeros or more, where further members may have been"
            )

    def _next_member(self, end: int) -> int | None:
        """Return where the next member begins after a TAR inside the file ended at `end`; None if there is none.

        Zeros between TARs are no damage, anything else is.
        """
        self._raw.seek(end)
        position = end
        while chunk := self._raw.read(_CHUNK):
            is_blank = chunk.count(0) == len(chunk)
            for start in range(0, 0 if is_blank else len(chunk), _BLOCK):
                block = chunk[start : start + _BLOCK]
                if block.count(0) == len(block):
                    continue
                if is_tar_header(block) and position + start > end:
                    return position + start
                self.warning = self.warning or _damaged("a header is damaged")
            position += len(chunk)
        return None

    def _is_complete(self, info: tarfile.TarInfo) -> bool:
        end = self._raw.seek(0, 2)
        if info.offset_data + info.size <= end:
            return True
        self.warning = self.warning or _damaged(EOFError("unexpected end of data"))
        return False

    def _read_entry(self, name: str) -> bytes:
        try:
            file = self._tar.extractfile(self._members[name])
            return file.read(self.limits.max_bytes + 1) if file else b""
        except _DAMAGE as error:
            raise self.page_error(name, damaged_member(error)) from error

    def read_head(self, name: str, size: int) -> bytes:
        """Return the first bytes of one entry."""
        info = self._members[name]
        self._raw.seek(info.offset_data)
        return self._raw.read(min(size, info.size))

    def _close_files(self) -> None:
        if hasattr(self, "_tar"):
            self._tar.close()
        self._raw.close()


def _damaged(error: BaseException | str) -> ReadProblem:
    return damaged_book("TAR archive", str(error) or type(error).__name__)


def _open_compressed(path: Path, head: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    """Open a compressed file so that it is unpacked while it is read."""
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(path)
    return bz2.BZ2File(path) if head.startswith(b"BZh") else lzma.LZMAFile(path)
