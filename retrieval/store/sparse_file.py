"""Parts of a file erased in place: they read as zeros, and where the system can, their space goes back to the disk.

The file keeps its length, so nothing in it moves, and readers that have it mapped are not disturbed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h
_BLOCK = 2**20


def punch_holes(path: Path, ranges: Iterable[tuple[int, int]]) -> None:
    """Erase (first byte, length) ranges of a file and sync it."""
    with path.open("r+b") as file:
        for start, length in ranges:
            if not _punch(file.fileno(), start, length):
                _overwrite(file.fileno(), start, length)
        os.fsync(file.fileno())


def bytes_used(path: Path) -> int:
    """What a file takes on the disk, holes not counted."""
    stat = path.stat()
    return min(stat.st_size, 512 * getattr(stat, "st_blocks", 2**53))


def _punch(handle: int, start: int, length: int) -> bool:
    """Whether the file system made a hole; not all of them do."""
    if _fallocate is None:
        return False
    return bool(_fallocate(handle, _PUNCH_HOLE | _KEEP_SIZE, start, length) == 0)


def _overwrite(handle: int, start: int, length: int) -> None:
    for place in range(start, start + length, _BLOCK):
        os.pwrite(handle, bytes(min(_BLOCK, start + length - place)), place)


def _find_fallocate() -> Any:
    """The C library's `fallocate`, which Python does not have; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    found = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if found is not None:
        found.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return found


_fallocate = _find_fallocate()
