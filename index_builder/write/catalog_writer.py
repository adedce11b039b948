"""Writing of the catalog: sources, books, pages, panels and settings."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, Unpack

from sqlalchemy import delete, insert, make_url, select, update
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import Session

from index_builder.write.catalog_rows import column_names, find_pages, metadata_row, moved_columns, panel_row
from index_builder.write.catalog_upkeep import CatalogUpkeep
from index_builder.write.row_checksums import install_triggers, keep_row_checksums
from index_builder.write.text_changes import note_changes
from retrieval.store.catalog.database import has_schema, make_engine, reading_errors, write_connection, write_session
from retrieval.store.catalog.fulltext import full_text_for
from retrieval.store.catalog.panels import last_vector_row
from retrieval.store.catalog.queries import id_chunks
from retrieval.store.catalog.records import NewPage, PageCopy, PageMove, PageUpdate
from retrieval.store.catalog.settings_table import write_settings
from retrieval.store.catalog.tables import (
    SCHEMA_VERSION,
    Base,
    BookMetadataRow,
    BookRow,
    JoinedPagesRow,
    ListingRow,
    PageRow,
    PanelRow,
    SettingRow,
    SkippedRow,
    SourceRow,
)
from retrieval.store.settings import SettingChanges


class CatalogWriter(CatalogUpkeep):
    """The catalog of one index, opened for writing; only the process that holds `writer_lock` opens one."""

    @classmethod
    def open(cls, url: URL | str, engine: Engine | None = None) -> Self:
        """Open an existing catalog for writing; raises the errors of `Catalog.open`."""
        engine = engine or make_engine(make_url(url), synced=True)
        keep_row_checksums(engine)
        return super().open(url, engine)

    @classmethod
    def create(cls, url: URL | str) -> Self:
        """Open the database at an SQLAlchemy URL for writing; create its tables if there are none.

        Raises `IndexTooNew`, `IndexTooOld` or `IndexDamaged` like `open`, `UsageError` for a database that cannot be
        used.
        """
        engine = make_engine(make_url(url), writable=True)
        keep_row_checksums(engine)
        with reading_errors(engine):
            if not has_schema(engine):
                # one transaction: a build that is stopped here leaves either no catalog or a complete one
                with write_connection(engine) as connection:
                    Base.metadata.create_all(connection)
                    full_text_for(engine).create(connection)
                    install_triggers(connection)
                    first = {"schema_version": SCHEMA_VERSION, "index_id": uuid.uuid4().hex}
                    connection.execute(insert(SettingRow), [{"key": k, "value": v} for k, v in first.items()])
        return cls.open(url, engine)

    def write_settings(self, **changes: Unpack[SettingChanges]) -> None:
        """Write settings, all or none."""
        with write_session(self.engine) as session:
            write_settings(session, changes)

    def source_id(self, path: Path) -> int:
        """Return the id of a source, added if it is new."""
        with write_session(self.engine) as session:
            row = session.scalar(select(SourceRow).where(SourceRow.path == str(path)))
            if row is None:
                row = SourceRow(path=str(path))
                session.add(row)
                session.flush()
            return row.id

    def book_id(self, source_id: int, path: str, title: str, book_format: str) -> int:
        """Return the id of a book, added if it is new; update its title and format."""
        with write_session(self.engine) as session:
            row = session.scalar(select(BookRow).where(BookRow.source_id == source_id, BookRow.path == path))
            if row is None:
                row = BookRow(source_id=source_id, path=path, title=title, book_format=book_format)
                session.add(row)
            row.title, row.book_format = title, book_format
            session.flush()
            return row.id

    def set_book_metadata(self, book_id: int, metadata: Sequence[tuple[str, str]], fingerprint: str = "") -> None:
        """Replace the metadata of a book with (name, value) pairs; several of one name keep their order."""
        positions: Counter[str] = Counter()
        rows = []
        for name, value in dict.fromkeys(metadata):
            rows.append(metadata_row(book_id, name, value, positions[name]))
            positions[name] += 1
        with write_session(self.engine) as session:
            session.execute(delete(BookMetadataRow).where(BookMetadataRow.book_id == book_id))
            session.add_all(rows)
            session.execute(update(BookRow).where(BookRow.id == book_id).values(metadata_fingerprint=fingerprint))

    def label_pages(self, book_id: int, labels: Mapping[str, str | None]) -> None:
        """Set the labels of a book's pages, by page name."""
        with write_session(self.engine) as session:
            for name, label in labels.items():
                page = update(PageRow).where(PageRow.book_id == book_id, PageRow.name == name)
                session.execute(page.values(label=label))

    def write_pages(self, pages: Sequence[NewPage]) -> list[int]:
        """Write pages with their panels in one transaction; return the vector rows that became free.

        An existing page is replaced. A panel with an unchanged box keeps its id: identity is (source, page, box).
        """
        with write_session(self.engine) as session:
            self._mark_stale(session)
            rows, old = self._take_pages(session, [(page.book_id, page.name) for page in pages])
            for row, page in zip(rows, pages, strict=True):
                row.number, row.fingerprint, row.digest = page.number, page.fingerprint, page.digest
                row.width, row.height, row.missing, row.label = page.width, page.height, False, page.label
                row.ocr_engine, row.panel_count = page.ocr_engine, len(page.panels)
            session.flush()
            pairs = [(row.id, panel) for row, page in zip(rows, pages, strict=True) for panel in page.panels]
            self._add_panels(session, [panel_row(page_id, panel) for page_id, panel in pairs], old)
            kept = {panel.vector_row for _, panel in pairs}  # of panels that stay as they are
            return [p.vector_row for p in old if p.vector_row not in kept]

    def _take_pages(self, session: Session, places: Sequence[tuple[int, str]]) -> tuple[list[PageRow], list[PanelRow]]:
        """Return the rows of pages (book id, name), added if they are new, and the panels that were removed."""
        found = find_pages(session, places)
        chunks = id_chunks([row.id for row in found.values()])
        old = [panel for ids in chunks for panel in self._remove_panels(session, ids)]
        rows = [found.get(place) or PageRow(book_id=place[0], name=place[1]) for place in places]
        session.add_all(rows)
        return rows, old

    def _add_panels(self, session: Session, panels: list[PanelRow], old: list[PanelRow]) -> None:
        """Add panels; one with the page and the box of an old panel gets its id."""
        old_ids = {(p.page_id, p.x, p.y, p.w, p.h): p.id for p in old}
        for panel in panels:
            old_id = old_ids.pop((panel.page_id, panel.x, panel.y, panel.w, panel.h), None)
            if old_id is not None:
                panel.id = old_id
        session.add_all(panels)
        session.flush()
        note_changes(session.connection(), [(p.id, None) for p in panels if p.dialogue])

    def copy_pages(self, copies: Sequence[PageCopy]) -> list[int]:
        """Write pages with the panels of others in one transaction; return the vector rows that became free."""
        with write_session(self.engine) as session:
            self._mark_stale(session)
            return [row for copy in copies for row in self._copy_page(session, copy)]

    def _copy_page(self, session: Session, copy: PageCopy) -> list[int]:
        """Write one page with the panels of another; return the vector rows of its old panels."""
        original = session.get_one(PageRow, copy.copy_from)
        panels_of = select(PanelRow).where(PanelRow.page_id == original.id)
        originals = session.scalars(panels_of.order_by(PanelRow.number)).all()
        (row,), old = self._take_pages(session, [(copy.book_id, copy.name)])
        own = ("id", "book_id", "name", "number", "fingerprint", "missing", "label")
        for column in column_names(PageRow, without=own):
            setattr(row, column, getattr(original, column))
        row.number, row.fingerprint, row.missing, row.label = copy.number, copy.fingerprint, False, copy.label
        session.flush()
        names = column_names(PanelRow, without=("id", "page_id", "vector_row"))
        panels = [
            PanelRow(page_id=row.id, vector_row=copy.rows[p.vector_row], **{n: getattr(p, n) for n in names})
            for p in originals
        ]
        self._add_panels(session, panels, old)
        return [p.vector_row for p in old]

    def move_pages(
        self, moves: Sequence[PageMove], replaced: Sequence[int], present_books: Collection[int] = ()
    ) -> list[int]:
        """Move pages to their new places in one transaction, also in a circle; return the vector rows that became free.

        Moved pages are present afterwards. replaced: ids of pages whose place is taken and whose content is gone; they
        are deleted. Books without a page left are deleted, except present_books: other pages are now at their place.
        """
        with write_session(self.engine) as session:
            self._mark_stale(session)
            old_books = self._books_of(session, moves)
            freed = self._remove_pages(session, replaced)
            # names are unique within a book at every moment: pages get temporary names first
            temporary = [{"id": m.page_id, "name": f"\0{m.page_id}"} for m in moves]
            final = [{"id": m.page_id, **moved_columns(m), "missing": False} for m in moves]
            for values in (temporary, final) if moves else ():
                session.execute(update(PageRow), values)
            self._remove_empty_books(session, old_books.difference(present_books))
            return freed

    @staticmethod
    def _books_of(session: Session, moves: Sequence[PageMove]) -> set[int]:
        """Return the ids of the books that pages are moved out of."""
        chunks = id_chunks([m.page_id for m in moves])
        return {
            book_id for ids in chunks for book_id in session.scalars(select(PageRow.book_id).where(PageRow.id.in_(ids)))
        }

    def _remove_pages(self, session: Session, page_ids: Sequence[int]) -> list[int]:
        """Delete pages and their panels; return the vector rows that became free."""
        rows = []
        write_settings(session, {"vector_high_water": last_vector_row(session) + 1})
        for ids in id_chunks(list(page_ids)):
            rows += [p.vector_row for p in self._remove_panels(session, ids)]
            session.execute(delete(PageRow).where(PageRow.id.in_(ids)))
        return rows

    @staticmethod
    def _remove_empty_books(session: Session, book_ids: Iterable[int]) -> None:
        """Delete those of the books that have no page left."""
        pages = select(PageRow.id).where(PageRow.book_id == BookRow.id).exists()
        for ids in id_chunks(list(book_ids)):
            session.execute(delete(BookRow).where(BookRow.id.in_(ids), ~pages))

    def drop_pages(self, page_ids: Sequence[int]) -> None:
        """Delete pages with their panels: if they come back, they are read as new ones."""
        with write_session(self.engine) as session:
            self._mark_stale(session)
            self._remove_pages(session, page_ids)

    def remove_source(self, path: Path) -> list[int]:
        """Delete a source with its content in one transaction; return the vector rows that became free.

        The setting `purge_pending` is True until their data is erased.
        """
        with write_session(self.engine) as session:
            source_id = session.scalars(select(SourceRow.id).where(SourceRow.path == str(path))).one()
            self._mark_stale(session)
            books = select(BookRow.id).where(BookRow.source_id == source_id)
            pages = session.scalars(select(PageRow.id).where(PageRow.book_id.in_(books))).all()
            freed = self._remove_pages(session, pages)
            session.execute(delete(SourceRow).where(SourceRow.id == source_id))
            write_settings(session, {"purge_pending": True})
            return freed

    def _remove_panels(self, session: Session, page_ids: Sequence[int]) -> list[PanelRow]:
        """Delete the panels of some pages and return them."""
        old = list(session.scalars(select(PanelRow).where(PanelRow.page_id.in_(page_ids))))
        note_changes(session.connection(), [(p.id, p.dialogue) for p in old if p.dialogue])
        for panel in old:
            session.expunge(panel)  # deleted in bulk below, without the session
        session.execute(delete(PanelRow).where(PanelRow.page_id.in_(page_ids)))
        return old

    @staticmethod
    def _mark_stale(session: Session) -> None:
        """Mark the current generation as stale, in the same transaction."""
        write_settings(session, {"generation_stale": True})

    def update_pages(self, updates: Sequence[PageUpdate]) -> None:
        """Mark pages with unchanged content as present, with a new number and fingerprint."""
        if not updates:
            return
        with write_session(self.engine) as session:
            for ids in id_chunks([u.page_id for u in updates]):
                if session.scalar(select(PageRow.id).where(PageRow.id.in_(ids), PageRow.missing).limit(1)) is not None:
                    self._mark_stale(session)
                    break
            rows = [
                {"id": u.page_id, "number": u.number, "fingerprint": u.fingerprint, "missing": False} for u in updates
            ]
            session.execute(update(PageRow), rows)

    def mark_missing(self, page_ids: Iterable[int]) -> None:
        """Mark pages as missing; their panels and vectors are kept in case they come back."""
        with write_session(self.engine) as session:
            for ids in id_chunks(list(page_ids)):
                self._mark_stale(session)
                session.execute(update(PageRow).where(PageRow.id.in_(ids)).values(missing=True))

    def replace_skipped(self, source_id: int, skipped: Sequence[tuple[str, str]]) -> None:
        """Replace the list of files that could not be read of a source: (path, reason) pairs."""
        with write_session(self.engine) as session:
            session.execute(delete(SkippedRow).where(SkippedRow.source_id == source_id))
            session.add_all(SkippedRow(source_id=source_id, path=p, reason=r) for p, r in skipped)

    def write_listing(self, source_id: int, path: str, fingerprint: str, content: Any) -> None:
        """Store the content of a book that must be unpacked to be listed, as JSON."""
        with write_session(self.engine) as session:
            session.execute(delete(ListingRow).where(ListingRow.source_id == source_id, ListingRow.path == path))
            session.add(ListingRow(source_id=source_id, path=path, fingerprint=fingerprint, content=content))

    def write_joined_pages(self, book_id: int, fingerprint: str, pages: Sequence[str]) -> None:
        """Store the names of the joined pages of a book; none if it is not stored in slices."""
        with write_session(self.engine) as session:
            session.execute(delete(JoinedPagesRow).where(JoinedPagesRow.book_id == book_id))
            session.add(JoinedPagesRow(book_id=book_id, fingerprint=fingerprint, pages=list(pages)))
