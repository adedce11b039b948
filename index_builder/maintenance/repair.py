"""Repair: make everything derived again from catalog and vectors, under the writer lock."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from index_builder.write import CatalogWriter, WritableIndex, next_generation, purge_unnamed, writer_lock
from retrieval.errors import PanelseekError
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.index import PanelIndex
from retrieval.store.layout import catalog_url, existing_index
from retrieval.store.thumbnails import Thumbnails

log = logging.getLogger("panelseek")


def repair_index(index: str | Path) -> list[str]:
    """Rebuild full text, generation and thumbnails; return a line for each part that was made again.

    The catalog itself and the vectors are not derived, so they cannot be repaired: raises `IndexDamaged`.
    """
    folder = existing_index(index).absolute()
    with writer_lock(folder), CatalogWriter.open(catalog_url(folder)) as catalog:
        catalog.rebuild_full_text()
        opened = WritableIndex(folder, catalog)
        manifest = next_generation(opened)
        named = catalog.panels.last_vector_row() + 1  # the earlier generation may have named rows beyond
        opened.vectors.truncate(named)
        opened.thumbnails.truncate(named)
        erased = purge_unnamed(folder, catalog, opened.vectors)
        thumbnails = _draw_missing_thumbnails(folder)
        catalog.checkpoint()
    views = ", ".join(f"{name} ({view['panels']} panels)" for name, view in manifest["views"].items())
    lines = ["full text of the dialogue", f"generation {manifest['generation']}: {views}", f"{thumbnails} thumbnails"]
    return [*lines, f"disk space: {erased} vectors without a panel erased"] if erased else lines


def _draw_missing_thumbnails(folder: Path) -> int:
    """Draw missing thumbnails again, except those whose comics cannot be read; return their number."""
    store = Thumbnails(folder)
    try:
        have = store.stored_rows()
    except sqlite3.DatabaseError:
        store.clear()
        have = set()
    drawn = 0
    with PanelIndex.open(folder) as index:
        ids, rows = index.catalog.panels.vector_rows()
        missing = [int(i) for i, row in zip(ids, rows, strict=True) if int(row) not in have]
        for panel in index.catalog.panels.get(missing).values():
            try:
                store.put([(panel.vector_row, encode_thumbnail(index.panel_image(panel)))])
                drawn += 1
            except PanelseekError as error:
                log.warning("no thumbnail for panel %d: %s", panel.id, error)
    return drawn
