"""The catalog: which books, pages and panels exist, what they say, and where their vectors lie.

It is the truth; everything else in an index is derived from it and from the vectors.
Only `index_builder` calls the methods that write.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    Select,
    UniqueConstraint,
    and_,
    case,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine import URL, Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from retrieval.errors import IndexDamaged, IndexError_, IndexTooNew, IndexTooOld, UsageError
from retrieval.filters import ASPECTS, Filter, casefold_name, in_range, to_number
from retrieval.records import FULL_PAGE, Box, Panel
from retrieval.store.catalog.fulltext import FullText, full_text_for
from retrieval.store.sqlite import connect_read_only

SCHEMA_VERSION = 3
_RESTORE_HINT = "restore it from a copy, or delete the index folder and build it again"
_IDS_PER_QUERY = 10_000  # SQLite takes 32,766 bound values; stay well below


_AUTOINCREMENT = {"sqlite_autoincrement": True}
"""An id that was given away stays with its panel, so that no link ever leads to another one."""


class Base(DeclarativeBase):
    """Constraint names are fixed so that an error names the rule that was broken."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SettingRow(Base):
    """One named JSON value: schema version, encoder, options, current generation."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class SourceRow(Base):
    """A folder or archive the user pointed at; `path` is absolute."""

    __tablename__ = "source"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)


class BookRow(Base):
    """One comic; `path` is relative to its source ('' where the source is the book).

    `metadata_fingerprint` changes when what is known about the book, and its pages' labels, have to be read again.
    """

    __tablename__ = "book"
    __table_args__ = (UniqueConstraint("source_id", "path"), _AUTOINCREMENT)
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    path: Mapped[str]
    title: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    metadata_fingerprint: Mapped[str] = mapped_column(default="", server_default="")


class BookMetadataRow(Base):
    """One thing known about a book: `name` series, writer, ...; `position` orders several values of one name.

    `casefolded` is the value as filters compare it, `numeric` the number it is, if it is one.
    """

    __tablename__ = "book_metadata"
    __table_args__ = (UniqueConstraint("book_id", "name", "position"), Index(None, "name", "casefolded"))
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[str]
    position: Mapped[int]
    casefolded: Mapped[str]
    numeric: Mapped[float | None]


class PageRow(Base):
    """One page. `stat` is the cheap fingerprint, `digest` that of the content; `gone` pages keep their panels.

    `label` is what kind of page it is (story, cover, advertisement, ...), where somebody said so.
    `reader` is what its words were read with (OCR engine, version, settings, language), "" where annotations told all
    of them, NULL where some panel's words are not known.
    """

    __tablename__ = "page"
    __table_args__ = (
        UniqueConstraint("book_id", "name"),
        Index(
            "ix_page_book_id_label_missing", "book_id", "label", "missing"
        ),  # panels counted by book and label, unsorted
        CheckConstraint("width > 0 AND height > 0", name="has_size"),
        CheckConstraint("number > 0", name="counts_from_one"),
        _AUTOINCREMENT,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"))
    name: Mapped[str]
    number: Mapped[int]
    fingerprint: Mapped[str]
    digest: Mapped[str] = mapped_column(index=True)
    width: Mapped[int]
    height: Mapped[int]
    ocr_engine: Mapped[str | None]
    missing: Mapped[bool] = mapped_column(default=False)
    label: Mapped[str | None]


class PanelRow(Base):
    """One panel. `vector_row` says where its three vectors lie; `gate_*` is what they weighed in the fused one.

    `words_from` is where its words are from: annotation, ocr, or "" where nobody looked; `effects` is lettering that is
    no dialogue.
    """

    __tablename__ = "panel"
    __table_args__ = (
        UniqueConstraint("page_id", "number"),
        UniqueConstraint("vector_row"),
        CheckConstraint("w > 0 AND h > 0", name="has_size"),
        CheckConstraint("number > 0", name="counts_from_one"),
        CheckConstraint("vector_row >= 0", name="has_vectors"),
        _AUTOINCREMENT,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id", ondelete="CASCADE"))
    number: Mapped[int]
    x: Mapped[float]
    y: Mapped[float]
    w: Mapped[float]
    h: Mapped[float]
    dialogue: Mapped[str]
    sound_effects: Mapped[str]
    text_source: Mapped[str]
    box_source: Mapped[str]
    vector_row: Mapped[int]
    gate_picture: Mapped[float]
    gate_dialogue: Mapped[float]
    gate_composition: Mapped[float]


class JoinedPagesRow(Base):
    """Whether a book is a strip of slices, as found out once: `stat` of its slices, names of the joined pages or []."""

    __tablename__ = "joined_pages"
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str]
    pages: Mapped[list[str]] = mapped_column(JSON)


class ListingRow(Base):
    """What is in a book that has to be unpacked to be listed: `stat` of its file, and what was found, as JSON."""

    __tablename__ = "listing"
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    content: Mapped[Any] = mapped_column(JSON)


class SkippedRow(Base):
    """Something that could not be read, and why; replaced whenever its source is built again."""

    __tablename__ = "skipped"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    path: Mapped[str]
    reason: Mapped[str]


@dataclass(frozen=True, slots=True)
class PreviousPage:
    """What the catalog remembers of a page, enough to tell its fate."""

    id: int
    name: str
    number: int
    fingerprint: str
    digest: str
    missing: bool
    label: str | None = None
    ocr_engine: str | None = None


@dataclass(frozen=True, slots=True)
class BookRecord:
    """What the catalog remembers of a book."""

    id: int
    title: str
    kind: str
    metadata_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A page that is not there any more, and where it was."""

    id: int
    book_id: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """Present again or still, with another place in its book or another file date."""

    page_id: int
    number: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageMove:
    """A page whose content lies somewhere else now."""

    page_id: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None


@dataclass(frozen=True, slots=True)
class PageCopy:
    """A page with the content of page `donor`; `rows`: vector rows of its panels -> rows that hold the same."""

    copy_from: int
    book_id: int
    name: str
    number: int
    fingerprint: str
    label: str | None
    rows: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class NewPanel:
    """A panel ready to be written; `gate` are the weights of picture, dialogue and composition."""

    number: int
    box: Box
    dialogue: str
    box_source: str
    vector_row: int
    gate: tuple[float, float, float]
    sound_effects: str = ""
    text_source: str = ""


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page with all its panels, written in one transaction."""

    book_id: int
    name: str
    number: int
    fingerprint: str
    digest: str
    width: int
    height: int
    panels: tuple[NewPanel, ...]
    label: str | None = None
    ocr_engine: str | None = None


@dataclass(frozen=True, slots=True)
class PanelCount:
    """How many panels of a book have one label, and what they are like; counts of present panels a filter lets by."""

    book_id: int
    book: str
    label: str | None
    panels: int
    with_dialogue: int
    aspects: tuple[int, ...]
    """In the order of `filters.ASPECTS`."""


@dataclass(frozen=True, slots=True)
class PageLocation:
    """Where a page's picture is: the book (folder or archive) and the name inside it."""

    page_id: int
    book: Path
    name: str
    number: int
    title: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class BookSummary:
    """One line of a library listing; counts are of what is present."""

    id: int
    title: str
    path: str
    source: str
    kind: str
    pages: int
    panels: int


@dataclass(frozen=True, slots=True)
class CoverSummary:
    """A book's first present page, and how many of its panels have words."""

    page_id: int
    with_words: int


class Catalog:
    """The database of one index. Opening checks the schema; use as a context manager."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._text: FullText = full_text_for(engine)

    # ------------------------------------------------------------------ opening

    @classmethod
    def create(cls, url: URL | str) -> Catalog:
        """Open the database at an SQLAlchemy URL, making its tables where there are none.

        Raises `IndexTooNew`, `IndexTooOld` or `IndexDamaged` as `open` does, `UsageError` for a database that cannot be
        used.
        """
        engine = _engine(make_url(url), making=True)
        with _reading_errors(engine):
            if not _has_schema(engine):
                # one transaction: a build killed here leaves either no catalog or a whole one
                with engine.begin() as connection:
                    Base.metadata.create_all(connection)
                    full_text_for(engine).create(connection)
                    version = {"key": "schema_version", "value": SCHEMA_VERSION}
                    connection.execute(insert(SettingRow).values(version))
        return cls.open(url, engine)

    @classmethod
    def open(cls, url: URL | str, engine: Engine | None = None) -> Catalog:
        """Open an existing catalog.

        Raises `IndexDamaged` when the file is no catalog, `IndexTooNew` when a later version wrote it, `IndexTooOld`
        when an earlier one did.
        """
        engine = engine or _engine(make_url(url))
        with _reading_errors(engine):
            if not _has_schema(engine):
                tables = inspect(engine).get_table_names()
                engine.dispose()
                if tables and SettingRow.__tablename__ not in tables:
                    raise IndexDamaged(f"{_location(engine)} holds no Panelseek tables: {_RESTORE_HINT}")
                raise IndexDamaged(
                    f"{_location(engine)} is not a complete catalog: run the same `panelseek build` again"
                )
            catalog = cls(engine)
            found = catalog.setting("schema_version")
        if not isinstance(found, int) or found > SCHEMA_VERSION:
            engine.dispose()
            raise IndexTooNew(
                f"{_location(engine)} has schema version {found}; this Panelseek reads up to {SCHEMA_VERSION}: "
                "update Panelseek, or build a new index with this one"
            )
        if found < SCHEMA_VERSION:
            engine.dispose()
            raise IndexTooOld(
                f"{_location(engine)} has schema version {found}; this Panelseek reads {SCHEMA_VERSION}: "
                "delete the index folder and build it again, or build into another --index"
            )
        return catalog

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()

    # ----------------------------------------------------------------- settings

    def setting(self, key: str, default: Any = None) -> Any:
        with Session(self.engine) as session:
            row = session.get(SettingRow, key)
            return default if row is None else row.value

    def remember(self, **values: Any) -> None:
        """Write settings, all or none."""
        with Session(self.engine) as session, session.begin():
            for key, value in values.items():
                session.merge(SettingRow(key=key, value=value))

    # ------------------------------------------------------------------ writing

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

    def metadata_fingerprint(self, book_id: int) -> str:
        """What `set_book_facts` was last told, "" before that."""
        with Session(self.engine) as session:
            return session.scalar(select(BookRow.metadata_fingerprint).where(BookRow.id == book_id)) or ""

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
            self._mark_dirty(session)
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
            self._mark_dirty(session)
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
            self._mark_dirty(session)
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
        chunks = _chunks([m.page_id for m in moves])
        return {b for ids in chunks for b in session.scalars(select(PageRow.book_id).where(PageRow.id.in_(ids)))}

    def _remove_pages(self, session: Session, page_ids: Sequence[int]) -> list[int]:
        """Delete pages and panels; returns the vector rows that no panel names any more."""
        rows = []
        session.merge(SettingRow(key="vector_high_water", value=self._last_vector_row(session) + 1))
        for ids in _chunks(list(page_ids)):
            rows += [p.vector_row for p in self._remove_panels(session, ids)]
            session.execute(delete(PageRow).where(PageRow.id.in_(ids)))
        return rows

    @staticmethod
    def _remove_empty_books(session: Session, book_ids: Iterable[int]) -> None:
        pages = select(PageRow.id).where(PageRow.book_id == BookRow.id).exists()
        for ids in _chunks(list(book_ids)):
            session.execute(delete(BookRow).where(BookRow.id.in_(ids), ~pages))

    def remove_source(self, path: Path) -> list[int]:
        """Delete a source and all that came from it in one transaction; returns the vector rows that go with it.

        The setting `reclaim` says until they are erased that something is left of them.
        """
        with Session(self.engine) as session, session.begin():
            source_id = session.scalars(select(SourceRow.id).where(SourceRow.path == str(path))).one()
            self._mark_dirty(session)
            books = select(BookRow.id).where(BookRow.source_id == source_id)
            pages = session.scalars(select(PageRow.id).where(PageRow.book_id.in_(books))).all()
            dropped = self._remove_pages(session, pages)
            session.execute(delete(SourceRow).where(SourceRow.id == source_id))
            session.merge(SettingRow(key="purge_pending", value=True))
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
    def _mark_dirty(session: Session) -> None:
        """Note, in the transaction that changes what is searched, that the generation is behind."""
        session.merge(SettingRow(key="generation_stale", value=True))

    def update_pages(self, updates: Sequence[PageUpdate]) -> None:
        """Pages whose content is what it was: present, with a new place or file date."""
        if not updates:
            return
        with Session(self.engine) as session, session.begin():
            for ids in _chunks([u.page_id for u in updates]):
                if session.scalar(select(PageRow.id).where(PageRow.id.in_(ids), PageRow.missing).limit(1)) is not None:
                    self._mark_dirty(session)
                    break
            rows = [
                {"id": u.page_id, "number": u.number, "fingerprint": u.fingerprint, "missing": False} for u in updates
            ]
            session.execute(update(PageRow), rows)

    def mark_missing(self, page_ids: Iterable[int]) -> None:
        """Pages that are no longer there; their panels and vectors wait for their return."""
        with Session(self.engine) as session, session.begin():
            for ids in _chunks(list(page_ids)):
                self._mark_dirty(session)
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

    # ------------------------------------------------------------------ reading

    def listings(self, source_id: int) -> dict[str, tuple[str, Any]]:
        """(stat, what was found) by the book's path, of the books of a source that are remembered."""
        with Session(self.engine) as session:
            rows = session.scalars(select(ListingRow).where(ListingRow.source_id == source_id))
            return {row.path: (row.fingerprint, row.content) for row in rows}

    def joined_pages(self, source_id: int) -> dict[int, tuple[str, list[str]]]:
        """(stat, names of joined pages) by book id, of the books of a source that were looked at."""
        with Session(self.engine) as session:
            query = select(JoinedPagesRow).join(BookRow, BookRow.id == JoinedPagesRow.book_id)
            rows = session.scalars(query.where(BookRow.source_id == source_id))
            return {row.book_id: (row.fingerprint, row.pages) for row in rows}

    def previous_pages(self, book_id: int) -> dict[str, PreviousPage]:
        """Every page the catalog remembers of a book, by name."""
        fate = (PageRow.number, PageRow.fingerprint, PageRow.digest, PageRow.missing, PageRow.label, PageRow.ocr_engine)
        with self.engine.connect() as connection:
            rows = connection.execute(select(PageRow.id, PageRow.name, *fate).where(PageRow.book_id == book_id))
            return {row.name: PreviousPage(*row) for row in rows}

    def previous_books(self, source_id: int) -> dict[str, BookRecord]:
        """Every book of a source by its path, gone ones included."""
        with self.engine.connect() as connection:
            columns = select(BookRow.path, BookRow.id, BookRow.title, BookRow.kind, BookRow.metadata_fingerprint)
            rows = connection.execute(columns.where(BookRow.source_id == source_id))
            return {row.path: BookRecord(row.id, row.title, row.kind, row.metadata_fingerprint) for row in rows}

    def present_pages(self, book_ids: Sequence[int]) -> list[int]:
        """Ids of the pages of some books that are there."""
        columns = select(PageRow.id).where(PageRow.missing.is_(False))
        with self.engine.connect() as connection:
            chunks = (connection.scalars(columns.where(PageRow.book_id.in_(ids))) for ids in _chunks(list(book_ids)))
            return [page for chunk in chunks for page in chunk]

    def missing_pages(self) -> Iterator[MissingPage]:
        """The pages that wait for their return."""
        columns = select(PageRow.id, PageRow.book_id, PageRow.name, PageRow.digest)
        with self.engine.connect() as connection:
            yield from (
                MissingPage(*row) for row in connection.execute(columns.where(PageRow.missing)).yield_per(10_000)
            )

    def digests(self) -> Iterator[str]:
        """The content of every page, gone ones included, in no order."""
        with self.engine.connect() as connection:
            yield from connection.execute(select(PageRow.digest)).yield_per(10_000).scalars()

    def page_by_digest(self, digest: str) -> tuple[int, list[int]] | None:
        """A page of this content and the vector rows of its panels in order, or None."""
        with self.engine.connect() as connection:
            found = connection.scalar(select(PageRow.id).where(PageRow.digest == digest).limit(1))
            if found is None:
                return None
            rows = select(PanelRow.vector_row).where(PanelRow.page_id == found).order_by(PanelRow.number)
            return found, list(connection.scalars(rows))

    def sources(self) -> list[Path]:
        with Session(self.engine) as session:
            return [Path(p) for p in session.scalars(select(SourceRow.path).order_by(SourceRow.id))]

    def source_counts(self, path: Path) -> dict[str, int]:
        """books, pages and panels of a source, gone ones included."""
        counted = (func.distinct(BookRow.id), func.distinct(PageRow.id), PanelRow.id)
        statement = (
            select(*(func.count(column) for column in counted))
            .select_from(SourceRow)
            .outerjoin(BookRow, BookRow.source_id == SourceRow.id)
            .outerjoin(PageRow, PageRow.book_id == BookRow.id)
            .outerjoin(PanelRow, PanelRow.page_id == PageRow.id)
            .where(SourceRow.path == str(path))
        )
        with self.engine.connect() as connection:
            return dict(zip(("books", "pages", "panels"), connection.execute(statement).one(), strict=True))

    def skipped(self) -> list[tuple[str, str]]:
        """(path, reason) of everything the last builds could not read."""
        with Session(self.engine) as session:
            rows = session.scalars(select(SkippedRow).order_by(SkippedRow.id))
            return [(r.path, r.reason) for r in rows]

    def counts(self) -> dict[str, int]:
        """books, pages, panels, panels_with_dialogue and doubtful_pages, all of what is present; gone_pages.

        A page is doubtful where the whole of it stands after panels found on it: see `Panel.beside_others`.
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
                "doubtful_pages": session.scalar(panels.where(PanelRow.box_source == FULL_PAGE, PanelRow.number > 1))
                or 0,
                "gone_pages": session.scalar(select(func.count(PageRow.id)).where(PageRow.missing)) or 0,
            }

    def books(self) -> list[BookSummary]:
        """The present books in order of title."""
        statement = (
            select(
                BookRow.id,
                BookRow.title,
                BookRow.path,
                SourceRow.path,
                BookRow.kind,
                func.count(func.distinct(PageRow.id)),
                func.count(PanelRow.id),
            )
            .join(SourceRow, BookRow.source_id == SourceRow.id)
            .join(PageRow, PageRow.book_id == BookRow.id)
            .outerjoin(PanelRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
            .group_by(BookRow.id, BookRow.title, BookRow.path, SourceRow.path, BookRow.kind)
            .order_by(BookRow.title, BookRow.id)
        )
        with Session(self.engine) as session:
            return [BookSummary(*row) for row in session.execute(statement)]

    def book_metadata(self, book_id: int) -> dict[str, tuple[str, ...]]:
        """What is known about a book: the values of each name, in order."""
        statement = select(BookMetadataRow).where(BookMetadataRow.book_id == book_id).order_by(BookMetadataRow.position)
        found: dict[str, tuple[str, ...]] = {}
        with Session(self.engine) as session:
            for row in session.scalars(statement.order_by(BookMetadataRow.id)):
                found[row.name] = (*found.get(row.name, ()), row.value)
        return found

    def metadata_values(self, names: Sequence[str]) -> list[tuple[int, str, str, str]]:
        """(book id, name, value, value as compared) of all facts of these names, in no order."""
        columns = (BookMetadataRow.book_id, BookMetadataRow.name, BookMetadataRow.value, BookMetadataRow.casefolded)
        with self.engine.connect() as connection:
            rows = connection.execute(select(*columns).where(BookMetadataRow.name.in_(names)))
            return [(book, name, value, same) for book, name, value, same in rows]

    def panel_counts(self, where: Filter) -> list[PanelCount]:
        """Present panels that a filter lets through, counted by book and page label."""
        aspect = PanelRow.w / PanelRow.h
        shapes = [and_(*in_range(aspect, bounds)) for bounds in ASPECTS.values()]
        columns = [func.count(), func.sum(case((PanelRow.dialogue != "", 1), else_=0))]
        columns += [func.sum(case((shape, 1), else_=0)) for shape in shapes]
        by = (PageRow.book_id, PageRow.label)
        statement = self._filtered(select(*by, *columns), where).group_by(*by)
        with self.engine.connect() as connection:
            titles = {row.id: row.title for row in connection.execute(select(BookRow.id, BookRow.title))}
            rows = connection.execute(statement)
            return [PanelCount(book, titles[book], label, n, d, tuple(a)) for book, label, n, d, *a in rows]

    def covers(self) -> dict[int, CoverSummary]:
        """The first page and the talking panels of every present book, by the book's id."""
        words = (
            select(PageRow.book_id, func.count(PanelRow.id).label("talking"))
            .join(PanelRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False), PanelRow.dialogue != "")
            .group_by(PageRow.book_id)
        )
        # rows of later pages come first, so that the first page is what stays
        firsts = select(PageRow.book_id, PageRow.id).where(PageRow.missing.is_(False)).order_by(PageRow.number.desc())
        with Session(self.engine) as session:
            talking = {row.book_id: row.talking for row in session.execute(words)}
            first = {row.book_id: row.id for row in session.execute(firsts)}
        return {book: CoverSummary(page, talking.get(book, 0)) for book, page in first.items()}

    def books_of_panels(self) -> dict[int, int]:
        """The book of every present panel, by the panel's id."""
        statement = (
            select(PanelRow.id, PageRow.book_id)
            .join(PageRow, PanelRow.page_id == PageRow.id)
            .where(PageRow.missing.is_(False))
        )
        with Session(self.engine) as session:
            return {row.id: row.book_id for row in session.execute(statement)}

    def pages_of(self, book_id: int, limit: int, offset: int) -> list[tuple[int, int]]:
        """(id, number) of a book's present pages in order."""
        statement = (
            select(PageRow.id, PageRow.number)
            .where(PageRow.book_id == book_id, PageRow.missing.is_(False))
            .order_by(PageRow.number, PageRow.id)
            .limit(limit)
            .offset(offset)
        )
        with Session(self.engine) as session:
            return [(page, number) for page, number in session.execute(statement)]

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

    def last_vector_row(self) -> int:
        """The highest row any panel names, gone ones included, or named before it was deleted; -1 when there is none.

        Readers of an older generation may have rows mapped that were deleted: files never get shorter than that.
        """
        with Session(self.engine) as session:
            return self._last_vector_row(session)

    @staticmethod
    def _last_vector_row(session: Session) -> int:
        deleted = session.get(SettingRow, "vector_high_water")
        named = session.scalar(select(func.max(PanelRow.vector_row)))
        return max(-1 if named is None else named, -1 if deleted is None else deleted.value - 1)

    def named_rows(self) -> NDArray[np.int64]:
        """The vector rows of all panels, gone ones included, sorted, (P,) int64."""
        rows = select(PanelRow.vector_row).order_by(PanelRow.vector_row)
        with self.engine.connect() as connection:
            return np.fromiter(connection.execute(rows).yield_per(50_000).scalars(), dtype=np.int64)

    def panels(self, ids: Iterable[int]) -> dict[int, Panel]:
        """Present panels by id; ids that are unknown or gone are left out."""
        found: dict[int, Panel] = {}
        with Session(self.engine) as session:
            for chunk in _chunks([int(i) for i in ids]):
                rows = session.execute(_panel_select().where(PanelRow.id.in_(chunk)))
                found.update((row[0], _panel(row)) for row in rows)
        return found

    def page_panels(self, page_id: int) -> list[Panel]:
        """The panels of one page in order."""
        with Session(self.engine) as session:
            rows = session.execute(_panel_select().where(PageRow.id == page_id).order_by(PanelRow.number))
            return [_panel(row) for row in rows]

    def browse(self, where: Filter, limit: int, offset: int) -> list[int]:
        """Panel ids that match a filter, in order of book, page and panel."""
        statement = (
            self._filtered(select(PanelRow.id), where, with_books=True)
            .order_by(BookRow.title, BookRow.id, PageRow.number, PanelRow.number)
            .limit(limit)
            .offset(offset)
        )
        with Session(self.engine) as session:
            return list(session.scalars(statement))

    def count_matching(self, where: Filter) -> int:
        """How many present panels a filter lets through."""
        with Session(self.engine) as session:
            return session.scalar(self._filtered(select(func.count(PanelRow.id)), where)) or 0

    def matching_ids(self, where: Filter) -> NDArray[np.int64]:
        """The ids of those panels, sorted, (M,) int64."""
        statement = self._filtered(select(PanelRow.id), where)  # sorted here: faster than there
        with self.engine.connect() as connection:
            cursor = connection.execute(statement).cursor  # plain tuples: rows as objects cost three times as much
            assert cursor is not None  # a SELECT has one
            return np.sort(np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64))

    def _filtered(self, statement: Select[Any], where: Filter, with_books: bool = False) -> Select[Any]:
        """Join what a filter speaks of and add its conditions: every table less is a look-up a panel less."""
        columns = {
            "book": BookRow.title,
            "book_path": BookRow.path,
            "book_id": PageRow.book_id,
            "source": SourceRow.path,
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
        joined = statement.select_from(PanelRow).join(PageRow, PanelRow.page_id == PageRow.id)
        if with_books or where.book is not None or where.source is not None:
            joined = joined.join(BookRow, PageRow.book_id == BookRow.id)
            joined = joined.join(SourceRow, BookRow.source_id == SourceRow.id)
        return joined.where(PageRow.missing.is_(False), *where.conditions(columns))

    def page_location(self, page_id: int) -> PageLocation | None:
        """Where a page's picture lies, or None when the catalog does not know it."""
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
        """Where the pages lie whose file is called `name`, in whatever folder of their book; gone ones are left out."""
        named = (PageRow.name == name) | PageRow.name.endswith(f"/{name}", autoescape=True)
        with Session(self.engine) as session:
            ids = list(
                session.scalars(select(PageRow.id).where(named, PageRow.missing.is_(False)).order_by(PageRow.id))
            )
        return [place for page_id in ids if (place := self.page_location(page_id)) is not None]

    def word_candidates(self, terms: Sequence[str], limit: int, where: Filter) -> list[int]:
        """Ids of panels that say some of `terms` (or nearly) and match a filter, best first; see `fulltext`."""
        in_range = None if where.empty else self._filtered(select(PanelRow.id), where)
        with self.engine.connect() as connection:
            return self._text.candidates(connection, terms, limit, in_range)

    def word_counts(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many panels each word stands."""
        with self.engine.connect() as connection:
            return self._text.counts(connection, terms)

    def check(self) -> list[str]:
        """What is wrong inside the database itself; empty when nothing is."""
        with self.engine.connect() as connection:
            return self._text.check(connection)

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


def _engine(url: URL, making: bool = False) -> Engine:
    try:
        if url.get_backend_name() == "sqlite" and not making:
            engine = create_engine(url, creator=partial(connect_read_only, Path(url.database or "")))
        else:
            engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        shown = url.render_as_string(hide_password=True)
        raise UsageError(
            f"the catalog's database {shown} cannot be used ({error}): is its driver installed?"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        if making:
            event.listen(engine, "connect", _write_ahead)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        event.listen(engine, "handle_error", _translate_sqlite_error)
    return engine


def _translate_sqlite_error(context: ExceptionContext) -> None:
    """Damage and a full disk, whenever SQLite meets them, become sentences."""
    text = str(context.original_exception)
    place = _location(context.engine) if context.engine is not None else "the catalog"
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        raise IndexDamaged(f"{place} is damaged ({text}): {_RESTORE_HINT}") from context.original_exception
    if "disk is full" in text or "disk I/O" in text or "readonly" in text:
        raise IndexError_(f"{place} cannot be written ({text}): check the disk, then run the same command again")


def _has_schema(engine: Engine) -> bool:
    """Whether the database holds a catalog; one whose making was interrupted has no version yet."""
    if not inspect(engine).has_table(SettingRow.__tablename__):
        return False
    with Session(engine) as session:
        return session.get(SettingRow, "schema_version") is not None


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin when SQLAlchemy says so, also around CREATE TABLE
    for pragma in ("foreign_keys = ON", "synchronous = NORMAL", "busy_timeout = 30000"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any, _: object) -> None:
    """Readers go on while a build writes; the file remembers this."""
    connection.execute("PRAGMA journal_mode = WAL")


def _location(engine: Engine) -> str:
    return engine.url.database or engine.url.render_as_string(hide_password=True)


@contextmanager
def _reading_errors(engine: Engine) -> Iterator[None]:
    """A file that is no database is damage, said in a sentence."""
    try:
        yield
    except DBAPIError as error:
        engine.dispose()
        raise IndexDamaged(
            f"{_location(engine)} cannot be read as a catalog ({error.orig}): {_RESTORE_HINT}"
        ) from error


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield ids[start : start + _IDS_PER_QUERY]


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


def _panel_select() -> Any:
    """Plain columns, in the order that `_panel` takes them: loading whole rows as objects costs three times as much."""
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


def _panel(row: Any) -> Panel:
    panel_id, number, x, y, w, h, dialogue, effects, words_from, origin, vector_row, *gate = row[:14]
    page_id, page, name, width, height, label, book_id, title, path = row[14:]
    return Panel(
        id=panel_id,
        book=title,
        page_number=page,
        number=number,
        box=Box(x, y, w, h),
        dialogue=dialogue,
        sound_effects=effects,
        text_source=words_from,
        page_path=f"{path}/{name}" if path else name,
        page_width=width,
        page_height=height,
        gate=(gate[0], gate[1], gate[2]),
        page_id=page_id,
        book_id=book_id,
        vector_row=vector_row,
        label=label or "",
        box_source=origin,
    )
