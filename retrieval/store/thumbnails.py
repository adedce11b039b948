"""Small pictures of panels, derived, in one SQLite file: `thumbnails/thumbnails.sqlite`, WebP by vector row.

Keyed by vector row because every encoding gets a new one, so a changed panel cannot show its old picture.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from retrieval.store.sqlite import connect_read_only

log = logging.getLogger("panelseek")


class Thumbnails:
    """Reads and writes the file; a missing or damaged one reads as empty, since it can be made again."""

    def __init__(self, index: Path) -> None:
        self.path = index / "thumbnails" / "thumbnails.sqlite"

    def get(self, row: int) -> bytes | None:
        return self.get_many([row]).get(row)

    def get_many(self, rows: Sequence[int]) -> dict[int, bytes]:
        """WebP bytes by row, of those rows (1,000 at most) that have a picture."""
        if not self.path.exists():
            return {}
        marks = ", ".join("?" * len(rows))
        try:
            with closing(connect_read_only(self.path)) as connection:
                found = connection.execute(f"SELECT row, webp FROM thumbnail WHERE row IN ({marks})", tuple(rows))
                return {row: bytes(webp) for row, webp in found}
        except sqlite3.DatabaseError:
            return {}

    def put(self, pictures: Iterable[tuple[int, bytes]]) -> None:
        """Keep (row, WebP bytes) pairs; a damaged file is thrown away first, it can be made again."""
        kept = list(pictures)
        try:
            self._put(kept)
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s) and starts anew: `panelseek verify --repair` fills it", self.path, error)
            self.clear()
            self._put(kept)

    def _put(self, pictures: list[tuple[int, bytes]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS thumbnail (row INTEGER PRIMARY KEY, webp BLOB NOT NULL)")
            connection.executemany("INSERT OR REPLACE INTO thumbnail VALUES (?, ?)", pictures)

    def copy(self, rows: Iterable[tuple[int, int]]) -> None:
        """Keep the picture of a row for another one too: (row, other row) pairs."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), closing(self._connect()) as connection, connection:
                insert = "INSERT OR REPLACE INTO thumbnail SELECT ?2, webp FROM thumbnail WHERE row = ?1"
                connection.executemany(insert, list(rows))

    def stored_rows(self) -> set[int]:
        """Rows that have a picture. Raises `sqlite3.DatabaseError` when the file is damaged."""
        if not self.path.exists():
            return set()
        with closing(connect_read_only(self.path)) as connection:
            return {row for (row,) in connection.execute("SELECT row FROM thumbnail")}

    def remove(self, rows: Iterable[int]) -> None:
        """Drop the pictures of rows that no panel names any more."""
        self._delete("row = ?", list(rows))

    def truncate(self, rows: int) -> None:
        """Drop the pictures from row `rows` on: what an interrupted build drew for a tail nobody named."""
        self._delete("row >= ?", [rows])

    def _delete(self, condition: str, values: list[int]) -> None:
        if not values or not self.path.exists():
            return
        with suppress(sqlite3.DatabaseError), closing(self._connect()) as connection, connection:
            connection.executemany(f"DELETE FROM thumbnail WHERE {condition}", [(v,) for v in values])

    def vacuum(self) -> None:
        """Give the space of forgotten pictures back to the disk; a reader in the way puts it off."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), closing(self._connect()) as connection:
                connection.execute("VACUUM")

    def clear(self) -> None:
        for path in self.path.parent.glob("thumbnails.sqlite*"):
            path.unlink()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30)
        # derived data: losing the last batch to a power cut costs a decode, not a comic
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        return connection
