"""Connections to SQLite files: folders that cannot be written, locks of other programs, and kinds of errors."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from retrieval.errors import IndexDamaged, IndexError_, IndexLocked

BUSY_SECONDS = 30.0
"""Seconds to wait until another program releases its lock."""

LOCKED_HINT = "close that program or wait for it to end, then do the same again; everything written so far remains"
"""Suggested fix for a file that another program has locked."""

Result = TypeVar("Result")

Fault = Literal["locked", "damaged", "disk", "other"]

_FAULTS: dict[int, Fault] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_FULL: "disk",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_READONLY: "disk",
    sqlite3.SQLITE_CANTOPEN: "disk",
    sqlite3.SQLITE_PERM: "disk",
}
_PRIMARY_CODE = 0xFF
"""Bits of SQLite's primary error code; the higher ones are details."""

_UNDECODABLE = "Could not decode to UTF-8"
"""Beginning of the message for damaged text; Python's module gives such an error no code."""

_NO_SHARED_MEMORY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_WAL_WRITE_LOCK = 120
"""Byte of the `-shm` file that the writer of a write-ahead log locks (walformat of SQLite)."""

_ROLLBACK_LOCKS = 0x40000000
"""First byte of a database that SQLite locks without a write-ahead log (fileformat of SQLite)."""

_RETRY_SECONDS = 0.1


# ------------------------------------------------------------------- connecting


def connect_to_existing(path: Path, timeout: float | None = None) -> sqlite3.Connection:
    """Connect to an existing SQLite file, without ever creating one; `timeout` is `BUSY_SECONDS` by default.

    A file that may be written is opened for reading and writing: a reader of a write-ahead log needs its helper files.
    Otherwise it is opened read-only, and as immutable if no other program has it open: SQLite could not create these
    files. The same holds on a file system without shared memory.
    Raises `sqlite3.OperationalError` if there is no such file.
    """
    connection = _connect(path, "mode=rw" if is_writable(path) else _read_only_mode(path), timeout)
    try:
        read_schema(connection)  # a file is opened when it is first read
    except sqlite3.DatabaseError as error:
        if not lacks_shared_memory(error) or has_unmerged_changes(path):
            if fault_of(error) == "damaged" and not str(error).startswith(_UNDECODABLE):
                return connection  # the caller's first statement says so
            connection.close()
            raise
        connection.close()
        return _connect(path, "mode=ro&immutable=1", timeout)
    return connection


def read_schema(connection: sqlite3.Connection) -> None:
    """Read the schema, before any other statement does. Raises `sqlite3.DatabaseError` if that fails."""
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except UnicodeDecodeError:  # Python cannot decode SQLite's message about a damaged name
        raise sqlite3.OperationalError(f"{_UNDECODABLE}: a name in the schema is damaged") from None


def is_writable(path: Path) -> bool:
    """Return True if a file may be written, and others made next to it."""
    return os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)


def _connect(path: Path, mode: str, timeout: float | None) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    seconds = BUSY_SECONDS if timeout is None else timeout
    return sqlite3.connect(uri, uri=True, timeout=seconds, check_same_thread=False)


def _read_only_mode(path: Path) -> str:
    """Return how to open a file that cannot be written: as immutable unless another program writes it now."""
    in_use = path.with_name(f"{path.name}-shm").exists()
    return "mode=ro" if in_use or has_unmerged_changes(path) else "mode=ro&immutable=1"


def has_unmerged_changes(path: Path) -> bool:
    """Return True if the write-ahead log of a file is not empty: without it, an older state would be read."""
    log = path.with_name(f"{path.name}-wal")
    try:
        return log.stat().st_size > 0
    except OSError:
        return False


def lacks_shared_memory(error: BaseException) -> bool:
    """Return True for an error of opening a write-ahead log where memory cannot be shared, or no file made."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _NO_SHARED_MEMORY


def enable_wal(connection: sqlite3.Connection) -> None:
    """Turn on write-ahead logging, so that readers work during a build; the file keeps this setting.

    Waits for other programs, which SQLite itself does not do here. On a file system without shared memory the file
    goes back to a rollback journal; readers then wait while a build commits.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            read_schema(connection)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if fault_of(error) == "locked" and time.monotonic() < deadline:
                time.sleep(_RETRY_SECONDS)
            elif lacks_shared_memory(error):
                _leave_wal(connection)
                return
            else:
                raise


def _leave_wal(connection: sqlite3.Connection) -> None:
    """Go back to a rollback journal; an exclusive lock needs no shared memory."""
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = DELETE", "locking_mode = NORMAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # the next access releases the lock


@contextmanager
def write_transaction(
    path: Path, *, wal: bool = False, synchronous: str = "FULL", timeout: float | None = None
) -> Iterator[sqlite3.Connection]:
    """Connect for writing and hold one transaction, committed at the end; a missing file is created.

    The transaction is immediate: one that reads first could not wait for another writer.
    wal: with a write-ahead log. synchronous: how commits are synced, as SQLite's pragma.
    """
    seconds = BUSY_SECONDS if timeout is None else timeout
    with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as connection:
        if wal:
            enable_wal(connection)
        else:
            read_schema(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have rolled back; the first error is the one to report
                connection.execute("ROLLBACK")
            raise


# ----------------------------------------------------------------------- errors


def fault_of(error: BaseException) -> Fault:
    """Return the kind of an error of SQLite; other errors of the Python module have no code and are `other`."""
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_UNDECODABLE):
        return "damaged"
    return _FAULTS.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE, "other")


def read_or(path: Path, what: str, restore: str, read: Callable[[sqlite3.Connection], Result], empty: Result) -> Result:
    """Return the result of `read`; `empty` if the file is not there, or has no tables yet.

    what: the file in words. restore: the suggested fix for a damaged file. `read` may raise `TypeError` or `ValueError`
    for values that no program stored: the file counts as damaged then. Raises `IndexDamaged`, `IndexLocked` or
    `IndexError_`.
    """
    if not path.exists():
        return empty
    try:
        with closing(connect_to_existing(path)) as connection:
            return read(connection)
    except (TypeError, ValueError) as error:
        raise IndexDamaged(f"{what} is damaged ({error})", path, restore) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and fault_of(error) == "other":
            return empty  # a file without its tables: the process that made it died
        raise file_error(what, path, error, restore) from error


def file_error(what: str, path: Path, error: sqlite3.DatabaseError, restore: str) -> IndexError_:
    """Return the error for one of SQLite: a lock, damage, or the disk.

    what: the file in words. restore: the suggested fix for a damaged file.
    """
    fault = fault_of(error)
    if fault == "locked":
        return locked_error(what, path)
    if fault == "damaged" or not isinstance(error, sqlite3.OperationalError):
        return IndexDamaged(f"{what} is damaged ({error})", path, restore)
    return disk_error(what, path, error)


def locked_error(what: str, path: str | Path | None) -> IndexLocked:
    """Return the error for a file that another program kept locked; what: the file in words."""
    holders = lock_holders(Path(path)) if path is not None else []
    holder = " and ".join(holders) if holders else "another program"
    problem = f"{holder} has {what} locked; waited {BUSY_SECONDS:.0f} seconds"
    return IndexLocked(problem, path, LOCKED_HINT)


def disk_error(what: str, path: str | Path | None, error: BaseException) -> IndexError_:
    """Return the error for a file that cannot be written; what: the file in words."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        hint = "allow writing to the file and to its folder, where SQLite keeps the files -wal and -shm next to it"
        verb = "opened" if code == sqlite3.SQLITE_CANTOPEN else "written"
        return IndexError_(f"{what} cannot be {verb} ({error})", path, hint)
    hint = (
        "check the disk: free space, allow writing; then run the same command again; everything written so far remains"
    )
    return IndexError_(f"{what} cannot be written ({error})", path, hint)


def lock_holders(path: Path) -> list[str]:
    """Return `name (process ID)` of each other process that has a SQLite file locked for writing, where known."""
    first_bytes = {}
    for suffix, first in (("-shm", _WAL_WRITE_LOCK), ("", _ROLLBACK_LOCKS)):
        with suppress(OSError):
            first_bytes[path.with_name(path.name + suffix).stat().st_ino] = first
    processes = {
        process for process, inode, start in _write_locks() if inode in first_bytes and start >= first_bytes[inode]
    }
    return [f"{_process_name(process)} (process {process})" for process in sorted(processes - {os.getpid()})]


def _write_locks() -> Iterator[tuple[int, int, int]]:
    """Return (process, inode, first byte) of each write lock on this machine; none but on Linux."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[3] == "WRITE" and int(fields[4]) > 0:  # 0 or -1: a process that cannot be seen from here
                yield int(fields[4]), int(fields[5].rpartition(":")[2]), int(fields[6])


def _process_name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip() or "another program"
    except OSError:
        return "another program"
