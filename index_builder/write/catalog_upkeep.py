"""Upkeep of the catalog: syncs, places of vectors, full text, and disk space."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Unpack

from sqlalchemy import update

from index_builder.write.catalog_rows import all_dialogue
from index_builder.write.text_changes import apply_changes, drop_changes
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.database import checkpoint, location, write_connection, write_session
from retrieval.store.catalog.settings_table import write_settings
from retrieval.store.catalog.tables import PanelRow
from retrieval.store.settings import SettingChanges
from retrieval.store.sqlite import fault_of

log = logging.getLogger("panelseek")


class CatalogUpkeep(Catalog):
    """The part of the writable catalog that changes no book, page or panel."""

    def switch_generation(self, number: int, **changes: Unpack[SettingChanges]) -> None:
        """Make a generation the searched one, with the full text of its panels and these settings, all or none."""
        with write_session(self.engine) as session:
            apply_changes(session.connection(), self._text)
            write_settings(session, {**changes, "generation": number, "generation_stale": False})

    def sync(self) -> None:
        """Sync commits that a killed process may have left unsynced; every commit of this process is synced.

        Call it before anything is erased that those commits no longer name.
        """
        log_file = Path(f"{location(self.engine)}-wal")
        if self.engine.dialect.name == "sqlite" and log_file.exists() and log_file.stat().st_size:
            with write_session(self.engine) as session:  # the sync of a commit covers all earlier ones
                # deleted and inserted: SQLite neither writes nor syncs an update that changes nothing
                write_settings(session, {"schema_version": self.opened_settings.schema_version})

    def replace_vectors(self, panels: Sequence[tuple[int, int, bytes]]) -> None:
        """Write new (panel id, vector row, checksums) of panels that were encoded again, in one transaction."""
        rows = [{"id": i, "vector_row": row, "vector_checksums": sums} for i, row, sums in panels]
        with write_session(self.engine) as session:
            write_settings(session, {"generation_stale": True})
            session.execute(update(PanelRow), rows)

    def rebuild_full_text(self) -> None:
        """Make the full text again from the panels."""
        with write_connection(self.engine) as writer:
            self._text.rebuild(writer, all_dialogue(writer))
            drop_changes(writer)

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
