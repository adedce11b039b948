"""Files on the disk: syncs, replacing a file as a whole, and erased ranges that take no space.

What names data is synced before what was named is erased, and data before what names it. A new, renamed or deleted
file is on the disk once its folder is synced too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTIAL = ".partial"
"""Suffix of a file that is being written."""

_NO_FOLDER_SYNC = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP}
"""Errors of Windows, of network drives, and of folders that may be written but not read."""

_NO_LINK = {errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of file systems without hard links, and of files that have too many."""

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h
_BLOCK = 2**20  # bytes overwritten at once


def sync(path: Path) -> None:
    """Sync a file to the disk; of a folder, the names of what is in it, unless its file system cannot."""
    folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if not folder or error.errno not in _NO_FOLDER_SYNC:
            raise


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there, and sync their names."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copyfile(source, target)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file next to `path` with `write(path)`, sync it and rename it: readers see the old or the new one.

    The same holds after a power cut. Several processes may replace the same file. An error leaves `path` as it was,
    and no other file.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    try:
        write(partial)
        sync(partial)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to report
            partial.unlink()
        raise
    sync(path.parent)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as `numpy.save` does; an error of the disk is an `OSError` with its number, which numpy drops."""
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    path.write_bytes(content.getbuffer())


def write_at(path: Path, start: int, content: bytes) -> None:
    """Write bytes from byte `start` of a file on, and sync it; also its name if it is new."""
    new = not path.exists()
    with path.open("w+b" if new else "r+b") as file:
        file.seek(start)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync(path.parent)


def cut_file(path: Path, length: int) -> None:
    """Cut a file, if it is there, to at most `length` bytes; delete it if nothing is left."""
    if not path.exists():
        return
    if length <= 0:
        path.unlink()
    elif path.stat().st_size > length:
        os.truncate(path, length)


def punch_holes(path: Path, ranges: Iterable[tuple[int, int]]) -> None:
    """Erase (first byte, length) ranges of a file and sync it."""
    with path.open("r+b") as file:
        for start, length in ranges:
            if not _punch(file.fileno(), start, length):
                _overwrite(file.fileno(), start, length)
        os.fsync(file.fileno())


def bytes_used(path: Path) -> int:
    """Return the bytes that a file takes on the disk, without its holes."""
    stat = path.stat()
    return min(stat.st_size, 512 * getattr(stat, "st_blocks", 2**53))


def _punch(descriptor: int, start: int, length: int) -> bool:
    """Punch a hole; return False if the file system cannot."""
    if _fallocate is None:
        return False
    return bool(_fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, length) == 0)


def _overwrite(descriptor: int, start: int, length: int) -> None:
    """Write zeros instead of a hole."""
    for place in range(start, start + length, _BLOCK):
        os.pwrite(descriptor, bytes(min(_BLOCK, start + length - place)), place)


def _find_fallocate() -> Any:
    """Return `fallocate` of the C library, which Python does not offer; None if there is none."""
    if not sys.platform.startswith("linux"):
        return None
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if fallocate is not None:
        fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return fallocate


_fallocate = _find_fallocate()
