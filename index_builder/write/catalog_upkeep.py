"""Upkeep of the catalog: full text, and disk space."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from sqlalchemy import select

from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import PanelRow


class CatalogUpkeep(Catalog):
    """The part of the writable catalog that changes nothing that it says."""

    def rebuild_full_text(self) -> None:
        """Make the full text again from the panels."""
        # through two connections: a table cannot be dropped while a result is open
        with self.engine.connect() as reader, self.engine.begin() as writer:
            rows = reader.execute(select(PanelRow.id, PanelRow.dialogue).where(PanelRow.dialogue != ""))
            self._text.rebuild(writer, ((int(i), str(d)) for i, d in rows))

    def vacuum(self) -> None:
        """Free the space of deleted rows of a SQLite database, unless another process has it open."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.begin() as writer:
                self._text.optimize(writer)
            with closing(self.engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):
                connection.cursor().execute("VACUUM")  # never inside a transaction

    def checkpoint(self) -> None:
        """Move SQLite's write-ahead log into the database file, so that the folder can be copied."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
