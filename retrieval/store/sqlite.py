"""Connections to SQLite files that exist, also in folders that cannot be written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from retrieval.errors import IndexError_

Fault = Literal["locked", "damaged", "disk", "other"]

_FAULTS: dict[int, Fault] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_FULL: "disk",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_READONLY: "disk",
    sqlite3.SQLITE_CANTOPEN: "disk",
    sqlite3.SQLITE_PERM: "disk",
}
_PRIMARY_CODE = 0xFF
"""Bits of SQLite's primary error code; the higher ones are details."""


def connect_to_existing(path: Path) -> sqlite3.Connection:
    """Connect to an existing SQLite file, without ever creating one.

    A file that may be written is opened for reading and writing: a reader of a write-ahead log needs its helper files.
    Otherwise it is opened as immutable, because SQLite could not create these files.
    Raises `sqlite3.OperationalError` if there is no such file.
    """
    mode = "mode=rw" if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK) else "mode=ro&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)


def fault_of(error: BaseException) -> Fault:
    """Return the kind of an error of SQLite; errors of the Python module have no code and are `other`."""
    return _FAULTS.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE, "other")


def disk_error(what: str, path: str | Path | None, error: BaseException) -> IndexError_:
    """Return the error for a file that cannot be written; what: the file in words."""
    hint = (
        "check the disk: free space, allow writing; then run the same command again; everything written so far remains"
    )
    return IndexError_(f"{what} cannot be written ({error})", path, hint)
