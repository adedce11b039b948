"""Opening SQLite files to read: also where nothing may be written, and without ever making one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection to an existing file. In a folder that cannot be written, SQLite is told that nothing changes:
    it could not make the helper files that a write-ahead log needs.

    Raises `sqlite3.OperationalError` when there is no such file.
    """
    mode = "mode=rw" if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK) else "mode=ro&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
