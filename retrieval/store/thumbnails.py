"""Thumbnails of panels, derived, in one SQLite file: `thumbnails/thumbnails.sqlite`, WebP by vector row.

The key is the vector row because every encoding gets a new one. A changed panel therefore never has its old thumbnail.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from retrieval.store.checksums import integer_checksum
from retrieval.store.sqlite import connect_to_existing, disk_error, fault_of, locked_error, write_transaction

log = logging.getLogger("panelseek")

_NAME = "the file of thumbnails"
_SHORT_WAIT = 1.0
"""Seconds to wait for a lock where it is no loss to go on without: the comic is read, or space is freed later."""

_SQL_CHECKSUM = "thumbnail_checksum"
_CREATE = """CREATE TABLE IF NOT EXISTS thumbnail (
    row INTEGER PRIMARY KEY, webp BLOB NOT NULL, checksum INTEGER NOT NULL)"""
_PUT = f"INSERT OR REPLACE INTO thumbnail (row, webp, checksum) VALUES (?1, ?2, {_SQL_CHECKSUM}(?1, ?2))"
_COPY = f"""INSERT OR REPLACE INTO thumbnail (row, webp, checksum) SELECT ?2, webp, {_SQL_CHECKSUM}(?2, webp)
    FROM thumbnail WHERE row = ?1 AND checksum = {_SQL_CHECKSUM}(?1, webp)"""


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
            return self._read(rows, _SHORT_WAIT)
        except sqlite3.DatabaseError:
            return {}

    def read(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row like `get_many`. A thumbnail that is not what was written counts as missing.

        Raises `sqlite3.DatabaseError` if the file is damaged, `IndexLocked` if another program has it locked.
        """
        try:
            return self._read(rows)
        except sqlite3.DatabaseError as error:
            if fault_of(error) == "locked":
                raise locked_error(_NAME, self.path) from error
            raise

    def _read(self, rows: Sequence[int], timeout: float | None = None) -> dict[int, bytes]:
        if not self.path.exists():
            return {}
        marks = ", ".join("?" * len(rows))
        statement = f"SELECT row, webp, checksum FROM thumbnail WHERE row IN ({marks})"
        with closing(connect_to_existing(self.path, timeout)) as connection:
            found = connection.execute(statement, tuple(rows))
            return {row: bytes(webp) for row, webp, stored in found if stored == _checksum(row, webp)}

    def put(self, thumbnails: Iterable[tuple[int, bytes]]) -> None:
        """Store (row, WebP bytes) pairs; a damaged file is deleted first.

        Raises `IndexLocked` if another program has the file locked, `IndexError_` for a full disk.
        """
        pairs = list(thumbnails)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._change(_PUT, pairs):
            self._change(_PUT, pairs)

    def copy(self, rows: Iterable[tuple[int, int]]) -> None:
        """Store the thumbnails of rows under other rows too: (row, other row) pairs; damaged ones are left out."""
        if self.path.exists():
            self._change(_COPY, list(rows))

    def stored_rows(self) -> set[int]:
        """Return the rows that have a thumbnail.

        Raises `sqlite3.DatabaseError` if the file is damaged, `IndexLocked`
        if another program has it locked.
        """
        if not self.path.exists():
            return set()
        try:
            with closing(connect_to_existing(self.path)) as connection:
                return {row for (row,) in connection.execute("SELECT row FROM thumbnail")}
        except sqlite3.DatabaseError as error:
            if fault_of(error) == "locked":
                raise locked_error(_NAME, self.path) from error
            raise

    def remove(self, rows: Iterable[int]) -> None:
        """Delete the thumbnails of rows."""
        self._delete("row = ?", list(rows))

    def truncate(self, rows: int) -> None:
        """Delete the thumbnails from row `rows` on: an interrupted build drew them for rows without a panel."""
        self._delete("row >= ?", [rows])

    def _delete(self, condition: str, values: list[int]) -> None:
        if values and self.path.exists():
            self._change(f"DELETE FROM thumbnail WHERE {condition}", [(v,) for v in values])

    def _change(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Run a statement for each of the rows in one transaction that is synced; delete a damaged file instead.

        Returns False if the file was damaged. Raises `IndexError_` for any other error: a full disk or a lock is no
        damage.
        """
        try:
            # synced: a row that an interrupted build drew is deleted for certain before its number is used again
            with write_transaction(self.path, wal=True) as connection:
                connection.create_function(_SQL_CHECKSUM, 2, _checksum, deterministic=True)
                connection.execute(_CREATE)
                connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            if fault_of(error) == "locked":
                raise locked_error(_NAME, self.path) from error
            if fault_of(error) != "damaged":
                raise disk_error(_NAME, self.path, error) from error
            log.warning("%s is damaged (%s) and was deleted: `panelseek verify --repair` fills it", self.path, error)
            self.clear()
            return False
        return True

    def vacuum(self) -> None:
        """Free the space of deleted thumbnails, unless a reader has the file open or the disk has no room for it."""
        if self.path.exists():
            with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(self.path, timeout=_SHORT_WAIT)) as file:
                file.execute("VACUUM")

    def clear(self) -> None:
        """Delete the file."""
        for path in self.path.parent.glob("thumbnails.sqlite*"):
            path.unlink()


def _checksum(row: int, webp: object) -> int:
    """Return the checksum of a thumbnail with its row, so that exchanged ones are noticed."""
    return integer_checksum(b"%d " % row + webp) if isinstance(webp, bytes) else 0
