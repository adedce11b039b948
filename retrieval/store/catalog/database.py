"""Database engines of the catalog: pragmas, and database errors as Panelseek's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL, Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from retrieval.errors import IndexDamaged, IndexError_, UsageError
from retrieval.store.catalog.tables import SettingRow
from retrieval.store.checksums import add_sql_function
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.sqlite import connect_to_existing

_BUSY_TIMEOUT_MS = 30_000
"""Milliseconds that SQLite waits for a lock."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_WRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_UNDECODABLE = "Could not decode to UTF-8"
"""Beginning of the message for damaged text; Python's module gives such an error no code."""

_PRIMARY_CODE = 0xFF
"""Bits of SQLite's primary error code; the higher ones are details."""


def make_engine(url: URL, writable: bool = False) -> Engine:
    """Return an engine for a database URL; a SQLite file is opened read-only unless `writable`.

    Raises `UsageError` if the database or its driver cannot be used.
    """
    try:
        if url.get_backend_name() == "sqlite" and not writable:
            engine = create_engine(url, creator=partial(connect_to_existing, Path(url.database or "")))
        else:
            engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"the catalog's database cannot be used ({error})",
            url.render_as_string(hide_password=True),
            "install its driver, or name another database",
        ) from error
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, writable)
    return engine


def has_schema(engine: Engine) -> bool:
    """Return True if the database holds a catalog; one whose creation was interrupted has no version."""
    if not inspect(engine).has_table(SettingRow.__tablename__):
        return False
    with Session(engine) as session:
        return session.get(SettingRow, "schema_version") is not None


def location(engine: Engine) -> str:
    """Return the path of a SQLite file, or the URL of another database without its password."""
    return engine.url.database or engine.url.render_as_string(hide_password=True)


@contextmanager
def reading_errors(engine: Engine) -> Iterator[None]:
    """Raise `IndexDamaged` for a file that is not a database."""
    try:
        yield
    except DBAPIError as error:
        engine.dispose()
        problem = f"the file cannot be read as a catalog ({error.orig})"
        raise IndexDamaged(problem, location(engine), RESTORE_HINT) from error


def check_database(connection: Connection) -> list[str]:
    """Return the faults that SQLite finds in its own file; none for another database."""
    if connection.dialect.name != "sqlite":
        return []
    faults = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars() if line != "ok"]
    broken = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
    return [*faults, *([f"{broken} rows name a row that does not exist"] if broken else [])]


def _configure_sqlite(engine: Engine, writable: bool) -> None:
    event.listen(engine, "connect", _set_pragmas)
    if writable:
        event.listen(engine, "connect", _enable_wal)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    event.listen(engine, "handle_error", _translate_sqlite_error)


def _set_pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, also around CREATE TABLE
    for pragma in ("foreign_keys = ON", "synchronous = NORMAL", f"busy_timeout = {_BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")
    add_sql_function(connection)


def _enable_wal(connection: Any, _: object) -> None:
    """Turn on write-ahead logging, so that readers work during a build; the file keeps this setting."""
    connection.execute("PRAGMA journal_mode = WAL")


def _translate_sqlite_error(context: ExceptionContext) -> None:
    """Raise `IndexDamaged` for damage and `IndexError_` for a disk that cannot be written."""
    error = context.original_exception
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE  # errors of the module have no code
    path = location(context.engine) if context.engine is not None else None
    if code in _DAMAGED or _UNDECODABLE in str(error):
        raise IndexDamaged(f"the catalog is damaged ({error})", path, RESTORE_HINT) from error
    if code in _NOT_WRITABLE:
        hint = "check the disk, then run the same command again"
        raise IndexError_(f"the catalog cannot be written ({error})", path, hint) from error
