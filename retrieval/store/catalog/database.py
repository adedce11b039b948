"""Database engines of the catalog: pragmas, and database errors as Panelseek's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event, inspect, select
from sqlalchemy.engine import URL, Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from retrieval.errors import IndexDamaged, IndexError_, UsageError
from retrieval.store import sqlite
from retrieval.store.catalog.tables import SettingRow, SourceRow
from retrieval.store.checksums import add_sql_function
from retrieval.store.hints import RESTORE_HINT

_BEGIN = "panelseek_begin"
"""Execution option: how transactions begin, if not with a plain BEGIN."""

_CHECKPOINT_MS = 1_000
"""Milliseconds that a checkpoint waits for readers; the next one moves what they still read."""


def make_engine(url: URL, writable: bool = False, synced: bool = False) -> Engine:
    """Return an engine for a database URL; without `writable`, a SQLite file must exist.

    synced: its commits are synced, as those of a writable one always are.
    Raises `UsageError` if the database or its driver cannot be used.
    """
    try:
        if url.get_backend_name() == "sqlite" and not writable:
            path = Path(url.database or "")
            # a file that cannot be written may be opened as immutable: then every query looks at it anew
            pool = {} if sqlite.is_writable(path) else {"poolclass": NullPool}
            engine = create_engine(url, creator=partial(sqlite.connect_to_existing, path), **pool)
        else:
            engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"the catalog's database cannot be used ({error})",
            url.render_as_string(hide_password=True),
            "install its driver, or name another database",
        ) from error
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, writable, synced)
    return engine


def has_schema(engine: Engine) -> bool:
    """Return True if the database holds a catalog; one whose creation was interrupted has no version.

    Raises `IndexDamaged` if the version is gone although there are sources.
    """
    if not inspect(engine).has_table(SettingRow.__tablename__):
        return False
    with Session(engine) as session:
        if session.scalar(select(SettingRow.key).where(SettingRow.key == "schema_version")) is not None:
            return True
        if session.scalar(select(SourceRow.id).limit(1)) is None:
            return False
    raise IndexDamaged("the setting schema_version of the index is missing", location(engine), RESTORE_HINT)


def location(engine: Engine) -> str:
    """Return the path of a SQLite file, or the URL of another database without its password."""
    return engine.url.database or engine.url.render_as_string(hide_password=True)


@contextmanager
def reading_errors(engine: Engine) -> Iterator[None]:
    """Raise `IndexDamaged` for a file that is not a database; close the engine after any error."""
    try:
        yield
    except IndexError_:
        engine.dispose()
        raise
    except DBAPIError as error:
        engine.dispose()
        problem = f"the file cannot be read as a catalog ({error.orig})"
        raise IndexDamaged(problem, location(engine), RESTORE_HINT) from error


@contextmanager
def write_session(engine: Engine) -> Iterator[Session]:
    """Yield a session in one transaction, committed at the end.

    A SQLite transaction is immediate: one that reads first could not wait for another writer, and would fail at once.
    """
    with Session(_immediate(engine)) as session, session.begin():
        yield session


def write_connection(engine: Engine) -> AbstractContextManager[Connection]:
    """Return a connection in one transaction, committed at the end; see `write_session`."""
    return _immediate(engine).begin()


def checkpoint(engine: Engine) -> None:
    """Move SQLite's write-ahead log into the database; wait for readers and other writers for a second at most."""
    with engine.connect() as connection:
        for pragma in (f"busy_timeout = {_CHECKPOINT_MS}", "wal_checkpoint(TRUNCATE)", f"busy_timeout = {_busy_ms()}"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")


def _busy_ms() -> int:
    return round(1000 * sqlite.BUSY_SECONDS)


def _immediate(engine: Engine) -> Engine:
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def check_database(connection: Connection) -> list[str]:
    """Return the faults that SQLite finds in its own file; none for another database."""
    if connection.dialect.name != "sqlite":
        return []
    faults = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars() if line != "ok"]
    broken = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
    return [*faults, *([f"{broken} rows name a row that does not exist"] if broken else [])]


def _configure_sqlite(engine: Engine, writable: bool, synced: bool) -> None:
    if writable:
        event.listen(engine, "connect", lambda connection, _: sqlite.enable_wal(connection))
    event.listen(engine, "connect", _set_pragmas)
    if writable or synced:
        event.listen(engine, "connect", _sync_commits)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _translate_sqlite_error)


def _set_pragmas(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, also around CREATE TABLE
    for pragma in ("foreign_keys = ON", "synchronous = NORMAL", f"busy_timeout = {_busy_ms()}"):
        connection.execute(f"PRAGMA {pragma}")
    add_sql_function(connection)


def _sync_commits(connection: Any, _: object) -> None:
    """Sync every commit: it is on the disk before what it no longer names is erased. Readers commit nothing."""
    connection.execute("PRAGMA synchronous = EXTRA")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _translate_sqlite_error(context: ExceptionContext) -> None:
    """Raise `IndexDamaged` for damage, `IndexLocked` for a lock, `IndexError_` for a disk that cannot be written."""
    error = context.original_exception
    path = location(context.engine) if context.engine is not None else None
    fault = sqlite.fault_of(error)
    if fault == "damaged":
        raise IndexDamaged(f"the catalog is damaged ({error})", path, RESTORE_HINT) from error
    if fault == "locked":
        raise sqlite.locked_error("the catalog", path) from error
    if fault == "disk" and (path is None or Path(path).exists()):
        raise sqlite.disk_error("the catalog", path, error) from error
