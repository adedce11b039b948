"""Temporary files that the system deletes; a full disk is an error about the folder for temporary files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from retrieval.errors import ResourceError, system_hint, system_problem


@contextmanager
def temporary_errors() -> Iterator[None]:
    """Raise `ResourceError` if a temporary file cannot be written; use it around writing only."""
    try:
        yield
    except OSError as error:
        problem = f"temporary files cannot be written ({system_problem(error)})"
        hint = f"set TMPDIR to a folder on another disk, or {system_hint(error)}"
        raise ResourceError(problem, _folder(error), hint) from error


def temporary_file() -> IO[bytes]:
    """Return a new temporary file, open for writing and reading. Raises `ResourceError`."""
    with temporary_errors():
        return tempfile.TemporaryFile()


def write_temporary(file: IO[bytes], data: bytes) -> None:
    """Write to a temporary file. Raises `ResourceError`."""
    with temporary_errors():
        file.write(data)


def _folder(error: OSError) -> str:
    """Return the folder for temporary files; the error of a system without any names those that were tried."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return str(error.filename or tempfile.tempdir or "")
