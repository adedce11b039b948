"""Panels of the catalog, and where their vectors are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from retrieval.filters import Filter
from retrieval.records import Box, Panel
from retrieval.store.catalog.cached.columns import CachedColumns
from retrieval.store.catalog.fulltext import FullText
from retrieval.store.catalog.queries import Within, filtered, id_chunks, panel_record, select_panels, sorted_ids
from retrieval.store.catalog.records import EncodedPanel, VectorPlaces
from retrieval.store.catalog.settings_table import high_water
from retrieval.store.catalog.tables import BookRow, PageRow, PanelRow


class PanelReader:
    """Queries about panels: by id, by filter, by text, and their vector rows."""

    def __init__(self, engine: Engine, full_text: FullText, columns: CachedColumns) -> None:
        self.engine = engine
        self._text = full_text
        self._columns = columns

    def get(self, ids: Iterable[int]) -> dict[int, Panel]:
        """Return present panels by id; unknown and missing ones are left out."""
        panels: dict[int, Panel] = {}
        with Session(self.engine) as session:
            for chunk in id_chunks([int(i) for i in ids]):
                rows = session.execute(select_panels().where(PanelRow.id.in_(chunk)))
                panels.update((row[0], panel_record(row)) for row in rows)
        return panels

    def dialogues(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the dialogue of present panels by id; unknown and missing ones are left out."""
        present = select(PanelRow.id, PanelRow.dialogue).join(PageRow, PanelRow.page_id == PageRow.id)
        found: dict[int, str] = {}
        with self.engine.connect() as connection:
            for chunk in id_chunks([int(i) for i in ids]):
                rows = connection.execute(present.where(PageRow.missing.is_(False), PanelRow.id.in_(chunk)))
                found.update((panel_id, dialogue) for panel_id, dialogue in rows)
        return found

    def get_with_sums(self, ids: Iterable[int]) -> dict[int, tuple[Panel, bytes]]:
        """Return present panels with the checksums of their vectors, by id."""
        found: dict[int, tuple[Panel, bytes]] = {}
        statement = select_panels().add_columns(PanelRow.vector_checksums)
        with Session(self.engine) as session:
            for chunk in id_chunks([int(i) for i in ids]):
                rows = session.execute(statement.where(PanelRow.id.in_(chunk)))
                found.update((row[0], (panel_record(row[:-1]), row[-1])) for row in rows)
        return found

    def of_page(self, page_id: int) -> list[Panel]:
        """Return the panels of one page, in order."""
        with Session(self.engine) as session:
            rows = session.execute(select_panels().where(PageRow.id == page_id).order_by(PanelRow.number))
            return [panel_record(row) for row in rows]

    def encoded(self, page_id: int) -> list[EncodedPanel]:
        """Return the panels of one page with what is known of their vectors, in order."""
        with Session(self.engine) as session:
            panels = session.scalars(select(PanelRow).where(PanelRow.page_id == page_id).order_by(PanelRow.number))
            return [
                EncodedPanel(
                    id=panel.id,
                    number=panel.number,
                    box=Box(panel.x, panel.y, panel.w, panel.h),
                    dialogue=panel.dialogue,
                    vector_row=panel.vector_row,
                    gate=(panel.gate_picture, panel.gate_dialogue, panel.gate_composition),
                    vector_checksums=panel.vector_checksums,
                    picture_norm=panel.picture_norm,
                )
                for panel in panels
            ]

    def browse(self, where: Filter, limit: int, offset: int) -> list[int]:
        """Return the ids of panels that pass a filter, in order of book, page and panel."""
        statement = (
            filtered(select(PanelRow.id), where, with_books=True)
            .order_by(BookRow.title, BookRow.id, PageRow.number, PanelRow.number)
            .limit(limit)
            .offset(offset)
        )
        with Session(self.engine) as session:
            return list(session.scalars(statement))

    def count_matching(self, where: Filter) -> int:
        """Return the number of present panels that pass a filter."""
        with Session(self.engine) as session:
            return session.scalar(filtered(select(func.count(PanelRow.id)), where)) or 0

    def matching_ids(self, where: Filter) -> NDArray[np.int64]:
        """Return the sorted (M,) int64 ids of the present panels that pass a filter."""
        found = self._columns.matching_ids(where)
        if found is not None:
            return found
        with self.engine.connect() as connection:
            return sorted_ids(connection, filtered(select(PanelRow.id), where))

    def word_candidates(self, terms: Sequence[str], limit: int, where: Filter) -> list[int]:
        """Return ids of panels with some of the terms or similar ones that pass a filter, best first."""
        within = None
        if not where.empty:
            within = Within(lambda: filtered(select(PanelRow.id), where), self._columns.matching_ids(where))
        with self.engine.connect() as connection:
            return self._text.candidates(connection, terms, limit, within)

    def word_counts(self, terms: Sequence[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        with self.engine.connect() as connection:
            return self._text.counts(connection, terms)

    def vector_rows(self, with_dialogue_only: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (ids, rows) of all present panels, each (P,) int64, in order of id."""
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

    def vector_places(self, ids: Sequence[int] | None = None, *, with_missing: bool = False) -> VectorPlaces:
        """Return where vectors are, and their checksums, in order of id; of all present panels, or of `ids`.

        with_missing: also of panels on missing pages.
        """
        columns = select(PanelRow.id, PanelRow.vector_row, PanelRow.vector_checksums).order_by(PanelRow.id)
        if not with_missing:
            columns = columns.join(PageRow, PanelRow.page_id == PageRow.id).where(PageRow.missing.is_(False))
        chunks = [None] if ids is None else list(id_chunks(sorted(ids)))
        with self.engine.connect() as connection:
            statements = (columns if chunk is None else columns.where(PanelRow.id.in_(chunk)) for chunk in chunks)
            found = [row for statement in statements for row in connection.execute(statement).all()]
        ids_of = np.array([row.id for row in found], np.int64)
        rows_of = np.array([row.vector_row for row in found], np.int64)
        return VectorPlaces(ids_of, rows_of, [row.vector_checksums for row in found])

    def named_rows(self) -> NDArray[np.int64]:
        """Return the sorted (P,) int64 vector rows of all panels, missing ones included."""
        rows = select(PanelRow.vector_row).order_by(PanelRow.vector_row)
        with self.engine.connect() as connection:
            return np.fromiter(connection.execute(rows).yield_per(50_000).scalars(), dtype=np.int64)

    def last_vector_row(self) -> int:
        """Return the highest vector row that a panel has or had before its deletion; -1 if there is none.

        Vector files never get shorter than that: readers of an older generation may have deleted rows mapped.
        """
        with Session(self.engine) as session:
            return last_vector_row(session)

    def books_of_panels(self) -> dict[int, int]:
        """Return the book id of every present panel, by panel id."""
        statement = (
            select(PanelRow.id, PageRow.book_id)
            .join(PageRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
        )
        with Session(self.engine) as session:
            return {row.id: row.book_id for row in session.execute(statement)}


def last_vector_row(session: Session) -> int:
    """Return the value of `PanelReader.last_vector_row`, read within a transaction."""
    named = session.scalar(select(func.max(PanelRow.vector_row)))
    return max(-1 if named is None else named, high_water(session.connection()) - 1)
