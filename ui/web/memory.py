"""Memory for requests, not counting the index and its encoder. Every bound on sizes derives from it.

`panelseek serve --memory` sets it for the process, because memory is one thing of the whole process.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from retrieval.errors import PictureError, UsageError
from retrieval.records import Panel

GIB, MIB = 2**30, 2**20

DEFAULT_GIB = 1.5
LEAST_GIB = 0.5
_MOST_UPLOAD = 50 * MIB

_PAGE_BYTES = 12
"""Bytes per pixel of a page while it is decoded: the decoder, the pixels and their RGB copy."""

_PAGE_FILE = 16 * MIB

_TRIMMED = 64 * MIB
"""Claims from this size on return freed memory to the system when they end."""

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Parameters of glibc's `mallopt`."""

BUSY = "the server is busy with other images"
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """Bounds in bytes that follow from the memory for requests."""

    total: int = int(DEFAULT_GIB * GIB)

    @property
    def decoding(self) -> int:
        """Images being decoded, of all visitors together."""
        return self.total // 2

    @property
    def bodies(self) -> int:
        """Requests that carry an image as text, received or waiting for their turn."""
        return self.total // 4

    @property
    def upload(self) -> int:
        """One uploaded image file."""
        return min(_MOST_UPLOAD, self.total // 30 // MIB * MIB)

    @property
    def body(self) -> int:
        """The largest request: an image in base64, with the other fields of a search."""
        return self.upload * 4 // 3 + MIB

    @property
    def uploads(self) -> int:
        """Uploaded files on disk, of all visitors together: the folder may lie in memory."""
        return self.total

    @property
    def client_uploads(self) -> int:
        """Uploaded files on disk of one visitor."""
        return self.total // 4

    @property
    def exports(self) -> int:
        """Files of exported collections on disk, of all visitors together."""
        return self.total

    @property
    def export(self) -> int:
        """Pictures of one exported collection."""
        return self.total // 4


def memory_limits(gibibytes: float) -> MemoryLimits:
    """Return the bounds for an amount of memory in GiB. Raises `UsageError` if it is too little for one image."""
    if not gibibytes >= LEAST_GIB:
        raise UsageError(f"--memory {gibibytes:g} is too little", hint=f"give at least {LEAST_GIB:g} GB")
    return MemoryLimits(int(gibibytes * GIB))


class MemoryBudget:
    """A number of bytes that threads claim and give back. Claims are granted in order, so large ones get a turn."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def claim(self, size: int, wait: float = _WAIT_SECONDS) -> Iterator[None]:
        """Hold `size` bytes until the block ends; one larger than the budget takes all of it.

        Raises `UsageError` if they are not free within `wait` seconds.
        """
        size = min(size, self.limit)
        self._take(size, time.monotonic() + wait)
        try:
            yield
        finally:
            if size >= _TRIMMED:
                return_freed_memory()
            with self._changed:
                self._taken -= size
                self._changed.notify_all()

    def _take(self, size: int, end: float) -> None:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                while self._queue[0] is not ticket or self._taken + size > self.limit:
                    if not self._changed.wait(end - time.monotonic()) and time.monotonic() >= end:
                        raise UsageError(BUSY, hint="try again in a moment")
                self._taken += size
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()


class _Process:
    """The limits of this process and the budgets under them."""

    def __init__(self) -> None:
        self.limits = MemoryLimits()
        self.decoding = MemoryBudget(self.limits.decoding)
        self.exports = MemoryBudget(self.limits.exports)


_PROCESS = _Process()


def set_memory(limits: MemoryLimits) -> None:
    """Set the limits of this process."""
    _return_large_blocks()
    _PROCESS.limits = limits
    _PROCESS.decoding = MemoryBudget(limits.decoding)
    _PROCESS.exports = MemoryBudget(limits.exports)


def limits() -> MemoryLimits:
    """Return the limits of this process."""
    return _PROCESS.limits


def _return_large_blocks() -> None:
    """Let glibc give memory blocks from 256 KB on back to the system when they are freed.

    By default it keeps those of every thread once the first were freed: eight large images, decoded one after the other
    by eight threads, took 1.2 GB for good.
    """
    with suppress(OSError, AttributeError):
        libc = _libc()
        libc.mallopt(_M_MMAP_THRESHOLD, 256 * 1024)
        libc.mallopt(_M_ARENA_MAX, 2)


def return_freed_memory() -> None:
    """Return memory that glibc holds and nothing uses to the system."""
    with suppress(OSError, AttributeError):
        _libc().malloc_trim(0)


def _libc() -> ctypes.CDLL:
    """Return glibc. Raises OSError or AttributeError where the system has another library."""
    if sys.platform != "linux":
        raise OSError("no glibc here")
    return ctypes.CDLL("libc.so.6")


@contextmanager
def decoding(size: int | None) -> Iterator[None]:
    """Hold the memory that decoding an image of the library takes, however large; None takes all there is.

    Waits for other images.
    """
    budget = _PROCESS.decoding
    with budget.claim(budget.limit if size is None else size):
        yield


@contextmanager
def decoding_upload(size: int | None, file_size: int) -> Iterator[None]:
    """Hold the memory that decoding a visitor's image takes, and that of its file, until the block ends.

    size: None if the header does not tell. Raises `PictureError` if it is more than there is.
    """
    budget = _PROCESS.decoding
    if size is not None and size > budget.limit:
        needed, there = (f"{each / MIB:,.0f} MB" for each in (size, budget.limit))
        problem = f"this image takes {needed} of memory; the server has {there} for images"
        raise PictureError(problem, hint="use a smaller one, or a JPEG")
    with decoding(None if size is None else size + file_size):
        yield


@contextmanager
def exporting() -> Iterator[None]:
    """Hold the space on disk that the largest export takes, until the block ends. Waits for other exports."""
    with _PROCESS.exports.claim(_PROCESS.limits.export):
        yield


def page_bytes(panel: Panel) -> int:
    """Return about how many bytes reading and decoding the page of a panel takes."""
    return _PAGE_FILE + _PAGE_BYTES * panel.page_width * panel.page_height
