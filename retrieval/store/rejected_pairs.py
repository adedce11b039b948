"""Pairs of panels that people marked as not the same, by panel id: `rejected_pairs.sqlite` in the index folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from retrieval.errors import IndexDamaged
from retrieval.store.sqlite import connect_to_existing, disk_error, fault_of

FILE = "rejected_pairs.sqlite"


class RejectedPairs:
    """The rejected pairs of one index; an id never changes its panel, so pairs outlast a rebuild."""

    def __init__(self, index: Path) -> None:
        self.path = index / FILE

    def pairs(self) -> set[tuple[int, int]]:
        """Return every pair, the lower id first. Raises `IndexDamaged` if the file is not such a database."""
        if not self.path.exists():
            return set()
        try:
            with closing(connect_to_existing(self.path)) as connection:
                return {(a, b) for a, b in connection.execute("SELECT a, b FROM rejected")}
        except sqlite3.OperationalError as error:
            if fault_of(error) == "other":  # a file without its table: the process that made it died
                return set()
            raise disk_error("the list of rejected pairs", self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def add(self, panel: int, others: Iterable[int]) -> None:
        """Mark a panel as not the same as each of the others. Raises `IndexError_` if the file cannot be written."""
        self._write("INSERT OR IGNORE INTO rejected VALUES (?, ?)", panel, others)

    def remove(self, panel: int, others: Iterable[int]) -> None:
        """Take marks back. Raises `IndexError_` if the file cannot be written."""
        self._write("DELETE FROM rejected WHERE a = ? AND b = ?", panel, others)

    def _write(self, sql: str, panel: int, others: Iterable[int]) -> None:
        pairs = [(min(panel, other), max(panel, other)) for other in others if other != panel]
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                connection.execute("PRAGMA synchronous = EXTRA")  # also syncs the name of the deleted journal
                connection.execute("CREATE TABLE IF NOT EXISTS rejected (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
                connection.executemany(sql, pairs)
        except sqlite3.OperationalError as error:
            raise disk_error("the list of rejected pairs", self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.DatabaseError) -> IndexDamaged:
        problem = f"the list of rejected pairs is damaged ({error})"
        return IndexDamaged(problem, self.path, "restore it from a copy, or delete it")
