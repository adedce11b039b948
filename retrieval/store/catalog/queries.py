"""Shared pieces of catalog queries: chunks of ids, filters, panel columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, select

from retrieval.filters import METADATA_FILTERS, Filter
from retrieval.records import Box, Panel
from retrieval.store.catalog.filter_sql import conditions
from retrieval.store.catalog.records import MetadataValues
from retrieval.store.catalog.tables import BookMetadataRow, BookRow, PageRow, PanelRow, SourceRow

Key = TypeVar("Key", int, str)

_IDS_PER_QUERY = 10_000  # SQLite takes at most 32,766 bound values


def id_chunks(ids: list[Key]) -> Iterator[list[Key]]:
    """Return ids or names in chunks that fit into one SQL statement."""
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield ids[start : start + _IDS_PER_QUERY]


def select_panels() -> Any:
    """Return the query for present panels, with the columns of `panel_record`.

    Whole rows as objects take three times as long.
    """
    return (
        select(
            PanelRow.id,
            PanelRow.number,
            PanelRow.x,
            PanelRow.y,
            PanelRow.w,
            PanelRow.h,
            PanelRow.dialogue,
            PanelRow.sound_effects,
            PanelRow.text_source,
            PanelRow.box_source,
            PanelRow.vector_row,
            PanelRow.gate_picture,
            PanelRow.gate_dialogue,
            PanelRow.gate_composition,
            PageRow.id,
            PageRow.number,
            PageRow.name,
            PageRow.width,
            PageRow.height,
            PageRow.label,
            BookRow.id,
            BookRow.title,
            BookRow.path,
        )
        .join(PageRow, PanelRow.page_id == PageRow.id)
        .join(BookRow, PageRow.book_id == BookRow.id)
        .where(PageRow.missing.is_(False))
    )


def panel_record(row: Any) -> Panel:
    """Return the panel of one row of `select_panels`."""
    panel_id, number, x, y, w, h, dialogue, sound_effects, text_source, box_source, vector_row, *gate = row[:14]
    page_id, page_number, name, width, height, label, book_id, title, path = row[14:]
    return Panel(
        id=panel_id,
        book=title,
        page_number=page_number,
        number=number,
        box=Box(x, y, w, h),
        dialogue=dialogue,
        sound_effects=sound_effects,
        text_source=text_source,
        page_path=f"{path}/{name}" if path else name,
        page_width=width,
        page_height=height,
        gate=(gate[0], gate[1], gate[2]),
        page_id=page_id,
        book_id=book_id,
        vector_row=vector_row,
        label=label or "",
        box_source=box_source,
    )


_COLUMNS: dict[str, Any] = {
    "book_id": PageRow.book_id,
    "book": BookRow.id,
    "title_key": BookRow.title_key,
    "path_key": BookRow.path_key,
    "book_source": BookRow.source_id,
    "source": SourceRow.id,
    "source_key": SourceRow.path_key,
    "page": PageRow.number,
    "dialogue": PanelRow.dialogue,
    "box_source": PanelRow.box_source,
    "aspect": PanelRow.w / PanelRow.h,
    "label": PageRow.label,
    "metadata_book": BookMetadataRow.book_id,
    "metadata_name": BookMetadataRow.name,
    "metadata_casefolded": BookMetadataRow.casefolded,
    "metadata_numeric": BookMetadataRow.numeric,
    "size": (PanelRow.w * PanelRow.h) / (PageRow.width * PageRow.height * 1.0),
}
"""Columns by the names that `filter_sql.conditions` takes."""


def filtered(statement: Select[Any], where: Filter, with_books: bool = False) -> Select[Any]:
    """Add the conditions of a filter on present panels; only the tables that it needs are joined, to save time."""
    joined = statement.select_from(PanelRow).join(PageRow, PanelRow.page_id == PageRow.id)
    if with_books:
        joined = joined.join(BookRow, PageRow.book_id == BookRow.id)
    return joined.where(PageRow.missing.is_(False), *conditions(where, _COLUMNS))


class Within:
    """The panels that a filter allows, as a query for their ids or as the sorted (M,) int64 ids themselves."""

    def __init__(self, statement: Callable[[], Select[Any]], ids: NDArray[np.int64] | None = None) -> None:
        """Take what makes the query, and the ids if they are known."""
        self._make_statement = statement
        self._ids = ids

    @cached_property
    def statement(self) -> Select[Any]:
        """The query for the ids; a filter of many names takes a while to become one."""
        return self._make_statement()

    def ids(self, connection: Connection) -> NDArray[np.int64]:
        """Return the sorted ids."""
        return sorted_ids(connection, self.statement) if self._ids is None else self._ids


def sorted_ids(connection: Connection, statement: Select[Any]) -> NDArray[np.int64]:
    """Return the sorted (M,) int64 ids of a query for ids; sorted by NumPy, which is faster than SQLite."""
    cursor = connection.execute(statement).cursor  # plain tuples: rows as objects cost three times as much
    assert cursor is not None  # a SELECT has one
    return np.sort(np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64))


def book_filter(where: Filter) -> Select[Any]:
    """Return the query for the ids of the books that pass a filter, which has no other conditions."""
    return select(BookRow.id).where(*conditions(where, {**_COLUMNS, "book_id": BookRow.id}))


def read_metadata(connection: Connection) -> MetadataValues:
    """Read those metadata of all books that filters know."""
    columns = (BookMetadataRow.book_id, BookMetadataRow.name, BookMetadataRow.value, BookMetadataRow.casefolded)
    cursor = connection.execute(select(*columns).where(BookMetadataRow.name.in_(METADATA_FILTERS))).cursor
    assert cursor is not None  # a SELECT has one
    return MetadataValues.of(cursor.fetchall())
