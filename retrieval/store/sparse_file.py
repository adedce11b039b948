"""Hole punching: ranges of a file that read as zeros and take no space, on systems that support it.

The file keeps its length: nothing in it moves, and readers that have it mapped are not affected.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h
_BLOCK = 2**20  # bytes overwritten at once


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
