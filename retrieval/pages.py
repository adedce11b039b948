"""A page's bytes out of its book, a folder or an archive, without ever leaving it.

Archive members are read in memory, within bounds on count, bytes and expansion. The rules live
here because finding pages (when building) and reading them (also when asking) must agree.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from retrieval.errors import SourceError
from retrieval.pictures import MAX_BYTES

MAX_MEMBERS = 20_000

# A page that swells more than this, and is large, is a decompression bomb. Small ones may swell:
# an empty white bitmap shrinks a thousandfold and does no harm.
MAX_RATIO = 200
RATIO_FLOOR = 32 * 2**20

PAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DIRECTORY_BYTES_PER_MEMBER = 1024  # generous: a header is 46 bytes, a path rarely 300
_OPEN_ARCHIVES = 4
_WAY_OUT = "put the comics back where they were, or build the index again"


@dataclass(frozen=True, slots=True)
class Archive:
    """An open ZIP and its files by page name ('/' separators); of twins the last one counts."""

    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]


def read_page(book: Path, name: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of page (or annotation) `name` of `book`.

    `book` is a folder, an archive file, or a single picture (whose only page has the file's own
    name). `name` is the path inside the book with '/' separators.

    Raises SourceError: book or page missing, unreadable, beyond the bounds, or a name that climbs
    out of the book.
    """
    if climbs(name):
        raise SourceError(f"{book}: the page name {name!r} climbs out of the book; it is not read")
    try:
        if book.is_dir():
            return _from_folder(book, name, max_bytes)
        if not book.is_file():
            raise SourceError(f"{book} is missing (wanted its page {name!r}): {_WAY_OUT}")
        if is_zip(book):
            return _from_archive(book, name, max_bytes)
        if name in beside(book.name):
            return _from_folder(book.parent, name, max_bytes)
    except OSError as error:
        raise SourceError(f"{book}: page {name!r} cannot be read: {error.strerror or error}") from error
    raise SourceError(f"{book} is no longer a folder or a ZIP (wanted its page {name!r}): {_WAY_OUT}")


def climbs(name: str) -> bool:
    """Whether a path leaves the place it is relative to: absolute, with a drive letter, or with '..'."""
    parts = re.split(r"[/\\]", name)
    return not name or parts[0] == "" or ".." in parts or "\0" in name or bool(re.match(r"[A-Za-z]:[/\\]", name))


def beside(page: str) -> tuple[str, str, str]:
    """The page itself and the two names its annotation may have, most exact first."""
    return page, f"{page}.json", f"{os.path.splitext(page)[0]}.json"  # noqa: PTH122 (names, not paths)


def is_zip(path: Path) -> bool:
    """Whether the file starts as a ZIP does (its name does not matter)."""
    with path.open("rb") as file:
        return file.read(4) in ZIP_MAGIC


def page_name(member: str) -> str:
    """An archive member's name with '/' separators and without empty or '.' parts."""
    parts = [part for part in member.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts)


def open_archive(path: Path, *, max_members: int = MAX_MEMBERS) -> Archive:
    """Open a ZIP and read its directory once. The caller closes `.file`.

    Members whose names climb keep their raw name, so that `climbs` still sees them.
    Raises SourceError when it is damaged or has too many members.
    """
    try:
        with path.open("rb") as file:
            declared = _directory_bytes(file)
        if declared > max_members * _DIRECTORY_BYTES_PER_MEMBER:
            raise SourceError(f"{path} has a directory of {declared / 2**20:.0f} MiB; {_too_many(max_members)}")
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError) as error:
        raise SourceError(f"{path} is a ZIP that is cut off or damaged ({error}); copy it here again") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    infos = archive.infolist()
    if len(infos) > max_members:
        archive.close()
        raise SourceError(f"{path} has {len(infos)} members; {_too_many(max_members)}")
    return Archive(archive, {_key(info.filename): info for info in infos if not info.is_dir()})


def member_problem(info: zipfile.ZipInfo, *, max_bytes: int = MAX_BYTES) -> str | None:
    """Why this member must not be read, or None. Judged from the directory alone."""
    if info.flag_bits & 0x1:
        return "is encrypted; remove the password"
    if info.compress_type not in _METHODS:
        return f"is packed with method {info.compress_type}, which is not read; pack it again as a plain CBZ"
    if info.file_size > max_bytes:
        return f"is {info.file_size / 2**20:.0f} MiB unpacked; the limit is {max_bytes / 2**20:.4g} MiB"
    if info.file_size > max(RATIO_FLOOR, MAX_RATIO * info.compress_size):
        return f"unpacks to more than {MAX_RATIO} times its size; it looks like a decompression bomb"
    return None


def archive_problem(archive: Archive, packed_bytes: int) -> str | None:
    """Why the archive as a whole must not be read: members that share their bytes swell together."""
    unpacked = sum(info.file_size for info in archive.members.values())
    if unpacked > max(32 * RATIO_FLOOR, MAX_RATIO * packed_bytes):
        sizes = f"{packed_bytes / 2**20:.3g} MiB unpack to {unpacked / 2**30:.3g} GiB"
        return f"holds a decompression bomb: {sizes}"
    return None


def _key(member: str) -> str:
    return member if climbs(member) else page_name(member)


def _too_many(max_members: int) -> str:
    return f"the limit is {max_members} members"


def _directory_bytes(file: IO[bytes]) -> int:
    """The size of the ZIP's directory as its end record says; checked before it is read into memory."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - 22 - 0xFFFF))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise zipfile.BadZipFile("its end is missing")
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":  # the 64-bit form
        file.seek(min(struct.unpack_from("<Q", tail, end - 12)[0], size))
        record = file.read(56)
        return int(struct.unpack_from("<Q", record, 40)[0]) if len(record) == 56 else 0
    return int(struct.unpack_from("<L", tail, end + 12)[0])


def _from_folder(folder: Path, name: str, max_bytes: int) -> bytes:
    path = folder / name
    if not path.is_file():
        raise SourceError(f"{folder} has no page {name!r}: {_WAY_OUT}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{path} is a link that leaves its folder; it is not followed: copy the page there")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SourceError(f"{path} is larger than the limit of {max_bytes / 2**20:.4g} MiB")
    return data


def _from_archive(book: Path, name: str, max_bytes: int) -> bytes:
    archive = _archives.get(book)
    info = archive.members.get(page_name(name))
    if info is None:
        raise SourceError(f"{book} has no page {name!r}: {_WAY_OUT}")
    return read_member(archive, info, label=f"{book}: page {name!r}", max_bytes=max_bytes)


def read_member(archive: Archive, info: zipfile.ZipInfo, *, label: str, max_bytes: int = MAX_BYTES) -> bytes:
    """One member's bytes, unpacked in small steps so that a lying size is caught early."""
    problem = member_problem(info, max_bytes=max_bytes)
    if problem:
        raise SourceError(f"{label} {problem}")
    # Only deflate stops in the middle of its input; the others unpack whatever they were given.
    step = 2**20 if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
    data = bytearray()
    try:
        with archive.file.open(info) as member:
            while chunk := member.read(step):
                data += chunk
                if len(data) > max_bytes:
                    raise SourceError(f"{label} unpacks to more than {max_bytes / 2**20:.4g} MiB")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error) as error:
        raise SourceError(f"{label} is damaged in the archive: {error or type(error).__name__}") from error
    except Exception as error:
        if type(error).__name__ != "LZMAError":  # lzma itself may be missing from a Python build
            raise
        raise SourceError(f"{label} is damaged in the archive: {error}") from error
    return bytes(data)


class _Archives(threading.local):
    """Each thread's few open archives: reading a book page by page parses its directory once."""

    def __init__(self) -> None:
        self.open: OrderedDict[tuple[str, int, int], Archive] = OrderedDict()

    def get(self, path: Path) -> Archive:
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        if key not in self.open:
            self._drop([old for old in self.open if old[0] == key[0]])  # the file was replaced
            self._drop(list(self.open)[: max(0, len(self.open) - _OPEN_ARCHIVES + 1)])
            self.open[key] = open_archive(path)
        self.open.move_to_end(key)
        return self.open[key]

    def _drop(self, keys: list[tuple[str, int, int]]) -> None:
        for key in keys:
            self.open.pop(key).file.close()


_archives = _Archives()
