"""Make everything derived again from catalog and vectors, under the writer lock."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from index_builder.build import next_generation, writer_lock
from index_builder.write.purge import purge
from retrieval.errors import PanelseekError
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.index import PanelIndex
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url, existing_index, open_vectors
from retrieval.store.thumbnails import Thumbnails

log = logging.getLogger("panelseek")


def repair_index(index: str | Path) -> list[str]:
    """Rebuild full text, generation and thumbnails; returns a line for each part that was made again.

    What is not derived (the catalog itself, the vectors) cannot be repaired: `IndexDamaged` says so.
    """
    folder = existing_index(index).absolute()
    with writer_lock(folder), Catalog.open(catalog_url(folder)) as catalog:
        catalog.rebuild_full_text()
        shards = open_vectors(folder, catalog)
        named = catalog.panels.last_vector_row() + 1
        shards.truncate(named)
        Thumbnails(folder).truncate(named)
        manifest = next_generation(folder, catalog, shards)
        erased = purge(folder, catalog, shards)
        pictures = _thumbnails(folder)
        catalog.checkpoint()
    views = ", ".join(f"{name} ({view['panels']} panels)" for name, view in manifest["views"].items())
    lines = ["full text of the dialogue", f"generation {manifest['generation']}: {views}", f"{pictures} thumbnails"]
    return [*lines, f"room: {erased} vectors that no panel names are erased"] if erased else lines


def _thumbnails(folder: Path) -> int:
    """Draw again the small pictures that are missing; those whose comics are away are left out."""
    store = Thumbnails(folder)
    try:
        have = store.stored_rows()
    except sqlite3.DatabaseError:
        store.clear()
        have = set()
    made = 0
    with PanelIndex.open(folder) as index:
        ids, rows = index.catalog.panels.vector_rows()
        missing = [int(i) for i, row in zip(ids, rows, strict=True) if int(row) not in have]
        for panel in index.catalog.panels.get(missing).values():
            try:
                store.put([(panel.vector_row, encode_thumbnail(index.panel_image(panel)))])
                made += 1
            except PanelseekError as error:
                log.warning("no thumbnail for panel %d: %s", panel.id, error)
    return made
