"""Pages and books as the last build left them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Executable, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from retrieval.errors import first_line
from retrieval.store.catalog.queries import id_chunks
from retrieval.store.catalog.records import BookRecord, MissingPage, PreviousPage
from retrieval.store.catalog.tables import BookRow, JoinedPagesRow, ListingRow, PageRow, PanelRow

log = logging.getLogger("panelseek")


class PageReader:
    """Queries about pages and books as the last build left them; planning compares with these."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def listings(self, source_id: int) -> dict[str, tuple[str, Any]]:
        """Return (fingerprint, content) of the stored listings of a source, by the book's path.

        Listings that cannot be read as JSON count as none: they are made again.
        """
        query = select(ListingRow.path, ListingRow.fingerprint, ListingRow.content)
        rows = self._json_rows(query.where(ListingRow.source_id == source_id), "listings")
        return {path: (fingerprint, content) for path, fingerprint, content in rows}

    def joined_pages(self, source_id: int) -> dict[int, tuple[str, list[str]]]:
        """Return (fingerprint, names of joined pages) of the examined books of a source, by book id.

        Damaged ones count as none: the books are examined again.
        """
        query = select(JoinedPagesRow.book_id, JoinedPagesRow.fingerprint, JoinedPagesRow.pages)
        query = query.join(BookRow, BookRow.id == JoinedPagesRow.book_id)
        rows = self._json_rows(query.where(BookRow.source_id == source_id), "joined pages")
        return {
            book_id: (fingerprint, pages)
            for book_id, fingerprint, pages in rows
            if isinstance(pages, list) and all(isinstance(name, str) for name in pages)
        }

    def _json_rows(self, query: Executable, what: str) -> Sequence[Any]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(query).all()
        except (ValueError, TypeError, RecursionError) as error:
            log.warning("the stored %s of a source are damaged (%s) and are made again", what, first_line(error))
            return []

    def previous_pages(self, book_id: int) -> dict[str, PreviousPage]:
        """Return all pages of a book, missing ones included, by name."""
        columns = (
            PageRow.number,
            PageRow.fingerprint,
            PageRow.digest,
            PageRow.missing,
            PageRow.label,
            PageRow.ocr_engine,
        )
        with self.engine.connect() as connection:
            rows = connection.execute(select(PageRow.id, PageRow.name, *columns).where(PageRow.book_id == book_id))
            return {row.name: PreviousPage(*row) for row in rows}

    def previous_books(self, source_id: int) -> dict[str, BookRecord]:
        """Return all books of a source, missing ones included, by path."""
        with self.engine.connect() as connection:
            columns = select(BookRow.path, BookRow.id, BookRow.title, BookRow.book_format, BookRow.metadata_fingerprint)
            rows = connection.execute(columns.where(BookRow.source_id == source_id))
            return {row.path: BookRecord(row.id, row.title, row.book_format, row.metadata_fingerprint) for row in rows}

    def present_pages(self, book_ids: Sequence[int]) -> list[int]:
        """Return the ids of the present pages of some books."""
        columns = select(PageRow.id).where(PageRow.missing.is_(False))
        with self.engine.connect() as connection:
            chunks = (connection.scalars(columns.where(PageRow.book_id.in_(ids))) for ids in id_chunks(list(book_ids)))
            return [page for chunk in chunks for page in chunk]

    def missing_pages(self) -> Iterator[MissingPage]:
        """Return the missing pages, kept in case they come back."""
        columns = select(PageRow.id, PageRow.book_id, PageRow.name, PageRow.digest)
        with self.engine.connect() as connection:
            yield from (
                MissingPage(*row) for row in connection.execute(columns.where(PageRow.missing)).yield_per(10_000)
            )

    def digests(self) -> Iterator[str]:
        """Return the content digest of every page, missing ones included, in no order."""
        with self.engine.connect() as connection:
            yield from connection.execute(select(PageRow.digest)).yield_per(10_000).scalars()

    def pages_by_digest(self, digest: str) -> list[tuple[int, list[int]]]:
        """Return the id of each page with this content that has all its panels, and their ids; the oldest first."""
        pages = select(PageRow.id, PageRow.panel_count).where(PageRow.digest == digest).order_by(PageRow.id)
        found = []
        with self.engine.connect() as connection:
            for page_id, count in connection.execute(pages).all():
                panels = list(connection.scalars(select(PanelRow.id).where(PanelRow.page_id == page_id)))
                found += [(page_id, panels)] if len(panels) == count else []
        return found

    def pages_of_panels(self, panels: Sequence[int]) -> dict[int, str]:
        """Return the pages of some panels, by id: book and name."""
        columns = select(PageRow.id, BookRow.title, PageRow.name).join(BookRow).join(PanelRow)
        with self.engine.connect() as connection:
            chunks = (connection.execute(columns.where(PanelRow.id.in_(ids))) for ids in id_chunks(list(panels)))
            return {page_id: f"{title}/{name}" for chunk in chunks for page_id, title, name in chunk}

    def digests_of_panels(self, panels: Sequence[int]) -> dict[int, str]:
        """Return the content digest of the page of each panel, by panel id."""
        columns = select(PanelRow.id, PageRow.digest).join(PageRow, PanelRow.page_id == PageRow.id)
        with self.engine.connect() as connection:
            chunks = (connection.execute(columns.where(PanelRow.id.in_(ids))) for ids in id_chunks(list(panels)))
            return {panel_id: digest for chunk in chunks for panel_id, digest in chunk}

    def incomplete_pages(self) -> list[int]:
        """Return the ids of pages that lost rows of panels."""
        panels = select(func.count(PanelRow.id)).where(PanelRow.page_id == PageRow.id).scalar_subquery()
        with self.engine.connect() as connection:
            return list(connection.scalars(select(PageRow.id).where(PageRow.panel_count != panels)))

    def metadata_fingerprint(self, book_id: int) -> str:
        """Return the fingerprint that `CatalogWriter.set_book_metadata` was last given, "" before."""
        with Session(self.engine) as session:
            return session.scalar(select(BookRow.metadata_fingerprint).where(BookRow.id == book_id)) or ""
