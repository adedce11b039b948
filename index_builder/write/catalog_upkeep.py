"""Upkeep of the catalog: syncs, full text, and disk space."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import update

from index_builder.write.catalog_rows import all_dialogue
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.database import checkpoint, location, write_connection
from retrieval.store.catalog.tables import SettingRow
from retrieval.store.sqlite import fault_of

log = logging.getLogger("panelseek")


class CatalogUpkeep(Catalog):
    """The part of the writable catalog that changes nothing that it says."""

    def sync(self) -> None:
        """Sync commits that a killed process may have left unsynced; every commit of this process is synced.

        Call it before anything is erased that those commits no longer name.
        """
        log_file = Path(f"{location(self.engine)}-wal")
        if self.engine.dialect.name == "sqlite" and log_file.exists() and log_file.stat().st_size:
            with write_connection(self.engine) as connection:  # the sync of a commit covers all earlier ones
                connection.execute(update(SettingRow).values(value=SettingRow.value))

    def rebuild_full_text(self) -> None:
        """Make the full text again from the panels."""
        with write_connection(self.engine) as writer:
            self._text.rebuild(writer, all_dialogue(writer))

    def vacuum(self) -> None:
        """Free the space of deleted rows of a SQLite database.

        Not while another process has it open, nor without room for its copy: that is logged, since the rows are gone
        and the next rows take their space.
        """
        if self.engine.dialect.name == "sqlite":
            with write_connection(self.engine) as writer:
                self._text.optimize(writer)
            try:
                with closing(self.engine.raw_connection()) as connection:
                    connection.cursor().execute("VACUUM")  # never inside a transaction
            except sqlite3.OperationalError as error:
                if fault_of(error) == "disk":
                    log.warning("%s keeps the space of deleted rows for new ones (%s)", location(self.engine), error)

    def checkpoint(self) -> None:
        """Move SQLite's write-ahead log into the database file, so that the folder can be copied.

        Readers do not hold it up: what they still need stays in the log.
        """
        if self.engine.dialect.name == "sqlite":
            checkpoint(self.engine)
