"""Unpacked copies of books that can only be read from the beginning, in temporary files that the system deletes."""

from __future__ import annotations

from typing import IO

from retrieval.temporary import temporary_errors, temporary_file, write_temporary

_CHUNK = 2**18  # bytes copied at a time: little memory, few calls


class Spool:
    """Files by name, one after the other in one temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = temporary_file()
        self._extents: dict[str, tuple[int, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._extents

    def add(self, name: str, stream: IO[bytes], size: int) -> int:
        """Copy up to `size` bytes and return how many were copied. Of equal names the last one counts."""
        start = self._file.seek(0, 2)
        left = size
        while left and (chunk := stream.read(min(_CHUNK, left))):
            write_temporary(self._file, chunk)
            left -= len(chunk)
        with temporary_errors():
            self._file.flush()
        self._extents[name] = (start, size - left)
        return size - left

    def read(self, name: str) -> bytes:
        """Return the bytes of a file. Raises KeyError if there is none of this name."""
        start, size = self._extents[name]
        self._file.seek(start)
        return self._file.read(size)

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()


def spooled(stream: IO[bytes], max_bytes: int) -> IO[bytes]:
    """Copy a stream to a temporary file, at its beginning. Raises EOFError if it holds more than `max_bytes`."""
    file = temporary_file()
    left = max_bytes
    try:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise EOFError("more bytes than allowed")
            write_temporary(file, chunk)
        with temporary_errors():
            file.flush()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
