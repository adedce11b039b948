"""Collections on disk: `collections.sqlite` in the index folder. They are not derived, and no build changes them.

A member is a panel id. An id never changes its panel, so members outlast builds and moved files. Page content, box and
place are kept with it, so that a panel that was indexed anew under another id is found again, and one that is gone is
still named.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from retrieval.errors import UsageError
from retrieval.names import check_text, composed, name_key
from retrieval.records import Box
from retrieval.store.sqlite import file_error, read_or, write_transaction

FILE = "collections.sqlite"
_WHAT = "the file of collections"

MAX_NAME = 200
"""Characters of a collection's name, at most."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE)",
    """CREATE TABLE IF NOT EXISTS member (
        place INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, panel INTEGER NOT NULL,
        digest TEXT NOT NULL, x REAL NOT NULL, y REAL NOT NULL, w REAL NOT NULL, h REAL NOT NULL,
        book TEXT NOT NULL, page INTEGER NOT NULL, number INTEGER NOT NULL, UNIQUE (collection, panel))""",
)

_COLUMNS = "panel, digest, x, y, w, h, book, page, number"
"""Columns of a member, in the order of the fields of `Member`, the box as four."""

_ALL = -1  # as SQLite's LIMIT

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """A collection's name and its number of panels."""

    name: str
    panels: int


@dataclass(frozen=True, slots=True)
class Member:
    """A panel of a collection as it was when it was added.

    panel: its id. digest: of the content of its page. number: of the panel on its page.
    """

    panel: int
    digest: str
    box: Box
    book: str
    page: int
    number: int


class Collections:
    """The collections of one index. Names are compared without regard to case and Unicode form.

    Every method raises `IndexDamaged` if the file is not such a database, `IndexLocked` if another program keeps it
    locked, and `IndexError_` if it cannot be read or written. A name that is not there is a `UsageError`.
    """

    def __init__(self, index: Path) -> None:
        self.path = index / FILE

    def summaries(self) -> list[CollectionSummary]:
        """Return all collections in order of their names."""
        sql = """SELECT name, (SELECT count(*) FROM member WHERE collection = collection.id)
            FROM collection ORDER BY key"""
        return self._read(lambda open_: [CollectionSummary(str(a), int(b)) for a, b in open_.execute(sql)], [])

    def members(self, name: str, limit: int = _ALL, offset: int = 0) -> list[Member]:
        """Return the panels of a collection in the order in which they were added, at most `limit` from `offset` on."""
        sql = f"SELECT {_COLUMNS} FROM member WHERE collection = ? ORDER BY place LIMIT ? OFFSET ?"

        def read(connection: sqlite3.Connection) -> list[Member] | None:
            found = _find(connection, name)
            if found is None:
                return None
            return [_member(row) for row in connection.execute(sql, (found, limit, offset))]

        members = self._read(read, None)
        if members is None:
            raise self._unknown(name)
        return members

    def holding(self, panels: Collection[int], digests: Collection[str]) -> list[tuple[str, Member]]:
        """Return (name of the collection, member) of members with one of these ids or of pages with these digests."""
        ids, pages = json.dumps(list(panels)), json.dumps(list(digests))
        sql = f"""SELECT name, {_COLUMNS} FROM member JOIN collection ON collection.id = member.collection
            WHERE panel IN (SELECT value FROM json_each(?)) OR digest IN (SELECT value FROM json_each(?))
            ORDER BY key, place"""

        def read(connection: sqlite3.Connection) -> list[tuple[str, Member]]:
            return [(str(row[0]), _member(row[1:])) for row in connection.execute(sql, (ids, pages))]

        return self._read(read, [])

    def create(self, name: str) -> bool:
        """Make an empty collection; return False if it is there already."""
        with self._write() as connection:
            before = connection.total_changes
            _make(connection, name)
            return connection.total_changes > before

    def add(self, name: str, members: Sequence[Member], create: bool = True) -> int:
        """Add panels at the end of a collection; return how many are new in it.

        create: make the collection if it is missing; else its name must be there.
        """
        with self._write() as connection:
            collection = _make(connection, name) if create else self._existing(connection, name)
            before = connection.total_changes
            connection.executemany(
                f"INSERT OR IGNORE INTO member (collection, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(collection, *_values(member)) for member in members],
            )
            return connection.total_changes - before

    def remove(self, name: str, panels: Sequence[int]) -> int:
        """Take panels out of a collection; return how many were in it."""
        with self._write() as connection:
            collection, before = self._existing(connection, name), connection.total_changes
            rows = [(collection, int(panel)) for panel in panels]
            connection.executemany("DELETE FROM member WHERE collection = ? AND panel = ?", rows)
            return connection.total_changes - before

    def rename(self, name: str, new: str) -> None:
        """Give a collection another name. Raises `UsageError` if another collection has it."""
        new = _checked(new)
        with self._write() as connection:
            collection, other = self._existing(connection, name), _find(connection, new)
            if other not in (None, collection):
                raise UsageError(f"there is a collection {new!r} already", hint="choose another name")
            connection.execute("UPDATE collection SET name = ?, key = ? WHERE id = ?", (new, name_key(new), collection))

    def delete(self, name: str) -> int:
        """Delete a collection, not its panels; return how many it had."""
        with self._write() as connection:
            collection = self._existing(connection, name)
            deleted = connection.execute("DELETE FROM member WHERE collection = ?", (collection,)).rowcount
            connection.execute("DELETE FROM collection WHERE id = ?", (collection,))
            return deleted

    # ---------------------------------------------------------------- the file

    def _read(self, read: Callable[[sqlite3.Connection], Result], empty: Result) -> Result:
        """Return the result of `read`; `empty` while nothing was ever kept."""
        return read_or(self.path, _WHAT, _RESTORE, read, empty)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Hold one transaction, with the tables in place."""
        try:
            with write_transaction(self.path, synchronous="EXTRA") as connection:
                for statement in _TABLES:
                    connection.execute(statement)
                yield connection
        except sqlite3.DatabaseError as error:
            raise file_error(_WHAT, self.path, error, _RESTORE) from error

    def _existing(self, connection: sqlite3.Connection, name: str) -> int:
        found = _find(connection, name)
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> UsageError:
        names = ", ".join(repr(each.name) for each in self.summaries()[:10])
        hint = f"there are {names}" if names else "there are none yet; add a panel to one first"
        return UsageError(f"there is no collection {name!r}", hint=hint)


_RESTORE = "restore it from a copy, or delete it"


def _make(connection: sqlite3.Connection, name: str) -> int:
    """Return the id of a collection, made if it is missing."""
    name = _checked(name)
    connection.execute("INSERT OR IGNORE INTO collection (name, key) VALUES (?, ?)", (name, name_key(name)))
    found = _find(connection, name)
    assert found is not None
    return found


def _find(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT id FROM collection WHERE key = ?", (name_key(name),)).fetchone()
    return None if row is None else int(row[0])


def _checked(name: str) -> str:
    """Return a new name as it is stored. Raises `UsageError` for one that cannot be shown."""
    check_text("the name of the collection", name)
    name = " ".join(composed(name).split())
    if not name or len(name) > MAX_NAME:
        raise UsageError(
            f"the name of the collection has {len(name)} characters", hint=f"choose one of 1 to {MAX_NAME} characters"
        )
    return name


def _values(member: Member) -> tuple[object, ...]:
    box = member.box
    return (member.panel, member.digest, box.x, box.y, box.w, box.h, member.book, member.page, member.number)


def _member(row: tuple[object, ...]) -> Member:
    """Return a stored member. Raises `ValueError` or `TypeError` for values that no program stored."""
    panel, digest, x, y, w, h, book, page, number = row
    numbers = (panel, page, number)
    if not all(isinstance(value, int) for value in numbers) or not all(isinstance(v, str) for v in (digest, book)):
        raise ValueError("a panel of a collection is not as it was written")
    box = Box(*(float(value) for value in (x, y, w, h)))  # type: ignore[arg-type]
    return Member(int(panel), str(digest), box, str(book), int(page), int(number))  # type: ignore[call-overload]
