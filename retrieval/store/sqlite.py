"""Connections to SQLite files that exist, also in folders that cannot be written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote


def connect_to_existing(path: Path) -> sqlite3.Connection:
    """Connect to an existing SQLite file, without ever creating one.

    A file that may be written is opened for reading and writing: a reader of a write-ahead log needs its helper files.
    Otherwise it is opened as immutable, because SQLite could not create these files.
    Raises `sqlite3.OperationalError` if there is no such file.
    """
    mode = "mode=rw" if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK) else "mode=ro&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
