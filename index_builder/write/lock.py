"""The writer lock: one process at a time writes an index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.build_state import LOCK
from retrieval.errors import IndexError_, IndexLocked, system_hint, system_problem
from retrieval.files import make_folder

_WAIT_SECONDS = 0.2
"""Longer than a reader holds the lock to find out whether a build is running."""


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the writer lock of an index; the system releases it when the process dies.

    Raises `IndexLocked` if another process holds it, `IndexError_` if the disk cannot be written.
    """
    try:
        make_folder(folder)
        lock = FileLock(folder / LOCK, timeout=_WAIT_SECONDS)
        lock.acquire()
    except Timeout:
        hint = "wait for it to end, or stop it"
        raise IndexLocked("another build is writing this index", folder, hint) from None
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, ConnectionError | BlockingIOError):
            raise  # no error of a disk: a reader of the output that ended, the network
        raise _cannot_write(folder, error) from error
    finally:
        lock.release()


def _cannot_write(folder: Path, error: OSError) -> IndexError_:
    """Return the error for a disk that refuses; the system names the file if it was to be opened or renamed."""
    path = Path(folder if error.filename is None else os.fsdecode(error.filename))
    what = "the index cannot be written" if path.is_relative_to(folder) else "the file cannot be read or written"
    return IndexError_(f"{what} ({system_problem(error)})", path, system_hint(error))
