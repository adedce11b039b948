"""An index opened for writing: catalog, vectors and thumbnails of one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from index_builder.write.catalog_writer import CatalogWriter
from retrieval.errors import IndexError_
from retrieval.files import PARTIAL
from retrieval.store.catalog.tables import PageRow, PanelRow
from retrieval.store.generation import Generation, open_generation
from retrieval.store.layout import check_index_id, open_vectors, write_index_id
from retrieval.store.thumbnails import Thumbnails


class WritableIndex:
    """The parts of an index that a build changes; hold the writer lock while you use it.

    Raises `IndexDamaged` if the folder belongs to another index than its catalog.
    """

    def __init__(self, folder: Path, catalog: CatalogWriter) -> None:
        index_id = catalog.settings().index_id
        check_index_id(folder, index_id)  # before vectors are cut off to what this catalog names
        catalog.sync()
        for leftover in folder.glob(f"*{PARTIAL}"):  # of a killed process
            leftover.unlink()
        write_index_id(folder, index_id)
        self.folder = folder
        self.catalog = catalog
        self.vectors = open_vectors(folder, catalog.settings())
        self.thumbnails = Thumbnails(folder)

    @property
    def empty(self) -> bool:
        """True if no panel was ever written."""
        return self.catalog.panels.last_vector_row() < 0

    def reopen_vectors(self) -> None:
        """Open the vectors of an empty index again, after the number of regions was chosen."""
        self.vectors = open_vectors(self.folder, self.catalog.settings())
        self.vectors.truncate(0)

    def drop_unnamed(self) -> None:
        """Cut off vectors and thumbnails that neither the catalog nor the searched generation names."""
        rows = self.catalog.panels.last_vector_row() + 1
        generation = current_generation(self.folder, self.catalog)
        views = generation.views.values() if generation else ()
        named = max([rows, *(int(view.rows.max()) + 1 for view in views if len(view))])
        self.vectors.truncate(named)
        self.thumbnails.truncate(named)

    def intact_rows(self, page_id: int, panel_ids: Sequence[int]) -> list[int] | None:
        """Return the vector rows of a page's panels; None unless page, panels and vectors are what was written."""
        places = self.catalog.panels.vector_places(panel_ids, with_missing=True)
        if self.vectors.damaged(places.rows, places.sums).any():
            return None
        if self.catalog.damaged_rows(PageRow, [page_id]) + self.catalog.damaged_rows(PanelRow, panel_ids):
            return None
        rows: list[int] = places.rows.tolist()
        return rows

    def next_row(self) -> int:
        """Return the first free vector row."""
        return max(self.catalog.panels.last_vector_row() + 1, self.vectors.rows())


def current_generation(folder: Path, catalog: CatalogWriter) -> Generation | None:
    """Return the searched generation; None if there is none or it is damaged, since it can be derived again."""
    number = catalog.settings().generation
    try:
        return None if number is None else open_generation(folder, number)
    except IndexError_:
        return None
