"""Thumbnails of panels and their keypoints, derived, in one SQLite file by vector row: `thumbnails/thumbnails.sqlite`.

The key is the vector row because every encoding gets a new one. A changed panel therefore never has its old thumbnail.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from retrieval.store.checksums import integer_checksum
from retrieval.store.sqlite import connect_to_existing, disk_error, fault_of, locked_error, write_transaction

log = logging.getLogger("panelseek")

_NAME = "the file of thumbnails"
_SHORT_WAIT = 1.0
"""Seconds to wait for a lock where it is no loss to go on without: the comic is read, or space is freed later."""

_SQL_CHECKSUM = "thumbnail_checksum"
_COLUMNS = {"thumbnail": "webp", "keypoints": "packed"}
"""The column with the bytes of each table. An index of an earlier release has no table of keypoints."""

_Rows = Sequence[tuple[Any, ...]]
_Statements = Sequence[tuple[str, _Rows]]
"""SQL statements, each with the values that it runs for."""


class Thumbnails:
    """The thumbnails of one index and their keypoints; a missing or damaged file counts as empty."""

    def __init__(self, index: Path) -> None:
        self.path = index / "thumbnails" / "thumbnails.sqlite"

    def get(self, row: int) -> bytes | None:
        """Return the WebP bytes of a row, or None."""
        return self.get_many([row]).get(row)

    def get_many(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row, of those `rows` (1,000 at most) that have a thumbnail."""
        return self._get("thumbnail", rows)

    def get_keypoints(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return packed keypoints by row, of those `rows` (1,000 at most) that have some stored."""
        return self._get("keypoints", rows)

    def _get(self, table: str, rows: Sequence[int]) -> dict[int, bytes]:
        try:
            return self._read(table, rows, _SHORT_WAIT)
        except sqlite3.DatabaseError:
            return {}

    def read(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return WebP bytes by row like `get_many`. A thumbnail that is not what was written counts as missing.

        Raises `sqlite3.DatabaseError` if the file is damaged, `IndexLocked` if another program has it locked.
        """
        with _locks_named(self.path):
            return self._read("thumbnail", rows)

    def read_keypoints(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return packed keypoints by row like `get_keypoints`; raise errors as `read` does."""
        with _locks_named(self.path):
            return self._read("keypoints", rows)

    def _read(self, table: str, rows: Sequence[int], timeout: float | None = None) -> dict[int, bytes]:
        marks = ", ".join("?" * len(rows))
        statement = f"SELECT row, {_COLUMNS[table]}, checksum FROM {table} WHERE row IN ({marks})"
        found = self._select(table, statement, tuple(rows), timeout)
        return {row: bytes(content) for row, content, stored in found if stored == _checksum(row, content)}

    def _select(
        self, table: str, statement: str, values: Sequence[int] = (), timeout: float | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows that a statement finds in a table; none if there is no such file or table."""
        if not self.path.exists():
            return []
        with closing(connect_to_existing(self.path, timeout)) as connection:
            tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
            if table != "thumbnail" and not connection.execute(tables, (table,)).fetchall():
                return []
            return connection.execute(statement, values).fetchall()

    def put(self, thumbnails: Iterable[tuple[int, bytes]], keypoints: Iterable[tuple[int, bytes]] = ()) -> None:
        """Store (row, WebP bytes) pairs, and (row, packed keypoints) pairs; a damaged file is deleted first.

        Keypoints that a row had before go with its old thumbnail.
        Raises `IndexLocked` if another program has the file locked, `IndexError_` for a full disk.
        """
        pairs = list(thumbnails)
        statements: _Statements = [
            (_put("thumbnail"), pairs),
            ("DELETE FROM keypoints WHERE row = ?", [(row,) for row, _ in pairs]),
            (_put("keypoints"), list(keypoints)),
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._change(statements):
            self._change(statements)

    def copy(self, rows: Iterable[tuple[int, int]]) -> None:
        """Store the thumbnails of rows under other rows too: (row, other row) pairs; damaged ones are left out."""
        if self.path.exists():
            pairs = list(rows)
            self._change([(_copy(table), pairs) for table in _COLUMNS])

    def stored_rows(self) -> set[int]:
        """Return the rows that have a thumbnail.

        Raises `sqlite3.DatabaseError` if the file is damaged, `IndexLocked`
        if another program has it locked.
        """
        with _locks_named(self.path):
            return {row for (row,) in self._select("thumbnail", "SELECT row FROM thumbnail")}

    def keypoint_rows(self) -> set[int]:
        """Return the rows that have keypoints; raise errors as `stored_rows` does."""
        with _locks_named(self.path):
            return {row for (row,) in self._select("keypoints", "SELECT row FROM keypoints")}

    def remove(self, rows: Iterable[int]) -> None:
        """Delete the thumbnails of rows, and their keypoints."""
        self._delete("row = ?", list(rows))

    def truncate(self, rows: int) -> None:
        """Delete the thumbnails from row `rows` on: an interrupted build drew them for rows without a panel."""
        self._delete("row >= ?", [rows])

    def _delete(self, condition: str, values: list[int]) -> None:
        if values and self.path.exists():
            pairs = [(v,) for v in values]
            self._change([(f"DELETE FROM {table} WHERE {condition}", pairs) for table in _COLUMNS])

    def _change(self, statements: _Statements) -> bool:
        """Run statements for each of their rows in one transaction that is synced; delete a damaged file instead.

        Returns False if the file was damaged. Raises `IndexError_` for any other error: a full disk or a lock is no
        damage.
        """
        try:
            # synced: a row that an interrupted build drew is deleted for certain before its number is used again
            with write_transaction(self.path, wal=True) as connection:
                connection.create_function(_SQL_CHECKSUM, 2, _checksum, deterministic=True)
                for table, column in _COLUMNS.items():
                    columns = f"row INTEGER PRIMARY KEY, {column} BLOB NOT NULL, checksum INTEGER NOT NULL"
                    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
                for statement, rows in statements:
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


@contextmanager
def _locks_named(path: Path) -> Iterator[None]:
    """Raise `IndexLocked` instead of SQLite's error if another program has the file locked."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if fault_of(error) == "locked":
            raise locked_error(_NAME, path) from error
        raise


def _put(table: str) -> str:
    columns = f"row, {_COLUMNS[table]}, checksum"
    return f"INSERT OR REPLACE INTO {table} ({columns}) VALUES (?1, ?2, {_SQL_CHECKSUM}(?1, ?2))"


def _copy(table: str) -> str:
    column = _COLUMNS[table]
    intact = f"SELECT ?2, {column}, {_SQL_CHECKSUM}(?2, {column}) FROM {table}"
    where = f"row = ?1 AND checksum = {_SQL_CHECKSUM}(?1, {column})"
    return f"INSERT OR REPLACE INTO {table} (row, {column}, checksum) {intact} WHERE {where}"


def _checksum(row: int, content: object) -> int:
    """Return the checksum of a thumbnail or of keypoints with their row, so that exchanged ones are noticed."""
    return integer_checksum(b"%d " % row + content) if isinstance(content, bytes) else 0
