"""Panels of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    func,
    select,
)
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from retrieval.filters import Filter
from retrieval.records import Panel
from retrieval.store.catalog.fulltext import FullText
from retrieval.store.catalog.queries import filtered, id_chunks, panel_record, select_panels
from retrieval.store.catalog.tables import (
    BookRow,
    PageRow,
    PanelRow,
    SettingRow,
)


class PanelReader:
    """Queries about panels: by id, by filter, by text, and where their vectors lie."""

    def __init__(self, engine: Engine, full_text: FullText) -> None:
        self.engine = engine
        self._text = full_text

    def get(self, ids: Iterable[int]) -> dict[int, Panel]:
        """Present panels by id; ids that are unknown or gone are left out."""
        found: dict[int, Panel] = {}
        with Session(self.engine) as session:
            for chunk in id_chunks([int(i) for i in ids]):
                rows = session.execute(select_panels().where(PanelRow.id.in_(chunk)))
                found.update((row[0], panel_record(row)) for row in rows)
        return found

    def of_page(self, page_id: int) -> list[Panel]:
        """The panels of one page in order."""
        with Session(self.engine) as session:
            rows = session.execute(select_panels().where(PageRow.id == page_id).order_by(PanelRow.number))
            return [panel_record(row) for row in rows]

    def browse(self, where: Filter, limit: int, offset: int) -> list[int]:
        """Panel ids that match a filter, in order of book, page and panel."""
        statement = (
            filtered(select(PanelRow.id), where, with_books=True)
            .order_by(BookRow.title, BookRow.id, PageRow.number, PanelRow.number)
            .limit(limit)
            .offset(offset)
        )
        with Session(self.engine) as session:
            return list(session.scalars(statement))

    def count_matching(self, where: Filter) -> int:
        """How many present panels a filter lets through."""
        with Session(self.engine) as session:
            return session.scalar(filtered(select(func.count(PanelRow.id)), where)) or 0

    def matching_ids(self, where: Filter) -> NDArray[np.int64]:
        """The ids of those panels, sorted, (M,) int64."""
        statement = filtered(select(PanelRow.id), where)  # sorted here: faster than there
        with self.engine.connect() as connection:
            cursor = connection.execute(statement).cursor  # plain tuples: rows as objects cost three times as much
            assert cursor is not None  # a SELECT has one
            return np.sort(np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64))

    def word_candidates(self, terms: Sequence[str], limit: int, where: Filter) -> list[int]:
        """Ids of panels that say some of `terms` (or nearly) and match a filter, best first; see `fulltext`."""
        in_range = None if where.empty else filtered(select(PanelRow.id), where)
        with self.engine.connect() as connection:
            return self._text.candidates(connection, terms, limit, in_range)

    def word_counts(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many panels each word stands."""
        with self.engine.connect() as connection:
            return self._text.counts(connection, terms)

    def vector_rows(self, with_dialogue_only: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(ids, rows) of all present panels, each (P,) int64, in order of id."""
        statement = (
            select(PanelRow.id, PanelRow.vector_row)
            .join(PageRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
            .order_by(PanelRow.id)
        )
        if with_dialogue_only:
            statement = statement.where(PanelRow.dialogue != "")
        with Session(self.engine) as session:
            stream = session.execute(statement).yield_per(50_000)
            flat = np.fromiter((v for row in stream for v in row), dtype=np.int64)
        pairs = flat.reshape(-1, 2)
        return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])

    def named_rows(self) -> NDArray[np.int64]:
        """The vector rows of all panels, gone ones included, sorted, (P,) int64."""
        rows = select(PanelRow.vector_row).order_by(PanelRow.vector_row)
        with self.engine.connect() as connection:
            return np.fromiter(connection.execute(rows).yield_per(50_000).scalars(), dtype=np.int64)

    def last_vector_row(self) -> int:
        """The highest row any panel names, gone ones included, or named before it was deleted; -1 when there is none.

        Readers of an older generation may have rows mapped that were deleted: files never get shorter than that.
        """
        with Session(self.engine) as session:
            return last_vector_row(session)

    def books_of_panels(self) -> dict[int, int]:
        """The book of every present panel, by the panel's id."""
        statement = (
            select(PanelRow.id, PageRow.book_id)
            .join(PageRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
        )
        with Session(self.engine) as session:
            return {row.id: row.book_id for row in session.execute(statement)}


def last_vector_row(session: Session) -> int:
    deleted = session.get(SettingRow, "vector_high_water")
    named = session.scalar(select(func.max(PanelRow.vector_row)))
    return max(-1 if named is None else named, -1 if deleted is None else deleted.value - 1)
