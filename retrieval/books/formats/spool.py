"""Unpacked copies of books that can only be read from the beginning: in a temporary file that the system deletes."""

from __future__ import annotations

import tempfile
from typing import IO

_STEP = 2**18


class Spool:
    """Files by name, one after the other in one temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the spool)
        self._places: dict[str, tuple[int, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def add(self, name: str, stream: IO[bytes], size: int) -> int:
        """Copy up to `size` bytes; how many there were. Of twins the last one counts."""
        start = self._file.seek(0, 2)
        left = size
        while left and (chunk := stream.read(min(_STEP, left))):
            self._file.write(chunk)
            left -= len(chunk)
        self._places[name] = (start, size - left)
        return size - left

    def read(self, name: str) -> bytes:
        start, size = self._places[name]
        self._file.seek(start)
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()


def unpacked(stream: IO[bytes], most: int) -> IO[bytes]:
    """A temporary file with what is in `stream`, at its beginning; EOFError when that is more than `most` bytes."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (handed out)
    left = most
    try:
        while chunk := stream.read(_STEP):
            left -= len(chunk)
            if left < 0:
                raise EOFError("it swells")
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
