"""What was read on pages, kept inside the index: no page is read twice by the same engine.

Derived: it can be deleted at any time, and costs the reading again. Written by the processes that read, page by page,
so that a build stopped at any moment has lost nothing it read.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from index_builder.dialogue.lines import Line

NAME = "lettering.sqlite"

_TABLE = """CREATE TABLE IF NOT EXISTS reading (
    page BLOB PRIMARY KEY, engine TEXT NOT NULL, lines BLOB NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID"""
_PUT = "INSERT OR REPLACE INTO reading (page, engine, lines, seconds) VALUES (?, ?, ?, ?)"
_WAIT = 30.0  # seconds for another process to finish its page's write, which takes milliseconds


class ReadingCache:
    """Lines by the SHA-256 of a page's bytes; of each page the last engine's. Opened anew for every call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def get(self, page: bytes, engine: str) -> list[Line] | None:
        """The lines of a page, or None where this engine has not read it; a damaged cache knows nothing."""
        if not self.path.exists():
            return None
        try:
            with closing(self._connect()) as connection:
                row = connection.execute("SELECT engine, lines FROM reading WHERE page = ?", (page,)).fetchone()
            if row is None or row[0] != engine:
                return None
            return [Line.from_row(line) for line in json.loads(zlib.decompress(row[1]))]
        except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError):
            return None

    def put(self, page: bytes, engine: str, lines: Sequence[Line], seconds: float) -> None:
        """Keep what was read; a cache that is damaged is begun anew."""
        packed = zlib.compress(json.dumps([line.as_row() for line in lines], ensure_ascii=False).encode())
        row = (page, engine, packed, round(seconds, 3))
        try:
            self._write(row)
        except sqlite3.OperationalError:
            return  # busy or full: reading on matters more than remembering it
        except sqlite3.DatabaseError:
            self.path.unlink(missing_ok=True)
            self._write(row)

    def _write(self, row: tuple[bytes, str, bytes, float]) -> None:
        with closing(self._connect()) as connection, connection:
            connection.execute(_TABLE)
            connection.execute(_PUT, row)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAIT)
