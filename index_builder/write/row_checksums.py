"""Triggers that write the checksum of every catalog row in the transaction that writes the row; SQLite only.

They are temporary, which means of one connection: another program that edits the catalog leaves rows whose checksum
does not match. A row that was damaged before an update keeps a checksum that does not match.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from retrieval.store.catalog.tables import (
    CHECKED_TABLES,
    Base,
    RowChecksumRow,
    row_checksum_sql,
    row_key_sql,
)

_SUMS = RowChecksumRow.__tablename__


def keep_row_checksums(engine: Engine) -> None:
    """Install the triggers on every connection of an engine whose database has the tables."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _install)


def install_triggers(connection: Connection) -> None:
    """Install the triggers on a connection that has just created the tables."""
    if connection.dialect.name == "sqlite":
        for statement in _triggers():
            connection.exec_driver_sql(statement)


def reset_checksums(connection: Connection, table: type[Base]) -> None:
    """Write the checksums of a table again; call it after its damaged rows were replaced or deleted."""
    if connection.dialect.name != "sqlite":
        return
    name = table.__tablename__
    connection.execute(text(f"DELETE FROM {_SUMS} WHERE table_name = :name"), {"name": name})
    key, sum_ = row_key_sql(table, "t"), row_checksum_sql(table, "t")
    connection.exec_driver_sql(f"INSERT INTO {_SUMS} SELECT '{name}', {key}, {sum_} FROM {name} t")


def _install(connection: Any, _: object) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_SUMS,)).fetchone():
        for statement in _triggers():
            connection.execute(statement)


def _triggers() -> Iterator[str]:
    for table in CHECKED_TABLES:
        name, begin = table.__tablename__, "CREATE TEMP TRIGGER IF NOT EXISTS"
        new_key, new_sum = row_key_sql(table, "new"), row_checksum_sql(table, "new")
        old_key, old_sum = row_key_sql(table, "old"), row_checksum_sql(table, "old")
        place = f"WHERE table_name = '{name}' AND row_key = {old_key}"
        yield f"""{begin} {name}_inserted AFTER INSERT ON main.{name} BEGIN
            INSERT OR REPLACE INTO {_SUMS} VALUES ('{name}', {new_key}, {new_sum}); END"""
        yield f"""{begin} {name}_updated AFTER UPDATE ON main.{name} BEGIN
            UPDATE {_SUMS} SET row_key = {new_key},
                checksum = CASE WHEN checksum = {old_sum} THEN {new_sum} ELSE checksum END {place}; END"""
        yield f"""{begin} {name}_deleted AFTER DELETE ON main.{name} BEGIN
            DELETE FROM {_SUMS} {place}; END"""
