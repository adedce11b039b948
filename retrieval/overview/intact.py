"""Check of the vectors that a map or look-alikes are derived from."""

from __future__ import annotations

import numpy as np

from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.search.open_index import OpenIndex
from retrieval.store.hints import REPAIR_HINT


def check_vectors(index: OpenIndex, view: View) -> None:
    """Compare the vectors of a view with their checksums. Raises `IndexDamaged` if some are not what was written."""
    searched, places = index.generation.views[view], index.catalog.panels.vector_places()
    # a running build may have encoded some panels again: their checksums are those of other rows
    same = np.isin(places.ids, searched.ids) & np.isin(places.rows, searched.rows)
    places = places.take(same)
    damaged = int(index.vector_store.damaged(places.rows, places.sums, [str(view)]).sum())
    if damaged:
        raise IndexDamaged(f"the {view} vectors of {damaged} panels are damaged", index.folder / "vectors", REPAIR_HINT)
