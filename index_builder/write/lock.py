"""The writer lock: one process at a time writes an index."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import IndexError_, IndexLocked

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the writer lock of an index; the system releases it when the process dies.

    Raises `IndexLocked` if another process holds it, `IndexError_` if the disk cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "writer.lock", timeout=0)
        lock.acquire()
    except Timeout:
        hint = "wait for it to end, or stop it"
        raise IndexLocked("another build is writing this index", folder, hint) from None
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise _cannot_write(folder, error) from error
        raise
    finally:
        lock.release()


def _cannot_write(folder: Path, error: OSError) -> IndexError_:
    hint = "check the disk and its permissions, then run the same build again; everything written so far remains"
    return IndexError_(f"the index cannot be written ({error.strerror or error})", folder, hint)
