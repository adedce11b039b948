"""What no panel names any more is erased: vectors of changed and forgotten pages, and their small pictures.

Nothing moves, so it may stop anywhere and be done again; readers of what is named are not disturbed.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.store.catalog.catalog import Catalog
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore


def purge(folder: Path, catalog: Catalog, shards: VectorStore) -> int:
    """Erase it and give the space back to the disk where that can be done; returns how many vectors went.

    To be called when the generation that is searched is the newest: an older one may name what goes.
    """
    named = catalog.panels.named_rows()
    unnamed = np.ones(shards.rows(), bool)
    unnamed[named] = False
    rows = np.nonzero(unnamed)[0]
    shards.punch(rows)
    _purge_thumbnails(Thumbnails(folder), named)
    catalog.vacuum()
    catalog.write_settings(purge_pending=False)
    return len(rows)


def _purge_thumbnails(thumbnails: Thumbnails, named: NDArray[np.int64]) -> None:
    with suppress(sqlite3.DatabaseError):  # a damaged file starts anew when it is written
        thumbnails.remove(thumbnails.stored_rows().difference(named.tolist()))
        thumbnails.vacuum()
