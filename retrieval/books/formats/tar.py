"""CBT and every other TAR, also packed as a whole with gzip, bzip2 or xz."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retrieval.books.container import Container, Entry, damaged
from retrieval.books.detect import is_compressed
from retrieval.books.limits import Reading
from retrieval.books.names import by_name
from retrieval.errors import SourceError

_DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError)
_STEP = 2**18


class Tar(Container):
    """A TAR archive. One that is cut off keeps the members before the cut, and `trouble` says so.

    One packed as a whole is unpacked to a temporary file once: it has no other way to its middle.
    """

    heavy = True

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        stat = path.stat()
        with path.open("rb") as file:
            head = file.read(512)
        packed = self._is_packed(head)
        self._raw = self._unpack(path, head, stat.st_size) if packed else path.open("rb")
        self._members, self.again = by_name((info.name, info) for info in self._whole_members())
        # a TAR has no checksums: that of the whole file's date tells when a page was replaced by one as long
        stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
        bound = stat.st_size if packed else 2**62  # nothing swells in a plain one
        self.entries = {
            name: Entry(f"{info.size}:{int(info.mtime)}:{stamp}", reading.bomb(info.size, bound))
            for name, info in self._members.items()
        }

    def _is_packed(self, head: bytes) -> bool:
        return is_compressed(head)

    def _unpack(self, path: Path, head: bytes, size: int) -> IO[bytes]:
        """As much of the TAR inside as can be unpacked."""
        most = self.reading.most(size)
        raw = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the book)
        with _opened(path, head) as stream:
            try:
                while chunk := stream.read1(_STEP):  # what can be had before the damage
                    raw.write(chunk)
                    if raw.tell() > most:
                        raw.close()
                        raise SourceError(f"{path} {self.reading.archive_bomb(most + 1, size)}")
            except _DAMAGE as error:
                self.trouble = _cut(error)
        raw.seek(0)
        return raw

    def _whole_members(self) -> Iterator[tarfile.TarInfo]:
        """The files in it, up to where it is damaged or cut off."""
        try:
            self._tar = tarfile.open(fileobj=self._raw, mode="r:", errorlevel=2)  # noqa: SIM115 (closed with the book)
            for count, info in enumerate(self._tar, 1):
                self.refuse(self.reading.too_many(count))
                if info.isfile() and not info.issparse() and self._is_whole(info):
                    yield info
        except _DAMAGE as error:
            self.trouble = self.trouble or _cut(error)

    def _is_whole(self, info: tarfile.TarInfo) -> bool:
        end = self._raw.seek(0, 2)
        if info.offset_data + info.size <= end:
            return True
        self.trouble = self.trouble or _cut(EOFError("unexpected end of data"))
        return False

    def _bytes(self, name: str, label: str) -> bytes:
        try:
            file = self._tar.extractfile(self._members[name])
            data = file.read(self.reading.max_bytes + 1) if file else b""
        except _DAMAGE as error:
            raise damaged(label, error) from error
        return data

    def _close(self) -> None:
        if hasattr(self, "_tar"):
            self._tar.close()
        self._raw.close()


def _cut(error: BaseException) -> str:
    return f"is a TAR archive that is cut off or damaged ({error or type(error).__name__})"


def _opened(path: Path, head: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    """The file, unpacked while it is read."""
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(path)
    return bz2.BZ2File(path) if head.startswith(b"BZh") else lzma.LZMAFile(path)
