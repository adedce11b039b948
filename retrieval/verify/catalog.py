"""Verification of the catalog: SQLite's own checks, the checksum of every row, and the full text."""

from __future__ import annotations

from collections.abc import Iterator

from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import CHECKED_TABLES, PageRow, PanelRow
from retrieval.store.hints import REPAIR_HINT
from retrieval.verify.full_text import full_text_faults
from retrieval.verify.records import Problem, Verification

_LISTED_KEYS = 10
"""Keys of damaged rows that a problem names."""


def check_catalog(run: Verification) -> Iterator[Problem]:
    """Check the database, its rows and its full text."""
    faults = [*run.catalog.check(), *row_faults(run.catalog), *full_text_faults(run.catalog)]
    yield from (Problem("catalog", fault, REPAIR_HINT, True) for fault in faults)
    for source in run.catalog.settings().rebuild_sources:
        hint = f"run `panelseek build` again with this source and --index {run.folder}"
        yield Problem("catalog", "pages of this source were damaged and wait for a build", hint, True, source)


def row_faults(catalog: Catalog) -> list[str]:
    """Return a sentence for each table with rows that are not as they were written."""
    faults = []
    for table in CHECKED_TABLES:
        keys = catalog.damaged_rows(table)
        if keys:
            more = f" and {len(keys) - _LISTED_KEYS:,} more" if len(keys) > _LISTED_KEYS else ""
            listed = ", ".join(key.replace("\x1f", " ") for key in keys[:_LISTED_KEYS])
            faults.append(f"rows of the table {table.__tablename__} are not as they were written: {listed}{more}")
            faults += _places(catalog, keys) if table is PanelRow else []
    incomplete = catalog.pages.incomplete_pages()
    if incomplete:
        faults.append(f"{len(incomplete)} {PageRow.__tablename__}s have lost rows of panels")
    return faults


def _places(catalog: Catalog, keys: list[str]) -> list[str]:
    """Return where the listed panels are."""
    panels = catalog.panels.get([int(key) for key in keys[:_LISTED_KEYS]]).values()
    return [f"panel {p.id} ({p.book}, page {p.page_number}, {p.page_path}) was altered" for p in panels]
