"""Purge: erase vectors and thumbnails that no panel names, of changed pages and removed sources.

Nothing moves, so a purge may stop anywhere and be done again; readers of named data are not disturbed.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index_builder.write.catalog_writer import CatalogWriter
from retrieval.store.sqlite import disk_error, fault_of
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore


def purge_unnamed(folder: Path, catalog: CatalogWriter, vectors: VectorStore) -> int:
    """Erase unnamed vectors and thumbnails, and free their disk space if possible; return the number of vectors.

    Call it only if the searched generation is the newest: an older one may name erased rows.
    """
    named = catalog.panels.named_rows()
    unnamed = np.ones(vectors.rows(), bool)
    unnamed[named] = False
    rows = np.nonzero(unnamed)[0]
    vectors.punch(rows)
    _purge_thumbnails(Thumbnails(folder), named)
    catalog.vacuum()
    catalog.write_settings(purge_pending=False)
    return len(rows)


def _purge_thumbnails(thumbnails: Thumbnails, named: NDArray[np.int64]) -> None:
    try:
        stored = thumbnails.stored_rows() | thumbnails.keypoint_rows()
    except sqlite3.DatabaseError as error:
        if fault_of(error) == "disk":
            raise disk_error("the file of thumbnails", thumbnails.path, error) from error
        return  # a damaged file is replaced when it is next written
    thumbnails.remove(stored.difference(named.tolist()))
    thumbnails.vacuum()
