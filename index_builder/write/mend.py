"""Mending of the catalog: rows that are not as they were written go, and the next build reads their pages again.

A damaged panel goes alone: the others of its page stay, with their ids, until a build replaces the page. A damaged page
goes with its panels. What a build fills by itself (metadata, listings) is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.row_checksums import reset_checksums
from retrieval.errors import IndexDamaged
from retrieval.store.catalog.database import location, write_connection
from retrieval.store.catalog.settings_table import INSTEAD_OF_DAMAGED
from retrieval.store.catalog.tables import (
    CHECKED_TABLES,
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
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.settings import IndexSettings
from retrieval.store.vectors import VectorStore

Damage = Mapping[type[Base], Sequence[str]]
"""Keys of damaged rows by table."""

_FIELDS = {field.name for field in fields(IndexSettings)}

_UNREAD = f"fingerprint = '', digest = '{'0' * 64}'"
"""Values of a page that make the next build read it again."""


def mend_catalog(catalog: CatalogWriter, folder: Path) -> list[str]:
    """Remove damaged rows and mend settings; return a line for each, empty if nothing was damaged.

    Raises `IndexDamaged` if SQLite finds the file itself damaged, or for rows that nothing else tells.
    """
    if catalog.check():
        _reindex(catalog)
    damaged = {table: catalog.damaged_rows(table) for table in CHECKED_TABLES}
    incomplete = catalog.pages.incomplete_pages()
    if not incomplete and not any(damaged.values()):
        return []
    if damaged[SourceRow]:
        raise IndexDamaged("rows of the table source are damaged", location(catalog.engine), RESTORE_HINT)
    settings = _mend_settings(folder, damaged[SettingRow])  # first: what it raises must leave the damage marked
    sources = catalog.library.sources()
    with write_connection(catalog.engine) as connection:
        lines, unread = _mend_rows(connection, damaged, incomplete)
        for table in CHECKED_TABLES:
            reset_checksums(connection, table)
    waiting = tuple(str(source) for source in sources) if unread else catalog.settings().rebuild_sources
    catalog.write_settings(**{**settings, "generation_stale": True, "rebuild_sources": waiting})
    return [*lines, *(f"setting {name}: found again, or as in a new index" for name in settings)]


def _reindex(catalog: CatalogWriter) -> None:
    """Make the indexes of the database again: faults between a table and its index go. Other faults stay."""
    try:
        with write_connection(catalog.engine) as connection:
            connection.exec_driver_sql("REINDEX")
    except DBAPIError as error:
        problem = f"the catalog is damaged ({error.orig})"
        raise IndexDamaged(problem, location(catalog.engine), RESTORE_HINT) from error


def _mend_rows(connection: Connection, damaged: Damage, incomplete: list[int]) -> tuple[list[str], bool]:
    """Remove damaged rows, and mark for reading what they were part of.

    Return a line for each kind, and whether pages have to be read again.
    """
    books, pages, panels = (_ids(damaged[table]) for table in (BookRow, PageRow, PanelRow))
    parents = f"SELECT page_id FROM panel WHERE id IN ({panels})"
    connection.exec_driver_sql(f"UPDATE page SET {_UNREAD} WHERE id IN ({parents})")
    for name, ids in (("panel", panels), ("page", pages), ("book", books)):
        connection.exec_driver_sql(f"DELETE FROM {name} WHERE id IN ({ids})")
    for name, parent in (("book", "source"), ("page", "book"), ("panel", "page"), ("book_metadata", "book")):
        connection.exec_driver_sql(f"DELETE FROM {name} WHERE {parent}_id NOT IN (SELECT id FROM {parent})")
    left = "(SELECT count(*) FROM panel WHERE page_id = page.id)"
    connection.exec_driver_sql(f"UPDATE page SET {_UNREAD}, panel_count = {left} WHERE panel_count != {left}")
    if damaged[BookMetadataRow]:
        connection.exec_driver_sql(f"DELETE FROM book_metadata WHERE id IN ({_ids(damaged[BookMetadataRow])})")
        connection.exec_driver_sql("UPDATE book SET metadata_fingerprint = ''")
    for filled in (JoinedPagesRow, ListingRow, SkippedRow):
        if damaged[filled]:
            connection.exec_driver_sql(f"DELETE FROM {filled.__tablename__}")
    counts = {
        "books": len(damaged[BookRow]),
        "pages": len(damaged[PageRow]),
        "panels": len(damaged[PanelRow]),
        "values of metadata": len(damaged[BookMetadataRow]),
        "pages without all their panels": len(incomplete),
    }
    lines = [f"{count:,} damaged {name}" for name, count in counts.items() if count]
    return lines, bool(lines)


def _ids(keys: Sequence[str]) -> str:
    return ", ".join(str(int(key)) for key in keys) or "NULL"


def _mend_settings(folder: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Return values for damaged settings. Raises `IndexDamaged` for one that nothing else tells."""
    generations = [int(path.name) for path in (folder / "generations").glob("*") if path.name.isdigit()]
    values = {
        **INSTEAD_OF_DAMAGED,
        "generation": max(generations, default=None),
        "vector_high_water": VectorStore(folder / "vectors").rows(),
    }
    for key in keys:
        if key in _FIELDS and key not in values:
            raise IndexDamaged(f"the setting {key} is damaged", folder, RESTORE_HINT)
    return {key: values[key] for key in keys if key in values}
