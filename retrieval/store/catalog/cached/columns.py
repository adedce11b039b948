"""Columns of the present panels in memory, for filters and facets over a large part of a library.

SQLite reads every row of the panel table for such a filter. From arrays it takes milliseconds for a million panels.
They are read when they are first needed, and again after a commit.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, NullPool, and_, case, func, select

from retrieval.filters import ASPECTS, Filter, Ranges, as_names, as_ranges
from retrieval.store.catalog.filter_sql import fitting_labels, in_range
from retrieval.store.catalog.queries import book_filter, read_metadata
from retrieval.store.catalog.records import MetadataValues, PanelCounts
from retrieval.store.catalog.tables import BookRow, PageRow, PanelRow
from retrieval.store.id_sets import is_in

_AT_ONCE = 200_000
"""Rows read at once."""

_FEW_PANELS = 20_000
"""Panels that SQLite finds by their books in some milliseconds, and whose columns are read as fast."""

_DIALOGUE, _ANNOTATED, _FIRST_ASPECT = 1, 2, 4
"""Bits of a panel; those of `ASPECTS` follow each other."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The present panels of a catalog in one state, 13 bytes each, and their pages.

    ids: (P,) panel ids, ascending. pages: (P,) places of their pages. bits: (P,) what holds for each panel.
    books, numbers, labels: (G,) of the pages; labels are places in `label_names`, which has None for no label.
    titles: of all books, by id.
    """

    ids: NDArray[np.int64]
    pages: NDArray[np.int32]
    bits: NDArray[np.uint8]
    books: NDArray[np.int64]
    numbers: NDArray[np.int64]
    labels: NDArray[np.int64]
    label_names: tuple[str | None, ...]
    titles: dict[int, str]

    def passing(self, where: Filter, pages: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (P,) True for each panel that passes a filter, which `covers`; pages: (G,) those that pass."""
        passing = pages[self.pages]
        for bit, wanted in ((_DIALOGUE, where.has_dialogue), (_ANNOTATED, where.annotated)):
            if wanted is not None:
                passing &= ((self.bits & bit) != 0) == wanted
        if where.aspect is not None:
            chosen = [_FIRST_ASPECT << n for n, bounds in enumerate(ASPECTS.values()) if bounds in _ranges(where)]
            passing &= (self.bits & sum(chosen)) != 0
        return passing

    def pages_passing(self, connection: Connection, where: Filter) -> NDArray[np.bool_]:
        """Return (G,) True for each page that passes the conditions of a filter on books and pages."""
        passing = np.ones(len(self.books), np.bool_)
        of_books = only_books(where)
        if not of_books.empty:
            books = np.sort(np.fromiter(connection.execute(book_filter(of_books)).scalars(), np.int64))
            passing &= is_in(books, self.books)
        if where.page is not None:
            passing &= np.logical_or.reduce([_in_range(self.numbers, *bounds) for bounds in as_ranges(where.page)])
        if where.label is not None:
            known = [name for name in self.label_names if name is not None]
            fitting = set(connection.execute(fitting_labels(as_names(where.label), known)).scalars())
            passing &= np.array([name in fitting for name in self.label_names], np.bool_)[self.labels]
        return passing

    def counts(self, passing: NDArray[np.bool_]) -> PanelCounts:
        """Return the numbers of the panels that pass, by book and page label."""
        books, book_of = np.unique(self.books, return_inverse=True)
        groups = (book_of * len(self.label_names) + self.labels)[self.pages]
        bits = [0, _DIALOGUE, *(_FIRST_ASPECT << n for n in range(len(ASPECTS)))]
        size = len(books) * len(self.label_names)
        held = (passing & ((self.bits & bit) == bit) for bit in bits)
        numbers = np.stack([np.bincount(groups[rows], minlength=size) for rows in held], axis=1)
        kept = np.flatnonzero(numbers[:, 0])
        places, labels = np.divmod(kept, max(len(self.label_names), 1))
        names = [self.label_names[label] for label in labels.tolist()]
        return PanelCounts(books[places], names, numbers[kept], self.titles)


def covers(where: Filter) -> bool:
    """Return True if the columns have everything that a filter asks: not shapes and sizes of free bounds."""
    return where.size is None and set(_ranges(where)) <= set(ASPECTS.values())


def only_books(where: Filter) -> Filter:
    """Return the conditions of a filter on books alone."""
    return replace(where, page=None, has_dialogue=None, annotated=None, aspect=None, size=None, label=None)


def _ranges(where: Filter) -> Ranges:
    return as_ranges(where.aspect) if where.aspect is not None else ()


def read_columns(connection: Connection) -> Columns:
    """Read the columns of all present panels."""
    label_names, (page_ids, books, numbers, labels) = _read_pages(connection)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))]
    packed = PanelRow.page_id * 256 + _bits()
    for ids, numbers_of in _read_parts(connection, PanelRow.id, [packed], [], _numbers):
        page_of = numbers_of >> 8
        present = is_in(page_ids, page_of)
        places = np.searchsorted(page_ids, page_of[present])
        parts.append((ids[present], places.astype(np.int32), (numbers_of[present] & 255).astype(np.uint8)))
    ids = np.concatenate([part[0] for part in parts])
    pages = np.concatenate([part[1] for part in parts])
    bits = np.concatenate([part[2] for part in parts])
    titles = {row.id: row.title for row in connection.execute(select(BookRow.id, BookRow.title))}
    return Columns(ids, pages, bits, books, numbers, labels, label_names, titles)


def _bits() -> ColumnElement[int]:
    """Return the column of bits of a panel."""
    bits: ColumnElement[int] = case((PanelRow.dialogue != "", _DIALOGUE), else_=0)
    bits += case((PanelRow.box_source == "annotation", _ANNOTATED), else_=0)
    for n, bounds in enumerate(ASPECTS.values()):
        bits += case((and_(*in_range(PanelRow.w / PanelRow.h, bounds)), _FIRST_ASPECT << n), else_=0)
    return bits


def _read_pages(connection: Connection) -> tuple[tuple[str | None, ...], list[NDArray[np.int64]]]:
    """Return the labels, and (ids, books, numbers, places of the labels) of the present pages, in order of id."""
    names: dict[str | None, int] = {}

    def read(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        places = [names.setdefault(label, len(names)) for label in json.loads(texts[-1])]
        return [*_numbers(texts[:-1]), np.array(places, np.int64)]

    columns = [PageRow.book_id, PageRow.number, PageRow.label]
    parts = list(_read_parts(connection, PageRow.id, columns, [PageRow.missing.is_(False)], read))
    arrays = zip([np.empty(0, np.int64)] * (len(columns) + 1), *parts, strict=True)
    return tuple(names), [np.concatenate(own) for own in arrays]


def _read_parts(
    connection: Connection,
    key: Any,
    columns: Sequence[Any],
    conditions: Sequence[ColumnElement[bool]],
    read: Callable[[Sequence[str]], list[NDArray[np.int64]]],
) -> Iterator[list[NDArray[np.int64]]]:
    """Return columns of a table, in order of the key, in parts; read: makes arrays of their JSON lists."""
    last = -(2**63)
    while True:
        named = [column.label(f"c{n}") for n, column in enumerate((key, *columns))]
        part = select(*named).where(key > last, *conditions).order_by(key).limit(_AT_ONCE).subquery()
        # as JSON texts, which are much faster in Python than one row for each
        arrays = read(list(connection.execute(select(*(func.json_group_array(column) for column in part.c))).one()))
        if not len(arrays[0]):
            return
        yield arrays
        last = int(arrays[0][-1])


def _numbers(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return arrays of JSON lists of whole numbers."""
    return [np.fromstring(text[1:-1], np.int64, sep=",") if len(text) > 2 else np.empty(0, np.int64) for text in texts]


def _in_range(numbers: NDArray[np.int64], low: float | None, high: float | None) -> NDArray[np.bool_]:
    passing = np.ones(len(numbers), np.bool_)
    if low is not None:
        passing &= numbers >= low
    if high is not None:
        passing &= numbers <= high
    return passing


class CachedColumns:
    """The columns of a SQLite catalog, read when they are first needed and again after a commit. Safe to share.

    They are read on a connection that stays open: SQLite tells it of every commit of others since it last looked.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # without a pool, the file may be open as immutable: then a connection that stays open notices nothing
        self._usable = engine.dialect.name == "sqlite" and not isinstance(engine.pool, NullPool)
        self._connection: Connection | None = None
        self._known: tuple[int, Columns] | None = None
        self._metadata: tuple[int, MetadataValues] | None = None
        self._last_pages: tuple[Filter, NDArray[np.bool_]] | None = None
        self._lock = threading.Lock()

    def matching_ids(self, where: Filter) -> NDArray[np.int64] | None:
        """Return the sorted ids of the panels that pass a filter; None if SQL is to find them."""
        found = self._passing(where)
        return None if found is None else found[0].ids[found[1]]

    def panel_counts(self, where: Filter) -> PanelCounts | None:
        """Return the numbers of the panels that pass a filter, by book and label; None if SQL is to count them."""
        found = self._passing(where)
        return None if found is None else found[0].counts(found[1])

    def metadata_values(self) -> MetadataValues | None:
        """Return the metadata of all books, read like the columns; None if changes go unnoticed."""
        if not self._usable:
            return None
        with self._lock, self._transaction() as connection:
            version = _version(connection)
            if self._metadata is None or self._metadata[0] != version:
                self._metadata = (version, read_metadata(connection))
            return self._metadata[1]

    def _passing(self, where: Filter) -> tuple[Columns, NDArray[np.bool_]] | None:
        """Return the columns, and True for each panel that passes; None if SQL is faster or changes go unnoticed."""
        if not self._usable or not covers(where):
            return None
        with self._lock, self._transaction() as connection:
            version = _version(connection)
            if self._known is None or self._known[0] != version:
                if _is_narrow(connection, where):
                    return None
                self._known, self._last_pages = (version, read_columns(connection)), None
            columns = self._known[1]
            if self._last_pages is None or self._last_pages[0] != where:
                self._last_pages = (where, columns.pages_passing(connection, where))
            pages = self._last_pages[1]
        return columns, columns.passing(where, pages)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.detach()  # it takes none of the places of the pool
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self._close()
            raise

    def close(self) -> None:
        """Close the connection and drop the columns; the next call opens another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection, self._known, self._metadata = self._connection, None, None, None
        if connection is not None:
            connection.close()


def _version(connection: Connection) -> int:
    """Return a number that changes with every commit of another connection."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar() or 0)


def _is_narrow(connection: Connection, where: Filter) -> bool:
    """Return True if a filter leaves few of many panels by their books."""
    of_books = only_books(where)
    if of_books.empty or (connection.scalar(select(func.max(PanelRow.id))) or 0) <= _FEW_PANELS:
        return False
    pages = select(func.sum(PageRow.panel_count)).where(PageRow.book_id.in_(book_filter(of_books)))
    return (connection.scalar(pages) or 0) <= _FEW_PANELS
