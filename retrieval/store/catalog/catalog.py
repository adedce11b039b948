"""The catalog: books, pages and panels, their text, and the rows of their vectors.

It is the source of truth; everything else in an index is derived from it and from the vectors.
`index_builder.write.catalog_writer` has everything that changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from sqlalchemy import inspect, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError

from retrieval.errors import IndexDamaged, IndexTooNew, IndexTooOld
from retrieval.store.catalog.cached.columns import CachedColumns
from retrieval.store.catalog.database import check_database, has_schema, location, make_engine, reading_errors
from retrieval.store.catalog.fulltext import FullText, full_text_for
from retrieval.store.catalog.library import LibraryReader
from retrieval.store.catalog.pages import PageReader
from retrieval.store.catalog.panels import PanelReader
from retrieval.store.catalog.settings_table import read_settings
from retrieval.store.catalog.tables import OLDEST_SCHEMA, SCHEMA_VERSION, Base, SettingRow, damaged_rows_sql
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.settings import NO_SCHEMA, IndexSettings


class Catalog:
    """The database of one index, opened for reading. Opening checks the schema; use it as a context manager."""

    def __init__(self, engine: Engine, opened_settings: IndexSettings) -> None:
        self.engine = engine
        self.opened_settings = opened_settings  # as they were on opening; `settings` reads them again
        self._text: FullText = full_text_for(engine)
        self._columns = CachedColumns(engine)
        self.panels = PanelReader(engine, self._text, self._columns)
        self.library = LibraryReader(engine, self._columns)
        self.pages = PageReader(engine)

    @classmethod
    def open(cls, url: URL | str, engine: Engine | None = None) -> Self:
        """Open an existing catalog.

        Raises `IndexDamaged` if the file is not a catalog, `IndexTooNew` or `IndexTooOld` if another version of
        Panelseek wrote it.
        """
        engine = engine or make_engine(make_url(url))
        with reading_errors(engine):
            settings = _read_settings_if_any(engine)
            if settings is None or settings.schema_version == NO_SCHEMA:
                has_schema(engine)  # raises if only its version is gone
                raise _incomplete(engine)
        _check_version(engine, settings.schema_version)
        return cls(engine, settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._columns.close()
        self.engine.dispose()

    def settings(self) -> IndexSettings:
        """Read the settings of the index."""
        return read_settings(self.engine)

    def check(self) -> list[str]:
        """Return a sentence for each fault inside the database; empty if there is none."""
        with self.engine.connect() as connection:
            return check_database(connection)

    def damaged_rows(self, table: type[Base], keys: Sequence[int] | None = None) -> list[str]:
        """Return the keys of rows that are not as they were written: altered, lost, or put there by another program.

        keys: of the rows to check, all without it. Empty for a database that is not SQLite.
        """
        if self.engine.dialect.name != "sqlite":
            return []
        found: list[str] = []
        with self.engine.connect() as connection:
            for statement in damaged_rows_sql(table, keys):
                found += [str(key) for key in connection.exec_driver_sql(statement).scalars()]
        return found


def _read_settings_if_any(engine: Engine) -> IndexSettings | None:
    """Read the settings; None if their table does not exist. Looking for the table first would cost every opening."""
    try:
        return read_settings(engine)
    except DBAPIError:
        if inspect(engine).has_table(SettingRow.__tablename__):
            raise
        return None


def _incomplete(engine: Engine) -> IndexDamaged:
    """Return the error for a database without a schema version, and close it."""
    tables = inspect(engine).get_table_names()
    engine.dispose()
    if tables and SettingRow.__tablename__ not in tables:
        return IndexDamaged("the database has no Panelseek tables", location(engine), RESTORE_HINT)
    return IndexDamaged("the catalog is not complete", location(engine), "run the same `panelseek build` again")


def _check_version(engine: Engine, version: int) -> None:
    """Raise `IndexTooNew` or `IndexTooOld`, and close the database, unless this program reads its schema."""
    if OLDEST_SCHEMA <= version <= SCHEMA_VERSION:
        return
    engine.dispose()
    if version > SCHEMA_VERSION:
        raise IndexTooNew(
            f"the catalog has schema version {version}; this Panelseek reads up to {SCHEMA_VERSION}",
            location(engine),
            "update Panelseek, or build a new index with this version",
        )
    raise IndexTooOld(
        f"the catalog has schema version {version}; this Panelseek reads {OLDEST_SCHEMA} to {SCHEMA_VERSION}",
        location(engine),
        "delete the index folder and build it again, or build into another --index",
    )
