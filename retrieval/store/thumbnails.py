"""Thumbnails of panels, derived, in one SQLite file: `thumbnails/thumbnails.sqlite`, WebP by vector row.

The key is the vector row because every encoding gets a new one. A changed panel therefore never has its old thumbnail.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from retrieval.store.checksums import integer_checksum
from retrieval.store.sqlite import connect_to_existing

log = logging.getLogger("panelseek")

_COLUMNS = "row, webp, checksum"
_CREATE = """CREATE TABLE IF NOT EXISTS thumbnail (
    row INTEGER PRIMARY KEY, webp BLOB NOT NULL, checksum INTEGER NOT NULL)"""

_COPIED = 500
"""Thumbnails copied at once."""


class Thumbnails:
    """The thumbnails of one index, for reading and writing; a missing or damaged file counts as empty."""

    def __init__(self, index: Path) -> None:
        self.path = index / "thumbnails" / "thumbnails.sqlite"

    def get(self, row: int) -> bytes | None:
        """Return the WebP bytes of a row, or None."""
        return self.get_many([row]).get(row)

    def get_many(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row, of those `rows` (1,000 at most) that have a thumbnail."""
        try:
            return self.read(rows)
        except sqlite3.DatabaseError:
            return {}

    def read(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row like `get_many`. Raises `sqlite3.DatabaseError` if the file is damaged.

        A thumbnail that is not what was written counts as missing.
        """
        if not self.path.exists():
            return {}
        marks = ", ".join("?" * len(rows))
        with closing(connect_to_existing(self.path)) as connection:
            found = connection.execute(f"SELECT {_COLUMNS} FROM thumbnail WHERE row IN ({marks})", tuple(rows))
            return {row: bytes(webp) for row, webp, stored in found if stored == _checksum(row, webp)}

    def put(self, thumbnails: Iterable[tuple[int, bytes]]) -> None:
        """Store (row, WebP bytes) pairs; a damaged file is deleted first."""
        pairs = list(thumbnails)
        try:
            self._put(pairs)
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s) and was deleted: `panelseek verify --repair` fills it", self.path, error)
            self.clear()
            self._put(pairs)

    def _put(self, thumbnails: list[tuple[int, bytes]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection, connection:
            connection.execute(_CREATE)
            rows = ((row, webp, _checksum(row, webp)) for row, webp in thumbnails)
            connection.executemany(f"INSERT OR REPLACE INTO thumbnail ({_COLUMNS}) VALUES (?, ?, ?)", rows)

    def copy(self, rows: Iterable[tuple[int, int]]) -> None:
        """Store the thumbnails of rows under other rows too: (row, other row) pairs."""
        pairs = list(rows)
        for start in range(0, len(pairs), _COPIED):
            block = pairs[start : start + _COPIED]
            stored = self.get_many([row for row, _ in block])
            copies = [(other, stored[row]) for row, other in block if row in stored]
            if copies:
                self.put(copies)

    def stored_rows(self) -> set[int]:
        """Return the rows that have a thumbnail. Raises `sqlite3.DatabaseError` if the file is damaged."""
        if not self.path.exists():
            return set()
        with closing(connect_to_existing(self.path)) as connection:
            return {row for (row,) in connection.execute("SELECT row FROM thumbnail")}

    def remove(self, rows: Iterable[int]) -> None:
        """Delete the thumbnails of rows."""
        self._delete("row = ?", list(rows))

    def truncate(self, rows: int) -> None:
        """Delete the thumbnails from row `rows` on: an interrupted build drew them for rows without a panel."""
        self._delete("row >= ?", [rows])

    def _delete(self, condition: str, values: list[int]) -> None:
        if not values or not self.path.exists():
            return
        with suppress(sqlite3.DatabaseError), closing(self._connect()) as connection, connection:
            connection.executemany(f"DELETE FROM thumbnail WHERE {condition}", [(v,) for v in values])

    def vacuum(self) -> None:
        """Free the space of deleted thumbnails, unless a reader has the file open."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), closing(self._connect()) as connection:
                connection.execute("VACUUM")

    def clear(self) -> None:
        """Delete the file."""
        for path in self.path.parent.glob("thumbnails.sqlite*"):
            path.unlink()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30)
        # derived data: thumbnails lost in a power cut are drawn again
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        return connection


def _checksum(row: int, webp: object) -> int:
    """Return the checksum of a thumbnail with its row, so that exchanged ones are noticed."""
    return integer_checksum(b"%d " % row + webp) if isinstance(webp, bytes) else 0
