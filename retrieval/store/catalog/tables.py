"""Tables of the catalog database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 3


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
