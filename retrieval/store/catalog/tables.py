"""Tables of the catalog database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from retrieval.names import name_key
from retrieval.store.checksums import SQL_FUNCTION

SCHEMA_VERSION = 7
"""Version of the tables and settings of new catalogs."""

OLDEST_SCHEMA = 6
"""Oldest version that is read. It has no setting `region_basis`: region vectors are float16, and stay so."""

_AUTOINCREMENT = {"sqlite_autoincrement": True}
"""An id is never used twice, so that an old link never opens another book, page or panel."""


class Base(DeclarativeBase):
    """Base of all tables; constraints have fixed names, so that an error names the broken one."""

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
    """One setting of the index, a JSON value; see `retrieval.store.settings`."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class SourceRow(Base):
    """A folder, book file or image that was built; `path` is absolute. path_key: the path as filters compare it."""

    __tablename__ = "source"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)
    path_key: Mapped[str] = mapped_column(default="", server_default="")

    @validates("path")
    def _set_key(self, column: str, value: str) -> str:
        setattr(self, f"{column}_key", name_key(value))
        return value


class BookRow(Base):
    """One comic; `path` is relative to its source, '' if the source is the book.

    path_key, title_key: path and title as filters compare them (`retrieval.names.name_key`).
    metadata_fingerprint: that of the files with its metadata and page labels, which are read again when it changes.
    """

    __tablename__ = "book"
    __table_args__ = (UniqueConstraint("source_id", "path"), _AUTOINCREMENT)
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    path: Mapped[str]
    path_key: Mapped[str] = mapped_column(default="", server_default="")
    title: Mapped[str] = mapped_column(index=True)
    title_key: Mapped[str] = mapped_column(default="", server_default="")
    book_format: Mapped[str]
    metadata_fingerprint: Mapped[str] = mapped_column(default="", server_default="")

    @validates("path", "title")
    def _set_key(self, column: str, value: str) -> str:
        setattr(self, f"{column}_key", name_key(value))
        return value


class BookMetadataRow(Base):
    """One value of a book's metadata; name: series, writer, ...; position: order among several values of one name.

    casefolded: the value as filters compare it. numeric: the number that it spells, if any.
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
    """One page; a missing page keeps its panels, in case it comes back.

    - fingerprint: of the file, without reading it.
    - digest: of the content.
    - label: page type (story, cover, ...) or NULL.
    - ocr_engine: engine, version, settings and language of its OCR. "" if annotations have all text. NULL if the text
      of some panel is unknown.
    - panel_count: number of its panels, so that a lost row is noticed.
    """

    __tablename__ = "page"
    __table_args__ = (
        UniqueConstraint("book_id", "name"),
        Index("ix_page_book_id_label_missing", "book_id", "label", "missing"),  # panel counts by book and label
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
    panel_count: Mapped[int] = mapped_column(default=0, server_default="0")


class PanelRow(Base):
    """One panel. vector_row: row of its vectors in every view. gate_*: weights in its fused vector.

    picture_norm: length of its image vector before it was scaled to 1; NULL if its encoder does not tell.
    vector_checksums: 8 bytes for each stream of vectors, in the order of `VectorStore.streams`.
    text_source: annotation, ocr, or "" if it was not read. sound_effects: lettering that is not dialogue.
    box_source: annotation, detector (the panel detector) or page (the whole page).
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
    vector_checksums: Mapped[bytes]
    picture_norm: Mapped[float | None]


class JoinedPagesRow(Base):
    """The joined pages of a strip that is stored in slices: their names, [] for any other book.

    fingerprint: of the files, which are examined again when it changes.
    """

    __tablename__ = "joined_pages"
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str]
    pages: Mapped[list[str]] = mapped_column(JSON)


class ListingRow(Base):
    """The content of a book that must be unpacked to be listed, as JSON, and the fingerprint of its file."""

    __tablename__ = "listing"
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    content: Mapped[Any] = mapped_column(JSON)


class SkippedRow(Base):
    """A file that could not be read, and the reason; replaced when its source is built again."""

    __tablename__ = "skipped"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    path: Mapped[str]
    reason: Mapped[str]


class TextChangeRow(Base):
    """A panel whose dialogue in the full text is not that of its row; the next generation brings both together.

    indexed: dialogue that the full text has for this panel id, NULL if it has none. The panel may be gone.
    """

    __tablename__ = "text_change"
    panel_id: Mapped[int] = mapped_column(primary_key=True)
    indexed: Mapped[str | None]


class RowChecksumRow(Base):
    """The checksum of one row of another table, in SQLite; triggers of the writer keep it.

    row_key: the primary key of the row as text; several columns are joined with a unit separator.
    """

    __tablename__ = "row_checksum"
    __table_args__ = ({"sqlite_with_rowid": False},)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    row_key: Mapped[str] = mapped_column(primary_key=True)
    checksum: Mapped[int] = mapped_column(BigInteger)


CHECKED_TABLES: tuple[type[Base], ...] = (
    SettingRow,
    SourceRow,
    BookRow,
    BookMetadataRow,
    PageRow,
    PanelRow,
    JoinedPagesRow,
    ListingRow,
    SkippedRow,
)
"""Tables whose rows have a checksum."""


def row_key_sql(table: type[Base], alias: str) -> str:
    """Return the SQL expression of a row's key in `row_checksum`; alias: of the row, such as "new"."""
    keys = [f'{alias}."{column.name}"' for column in _columns(table) if column.primary_key]
    return f"CAST({' || char(31) || '.join(keys)} AS TEXT)"


def row_checksum_sql(table: type[Base], alias: str) -> str:
    """Return the SQL expression of a row's checksum, over all its columns."""
    values = " || ',' || ".join(f'quote({alias}."{column.name}")' for column in _columns(table))
    return f"{SQL_FUNCTION}(CAST({values} AS BLOB))"  # a BLOB, because damaged text may not be valid UTF-8


def damaged_rows_sql(table: type[Base], keys: Sequence[int] | None = None) -> Iterator[str]:
    """Return queries for the keys of rows that are altered or without a checksum, and of rows that are lost.

    keys: integer keys of the rows in question, all without it.
    """
    name, key = table.__tablename__, row_key_sql(table, "t")
    chosen = "" if keys is None else f" AND t.id IN ({', '.join(str(int(key)) for key in keys)})"
    yield f"""SELECT {key} FROM {name} t
        LEFT JOIN row_checksum c ON c.table_name = '{name}' AND c.row_key = {key}
        WHERE c.checksum IS NOT {row_checksum_sql(table, "t")}{chosen}"""
    if keys is None:
        yield f"""SELECT c.row_key FROM row_checksum c LEFT JOIN {name} t ON {key} = c.row_key
            WHERE c.table_name = '{name}' AND {key} IS NULL"""


def _columns(table: type[Base]) -> Iterator[Column[Any]]:
    assert isinstance(table.__table__, Table)
    yield from table.__table__.columns
