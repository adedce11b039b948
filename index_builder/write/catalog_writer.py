"""Everything that changes the catalog."""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self, Unpack

from sqlalchemy import (
    delete,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from retrieval.filters import casefold_name, to_number
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.database import has_schema, make_engine, reading_errors
from retrieval.store.catalog.fulltext import full_text_for
from retrieval.store.catalog.panels import last_vector_row
from retrieval.store.catalog.queries import id_chunks
from retrieval.store.catalog.records import (
    NewPage,
    NewPanel,
    PageCopy,
    PageMove,
    PageUpdate,
)
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


class CatalogWriter(Catalog):
    """The catalog of one index with everything that changes it. One process at a time holds one (`writer_lock`)."""

    @classmethod
    def create(cls, url: URL | str) -> Self:
        """Open the database at an SQLAlchemy URL for writing; make its tables if there are none.

        Raises `IndexTooNew`, `IndexTooOld` or `IndexDamaged` like `open`, `UsageError` for a database that cannot be
        used.
        """
        engine = make_engine(make_url(url), writable=True)
        with reading_errors(engine):
            if not has_schema(engine):
                # one transaction: a build that is killed here leaves either no catalog or a complete one
                with engine.begin() as connection:
                    Base.metadata.create_all(connection)
                    full_text_for(engine).create(connection)
                    first = {"schema_version": SCHEMA_VERSION, "index_id": uuid.uuid4().hex}
                    connection.execute(insert(SettingRow), [{"key": k, "value": v} for k, v in first.items()])
        return cls.open(url, engine)

    def write_settings(self, **changes: Unpack[SettingChanges]) -> None:
        """Write settings, all or none."""
        with Session(self.engine) as session, session.begin():
            write_settings(session, changes)

    def source_id(self, path: Path) -> int:
        """The id of a source, added if it is new."""
        with Session(self.engine) as session, session.begin():
            found = session.scalar(select(SourceRow).where(SourceRow.path == str(path)))
            if found is None:
                found = SourceRow(path=str(path))
                session.add(found)
                session.flush()
            return found.id

    def book_id(self, source_id: int, path: str, title: str, kind: str) -> int:
        """The id of a book, added if it is new, with title and kind brought up to date."""
        with Session(self.engine) as session, session.begin():
            found = session.scalar(select(BookRow).where(BookRow.source_id == source_id, BookRow.path == path))
            if found is None:
                found = BookRow(source_id=source_id, path=path, title=title, kind=kind)
                session.add(found)
            found.title, found.kind = title, kind
            session.flush()
            return found.id

    def set_book_metadata(self, book_id: int, facts: Sequence[tuple[str, str]], stat: str = "") -> None:
        """Replace what is known about a book: (name, value) pairs, several of one name in order."""
        counted: Counter[str] = Counter()
        rows = []
        for name, value in dict.fromkeys(facts):
            rows.append(_metadata_row(book_id, name, value, counted[name]))
            counted[name] += 1
        with Session(self.engine) as session, session.begin():
            session.execute(delete(BookMetadataRow).where(BookMetadataRow.book_id == book_id))
            session.add_all(rows)
            session.execute(update(BookRow).where(BookRow.id == book_id).values(metadata_fingerprint=stat))

    def label_pages(self, book_id: int, labels: Mapping[str, str | None]) -> None:
        """Say what kind of page pages are, by name; nothing is encoded for it."""
        with Session(self.engine) as session, session.begin():
            for name, label in labels.items():
                page = update(PageRow).where(PageRow.book_id == book_id, PageRow.name == name)
                session.execute(page.values(label=label))

    def write_pages(self, pages: Sequence[NewPage]) -> list[int]:
        """Write whole pages in one transaction; a page that exists is replaced.

        A panel whose box is unchanged keeps its id: identity is (source, page, box).
        Returns the vector rows that no panel names any more.
        """
        with Session(self.engine) as session, session.begin():
            self._mark_stale(session)
            return [row for page in pages for row in self._write_page(session, page)]

    def _write_page(self, session: Session, page: NewPage) -> list[int]:
        row, old = self._emptied(session, page.book_id, page.name)
        row.number, row.fingerprint, row.digest = page.number, page.fingerprint, page.digest
        row.width, row.height, row.missing, row.label = page.width, page.height, False, page.label
        row.ocr_engine = page.ocr_engine
        session.flush()
        self._add_panels(session, [_panel_row(row.id, panel) for panel in page.panels], old)
        return [p.vector_row for p in old]

    def _emptied(self, session: Session, book_id: int, name: str) -> tuple[PageRow, list[PanelRow]]:
        """The row of a page, made where there is none, and the panels that were taken from it."""
        row = session.scalar(select(PageRow).where(PageRow.book_id == book_id, PageRow.name == name))
        if row is not None:
            return row, self._remove_panels(session, [row.id])
        row = PageRow(book_id=book_id, name=name)
        session.add(row)
        return row, []

    def _add_panels(self, session: Session, panels: list[PanelRow], old: list[PanelRow]) -> None:
        """Add a page's panels; one whose box was there before gets the id it had."""
        kept = {(p.x, p.y, p.w, p.h): p.id for p in old}
        for panel in panels:
            same = kept.pop((panel.x, panel.y, panel.w, panel.h), None)
            if same is not None:
                panel.id = same
        session.add_all(panels)
        session.flush()
        self._text.add(session.connection(), [(p.id, p.dialogue) for p in panels if p.dialogue])

    def copy_pages(self, copies: Sequence[PageCopy]) -> list[int]:
        """Write pages with the panels of others in one transaction; returns the vector rows no panel names any more."""
        with Session(self.engine) as session, session.begin():
            self._mark_stale(session)
            return [row for copy in copies for row in self._copy_page(session, copy)]

    def _copy_page(self, session: Session, copy: PageCopy) -> list[int]:
        donor = session.get_one(PageRow, copy.copy_from)
        donated = session.scalars(select(PanelRow).where(PanelRow.page_id == donor.id).order_by(PanelRow.number)).all()
        row, old = self._emptied(session, copy.book_id, copy.name)
        for column in _columns(PageRow, besides=("id", "book_id", "name", "number", "fingerprint", "missing", "label")):
            setattr(row, column, getattr(donor, column))
        row.number, row.fingerprint, row.missing, row.label = copy.number, copy.fingerprint, False, copy.label
        session.flush()
        names = _columns(PanelRow, besides=("id", "page_id", "vector_row"))
        panels = [
            PanelRow(page_id=row.id, vector_row=copy.rows[p.vector_row], **{n: getattr(p, n) for n in names})
            for p in donated
        ]
        self._add_panels(session, panels, old)
        return [p.vector_row for p in old]

    def move_pages(self, moves: Sequence[PageMove], displaced: Sequence[int]) -> list[int]:
        """Give pages their new places in one transaction, whatever circle they move in; they are present then.

        displaced: pages whose place is taken and whose content is nowhere. Returns the vector rows that go with them.
        """
        with Session(self.engine) as session, session.begin():
            self._mark_stale(session)
            left = self._moved_from(session, moves)
            dropped = self._remove_pages(session, displaced)
            # names are unique within a book at every moment: first out of the way, then in place
            away = [{"id": m.page_id, "name": f"\0{m.page_id}"} for m in moves]
            here = [{"id": m.page_id, **_moved_columns(m), "missing": False} for m in moves]
            for values in (away, here) if moves else ():
                session.execute(update(PageRow), values)
            self._remove_empty_books(session, left)
            return dropped

    @staticmethod
    def _moved_from(session: Session, moves: Sequence[PageMove]) -> set[int]:
        """The books that pages are moved out of."""
        chunks = id_chunks([m.page_id for m in moves])
        return {b for ids in chunks for b in session.scalars(select(PageRow.book_id).where(PageRow.id.in_(ids)))}

    def _remove_pages(self, session: Session, page_ids: Sequence[int]) -> list[int]:
        """Delete pages and panels; returns the vector rows that no panel names any more."""
        rows = []
        write_settings(session, {"vector_high_water": last_vector_row(session) + 1})
        for ids in id_chunks(list(page_ids)):
            rows += [p.vector_row for p in self._remove_panels(session, ids)]
            session.execute(delete(PageRow).where(PageRow.id.in_(ids)))
        return rows

    @staticmethod
    def _remove_empty_books(session: Session, book_ids: Iterable[int]) -> None:
        pages = select(PageRow.id).where(PageRow.book_id == BookRow.id).exists()
        for ids in id_chunks(list(book_ids)):
            session.execute(delete(BookRow).where(BookRow.id.in_(ids), ~pages))

    def remove_source(self, path: Path) -> list[int]:
        """Delete a source and all that came from it in one transaction; returns the vector rows that go with it.

        The setting `reclaim` says until they are erased that something is left of them.
        """
        with Session(self.engine) as session, session.begin():
            source_id = session.scalars(select(SourceRow.id).where(SourceRow.path == str(path))).one()
            self._mark_stale(session)
            books = select(BookRow.id).where(BookRow.source_id == source_id)
            pages = session.scalars(select(PageRow.id).where(PageRow.book_id.in_(books))).all()
            dropped = self._remove_pages(session, pages)
            session.execute(delete(SourceRow).where(SourceRow.id == source_id))
            write_settings(session, {"purge_pending": True})
            return dropped

    def _remove_panels(self, session: Session, page_ids: Sequence[int]) -> list[PanelRow]:
        """Delete the panels of some pages and return what they were."""
        old = list(session.scalars(select(PanelRow).where(PanelRow.page_id.in_(page_ids))))
        self._text.remove(session.connection(), [(p.id, p.dialogue) for p in old if p.dialogue])
        for panel in old:
            session.expunge(panel)  # so that deleting in bulk leaves the session nothing to reconcile
        session.execute(delete(PanelRow).where(PanelRow.page_id.in_(page_ids)))
        return old

    @staticmethod
    def _mark_stale(session: Session) -> None:
        """Note, in the transaction that changes what is searched, that the generation is behind."""
        write_settings(session, {"generation_stale": True})

    def update_pages(self, updates: Sequence[PageUpdate]) -> None:
        """Pages whose content is what it was: present, with a new place or file date."""
        if not updates:
            return
        with Session(self.engine) as session, session.begin():
            for ids in id_chunks([u.page_id for u in updates]):
                if session.scalar(select(PageRow.id).where(PageRow.id.in_(ids), PageRow.missing).limit(1)) is not None:
                    self._mark_stale(session)
                    break
            rows = [
                {"id": u.page_id, "number": u.number, "fingerprint": u.fingerprint, "missing": False} for u in updates
            ]
            session.execute(update(PageRow), rows)

    def mark_missing(self, page_ids: Iterable[int]) -> None:
        """Pages that are no longer there; their panels and vectors wait for their return."""
        with Session(self.engine) as session, session.begin():
            for ids in id_chunks(list(page_ids)):
                self._mark_stale(session)
                session.execute(update(PageRow).where(PageRow.id.in_(ids)).values(missing=True))

    def replace_skipped(self, source_id: int, skipped: Sequence[tuple[str, str]]) -> None:
        """Remember what a build of this source could not read: (path, reason) pairs."""
        with Session(self.engine) as session, session.begin():
            session.execute(delete(SkippedRow).where(SkippedRow.source_id == source_id))
            session.add_all(SkippedRow(source_id=source_id, path=p, reason=r) for p, r in skipped)

    def write_listing(self, source_id: int, path: str, stat: str, found: Any) -> None:
        """Keep what was found in a book."""
        with Session(self.engine) as session, session.begin():
            session.merge(ListingRow(source_id=source_id, path=path, fingerprint=stat, content=found))

    def write_joined_pages(self, book_id: int, stat: str, pages: Sequence[str]) -> None:
        """Keep what was found out about a book's slices."""
        with Session(self.engine) as session, session.begin():
            session.merge(JoinedPagesRow(book_id=book_id, fingerprint=stat, pages=list(pages)))

    def rebuild_full_text(self) -> None:
        """Make the derived full text again from the panels."""
        # read and written through two connections: a table cannot be dropped below an open result
        with self.engine.connect() as reader, self.engine.begin() as writer:
            rows = reader.execute(select(PanelRow.id, PanelRow.dialogue).where(PanelRow.dialogue != ""))
            self._text.rebuild(writer, ((int(i), str(d)) for i, d in rows))

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the disk, where SQLite holds them and nobody is in the way."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.begin() as writer:
                self._text.optimize(writer)
            with closing(self.engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):
                connection.cursor().execute("VACUUM")  # never inside a transaction

    def checkpoint(self) -> None:
        """Fold SQLite's write-ahead log into the file, so that the folder can be copied."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _metadata_row(book_id: int, name: str, value: str, position: int) -> BookMetadataRow:
    return BookMetadataRow(
        book_id=book_id,
        name=name,
        value=value,
        position=position,
        casefolded=casefold_name(value),
        numeric=to_number(value),
    )


def _columns(row: type[Base], besides: Sequence[str]) -> list[str]:
    return [column.key for column in inspect(row).column_attrs if column.key not in besides]


def _moved_columns(move: PageMove) -> dict[str, Any]:
    return {
        "book_id": move.book_id,
        "name": move.name,
        "number": move.number,
        "fingerprint": move.fingerprint,
        "label": move.label,
    }


def _panel_row(page_id: int, panel: NewPanel) -> PanelRow:
    box = panel.box
    picture, dialogue, composition = panel.gate
    return PanelRow(
        page_id=page_id,
        number=panel.number,
        x=box.x,
        y=box.y,
        w=box.w,
        h=box.h,
        dialogue=panel.dialogue,
        sound_effects=panel.sound_effects,
        text_source=panel.text_source,
        box_source=panel.box_source,
        vector_row=panel.vector_row,
        gate_picture=picture,
        gate_dialogue=dialogue,
        gate_composition=composition,
    )
