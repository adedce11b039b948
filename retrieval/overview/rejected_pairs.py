"""Pairs of panels that people marked as not the same, by panel id: `rejected_pairs.sqlite` in the index folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from retrieval.store.sqlite import file_error, read_or, write_transaction

FILE = "rejected_pairs.sqlite"
_NAME = "the list of rejected pairs"
_RESTORE = "restore it from a copy, or delete it"


class RejectedPairs:
    """The rejected pairs of one index; an id never changes its panel, so pairs outlast a rebuild."""

    def __init__(self, index: Path) -> None:
        self.path = index / FILE

    def pairs(self) -> set[tuple[int, int]]:
        """Return every pair, the lower id first.

        Raises `IndexDamaged` if the file is not such a database, `IndexLocked` if another program has it locked.
        """

        def read(connection: sqlite3.Connection) -> set[tuple[int, int]]:
            return {(int(a), int(b)) for a, b in connection.execute("SELECT a, b FROM rejected")}

        return read_or(self.path, _NAME, _RESTORE, read, set())

    def add(self, panel: int, others: Iterable[int]) -> None:
        """Mark a panel as not the same as each of the others. Raises `IndexError_` if the file cannot be written."""
        self._write("INSERT OR IGNORE INTO rejected VALUES (?, ?)", panel, others)

    def remove(self, panel: int, others: Iterable[int]) -> None:
        """Take marks back. Raises `IndexError_` if the file cannot be written."""
        self._write("DELETE FROM rejected WHERE a = ? AND b = ?", panel, others)

    def _write(self, sql: str, panel: int, others: Iterable[int]) -> None:
        pairs = [(min(panel, other), max(panel, other)) for other in others if other != panel]
        try:
            # EXTRA also syncs the name of the deleted journal
            with write_transaction(self.path, synchronous="EXTRA") as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS rejected (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
                connection.executemany(sql, pairs)
        except sqlite3.DatabaseError as error:
            raise file_error(_NAME, self.path, error, _RESTORE) from error
