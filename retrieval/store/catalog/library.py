"""Sources, books and pages of the catalog, with their counts."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, aliased

from retrieval.books.order import natural_key
from retrieval.filters import ASPECTS, Filter
from retrieval.names import name_key
from retrieval.records import FULL_PAGE
from retrieval.store.catalog.cached.columns import CachedColumns
from retrieval.store.catalog.filter_sql import in_range
from retrieval.store.catalog.queries import filtered, read_metadata
from retrieval.store.catalog.records import BookSummary, CoverSummary, MetadataValues, PageLocation, PanelCounts
from retrieval.store.catalog.tables import BookMetadataRow, BookRow, PageRow, PanelRow, SkippedRow, SourceRow


class LibraryReader:
    """Queries about what an index holds: sources, books, pages, metadata and counts."""

    def __init__(self, engine: Engine, columns: CachedColumns) -> None:
        self.engine = engine
        self._columns = columns

    def sources(self) -> list[Path]:
        """Return the sources in the order in which they were added."""
        with Session(self.engine) as session:
            return [Path(p) for p in session.scalars(select(SourceRow.path).order_by(SourceRow.id))]

    def source_counts(self, path: Path) -> dict[str, int]:
        """Return the numbers of books, pages and panels of a source, missing ones included."""
        columns = (func.distinct(BookRow.id), func.distinct(PageRow.id), PanelRow.id)
        statement = (
            select(*(func.count(column) for column in columns))
            .select_from(SourceRow)
            .outerjoin(BookRow, BookRow.source_id == SourceRow.id)
            .outerjoin(PageRow, PageRow.book_id == BookRow.id)
            .outerjoin(PanelRow, PanelRow.page_id == PageRow.id)
            .where(SourceRow.path == str(path))
        )
        with self.engine.connect() as connection:
            return dict(zip(("books", "pages", "panels"), connection.execute(statement).one(), strict=True))

    def skipped(self) -> list[tuple[str, str]]:
        """Return (path, reason) of all files that the last builds could not read."""
        with Session(self.engine) as session:
            rows = session.scalars(select(SkippedRow).order_by(SkippedRow.id))
            return [(r.path, r.reason) for r in rows]

    def counts(self) -> dict[str, int]:
        """Return the numbers of present books, pages, panels, ... and of missing pages.

        Keys: books, pages, panels, panels_with_dialogue, low_confidence_pages (see `Panel.is_fallback_page`) and
        missing_pages.
        """
        with Session(self.engine) as session:
            present = select(PageRow).where(PageRow.missing.is_(False)).subquery()
            page = aliased(PageRow, present)
            panels = select(func.count(PanelRow.id)).join(page, PanelRow.page_id == page.id)
            return {
                "books": session.scalar(select(func.count(func.distinct(page.book_id)))) or 0,
                "pages": session.scalar(select(func.count(page.id))) or 0,
                "panels": session.scalar(panels) or 0,
                "panels_with_dialogue": session.scalar(panels.where(PanelRow.dialogue != "")) or 0,
                "low_confidence_pages": session.scalar(
                    panels.where(PanelRow.box_source == FULL_PAGE, PanelRow.number > 1)
                )
                or 0,
                "missing_pages": session.scalar(select(func.count(PageRow.id)).where(PageRow.missing)) or 0,
            }

    def books(self) -> list[BookSummary]:
        """Return the present books, in natural order of their titles, capital letters before small ones."""
        statement = (
            select(
                BookRow.id,
                BookRow.title,
                BookRow.path,
                SourceRow.path,
                BookRow.book_format,
                func.count(func.distinct(PageRow.id)),
                func.count(PanelRow.id),
            )
            .join(SourceRow, BookRow.source_id == SourceRow.id)
            .join(PageRow, PageRow.book_id == BookRow.id)
            .outerjoin(PanelRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
            .group_by(BookRow.id, BookRow.title, BookRow.path, SourceRow.path, BookRow.book_format)
            .order_by(BookRow.title, BookRow.id)
        )
        with Session(self.engine) as session:
            books = [BookSummary(*row) for row in session.execute(statement)]
        return sorted(books, key=lambda book: natural_key(book.title, ignore_case=False))

    def book_metadata(self, book_id: int) -> dict[str, tuple[str, ...]]:
        """Return the metadata of a book: the values of each name, in order."""
        statement = select(BookMetadataRow).where(BookMetadataRow.book_id == book_id).order_by(BookMetadataRow.position)
        metadata: dict[str, tuple[str, ...]] = {}
        with Session(self.engine) as session:
            for row in session.scalars(statement.order_by(BookMetadataRow.id)):
                metadata[row.name] = (*metadata.get(row.name, ()), row.value)
        return metadata

    def metadata_values(self) -> MetadataValues:
        """Return those metadata of all books that filters know."""
        found = self._columns.metadata_values()
        if found is not None:
            return found
        with self.engine.connect() as connection:
            return read_metadata(connection)

    def panel_counts(self, where: Filter) -> PanelCounts:
        """Return the numbers of present panels that pass a filter, by book and page label."""
        found = self._columns.panel_counts(where)
        if found is not None:
            return found
        with self.engine.connect() as connection:
            titles = {row.id: row.title for row in connection.execute(select(BookRow.id, BookRow.title))}
            rows = connection.execute(_counts_statement(where)).all()
        books, labels = [row[0] for row in rows], [row[1] for row in rows]
        numbers = np.array([row[2:] for row in rows], np.int64).reshape(len(rows), 2 + len(ASPECTS))
        return PanelCounts(np.array(books, np.int64), labels, numbers, titles)

    def covers(self) -> dict[int, CoverSummary]:
        """Return the first page of each present book and its number of panels with dialogue, by book id."""
        counts = (
            select(PageRow.book_id, func.count(PanelRow.id).label("with_dialogue"))
            .join(PanelRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False), PanelRow.dialogue != "")
            .group_by(PageRow.book_id)
        )
        # in descending order of pages, so that the first page is the last one to be stored
        pages = select(PageRow.book_id, PageRow.id).where(PageRow.missing.is_(False)).order_by(PageRow.number.desc())
        with Session(self.engine) as session:
            with_dialogue = {row.book_id: row.with_dialogue for row in session.execute(counts)}
            first_page = {row.book_id: row.id for row in session.execute(pages)}
        return {book_id: CoverSummary(page, with_dialogue.get(book_id, 0)) for book_id, page in first_page.items()}

    def pages_of(self, book_id: int, limit: int, offset: int) -> list[tuple[int, int]]:
        """Return (id, number) of a book's present pages, in order."""
        statement = (
            select(PageRow.id, PageRow.number)
            .where(PageRow.book_id == book_id, PageRow.missing.is_(False))
            .order_by(PageRow.number, PageRow.id)
            .limit(limit)
            .offset(offset)
        )
        with Session(self.engine) as session:
            return [(page, number) for page, number in session.execute(statement)]

    def page_location(self, page_id: int) -> PageLocation | None:
        """Return the place of a page's image; None if the catalog has no such page."""
        statement = (
            select(PageRow, BookRow, SourceRow.path)
            .join(BookRow, PageRow.book_id == BookRow.id)
            .join(SourceRow, BookRow.source_id == SourceRow.id)
            .where(PageRow.id == page_id)
        )
        with Session(self.engine) as session:
            row = session.execute(statement).first()
        if row is None:
            return None
        page, book, root = row
        folder = Path(root) / book.path if book.path else Path(root)
        return PageLocation(page.id, folder, page.name, page.number, book.title, page.width, page.height)

    def find_pages(self, name: str) -> list[PageLocation]:
        """Return the places of the present pages with this file name in any spelling, in any folder of their book."""
        pages = select(PageRow.id, PageRow.name).where(PageRow.missing.is_(False)).order_by(PageRow.id)
        key = name_key(name)
        with self.engine.connect() as connection:
            rows = connection.execute(pages).yield_per(10_000)
            ids = [page_id for page_id, own in rows if name_key(posixpath.basename(own)) == key]
        return [place for page_id in ids if (place := self.page_location(page_id)) is not None]


def _counts_statement(where: Filter) -> Select[Any]:
    """Return the query for the numbers of present panels that pass a filter, by book and page label."""
    aspect = PanelRow.w / PanelRow.h
    shapes = [and_(*in_range(aspect, bounds)) for bounds in ASPECTS.values()]
    columns = [func.count(), func.sum(case((PanelRow.dialogue != "", 1), else_=0))]
    columns += [func.sum(case((shape, 1), else_=0)) for shape in shapes]
    by = (PageRow.book_id, PageRow.label)
    return filtered(select(*by, *columns), where).group_by(*by)
