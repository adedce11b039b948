"""Thumbnails of panels, derived, in one SQLite file: `thumbnails/thumbnails.sqlite`, WebP by vector row.

The key is the vector row because every encoding gets a new one. A changed panel therefore never has its old thumbnail.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from retrieval.store.sqlite import connect_to_existing, disk_error, fault_of, locked_error, write_transaction

log = logging.getLogger("panelseek")

_NAME = "the file of thumbnails"
_SHORT_WAIT = 1.0
"""Seconds to wait for a lock where it is no loss to go on without: the comic is read, or space is freed later."""


class Thumbnails:
    """The thumbnails of one index, for reading and writing; a missing or damaged file counts as empty."""

    def __init__(self, index: Path) -> None:
        self.path = index / "thumbnails" / "thumbnails.sqlite"

    def get(self, row: int) -> bytes | None:
        """Return the WebP bytes of a row, or None."""
        return self.get_many([row]).get(row)

    def get_many(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row, of those `rows` (1,000 at most) that have a thumbnail."""
        if not self.path.exists():
            return {}
        marks = ", ".join("?" * len(rows))
        try:
            with closing(connect_to_existing(self.path, _SHORT_WAIT)) as connection:
                stored = connection.execute(f"SELECT row, webp FROM thumbnail WHERE row IN ({marks})", tuple(rows))
                return {row: bytes(webp) for row, webp in stored}
        except sqlite3.DatabaseError:
            return {}

    def put(self, thumbnails: Iterable[tuple[int, bytes]]) -> None:
        """Store (row, WebP bytes) pairs; a damaged file is deleted first.

        Raises `IndexLocked` if another program has the file locked, `IndexError_` if it cannot be written.
        """
        pairs = list(thumbnails)
        try:
            with self._lock_and_disk_errors():
                self._put(pairs)
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s) and was deleted: `panelseek verify --repair` fills it", self.path, error)
            self.clear()
            self._put(pairs)

    def _put(self, thumbnails: list[tuple[int, bytes]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS thumbnail (row INTEGER PRIMARY KEY, webp BLOB NOT NULL)")
            connection.executemany("INSERT OR REPLACE INTO thumbnail VALUES (?, ?)", thumbnails)

    def copy(self, rows: Iterable[tuple[int, int]]) -> None:
        """Store the thumbnails of rows under other rows too: (row, other row) pairs."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), self._lock_and_disk_errors(), self._transaction() as connection:
                insert = "INSERT OR REPLACE INTO thumbnail SELECT ?2, webp FROM thumbnail WHERE row = ?1"
                connection.executemany(insert, list(rows))

    def stored_rows(self) -> set[int]:
        """Return the rows that have a thumbnail. Raises `sqlite3.DatabaseError` if the file is damaged."""
        if not self.path.exists():
            return set()
        with self._lock_and_disk_errors(), closing(connect_to_existing(self.path)) as connection:
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
        with suppress(sqlite3.DatabaseError), self._lock_and_disk_errors(), self._transaction() as connection:
            connection.executemany(f"DELETE FROM thumbnail WHERE {condition}", [(v,) for v in values])

    def vacuum(self) -> None:
        """Free the space of deleted thumbnails, unless a reader has the file open."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(self.path, timeout=_SHORT_WAIT)) as file:
                file.execute("VACUUM")

    def clear(self) -> None:
        """Delete the file."""
        for path in self.path.parent.glob("thumbnails.sqlite*"):
            path.unlink()

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        # derived data: thumbnails lost in a power cut are drawn again
        return write_transaction(self.path, wal=True, durable=False)

    @contextmanager
    def _lock_and_disk_errors(self) -> Iterator[None]:
        """Raise the errors of Panelseek for a lock and for the disk; other errors of SQLite mean damage."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if fault_of(error) == "locked":
                raise locked_error(_NAME, self.path) from error
            if fault_of(error) == "disk":
                raise disk_error(_NAME, self.path, error) from error
            raise
