"""An index opened for writing: catalog, vectors and thumbnails of one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from index_builder.write.catalog_writer import CatalogWriter
from retrieval.encoder.protocol import Encoder, region_basis
from retrieval.errors import IndexDamaged, IndexError_
from retrieval.files import PARTIAL
from retrieval.store.catalog.tables import SCHEMA_VERSION, PageRow, PanelRow
from retrieval.store.generation import Generation, open_generation
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.layout import check_index_id, open_vectors, write_index_id
from retrieval.store.region_basis import basis_record, write_basis
from retrieval.store.settings import EncoderRecord
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

    def begin_vectors(self, encoder: Encoder, record: EncoderRecord, regions: int) -> None:
        """Record the encoder of an empty index, with its region vectors per panel, and the basis of these.

        The basis is synced before the catalog names it.
        """
        self.vectors.truncate(0)  # of a build that was stopped early, perhaps with another encoder
        basis = region_basis(encoder) if regions else None
        self.catalog.write_settings(
            schema_version=SCHEMA_VERSION,
            encoder=record,
            regions=regions,
            region_basis=None if basis is None else write_basis(self.vectors.folder, basis),
        )
        self.vectors = open_vectors(self.folder, self.catalog.settings())
        self.vectors.truncate(0)

    def restore_basis(self, encoder: Encoder) -> bool:
        """Write the basis of the region vectors again if it is damaged; return True if it was.

        Raises `IndexDamaged` if the encoder does not have the same one.
        """
        damage, stored = self.vectors.damaged_basis(), self.vectors.basis
        if damage is None or stored is None:
            return False
        basis = region_basis(encoder)
        if basis is None or basis_record(basis) != stored.record:
            problem = f"{damage.problem}, and the encoder {encoder.name} does not have the same one"
            raise IndexDamaged(problem, stored.path, RESTORE_HINT)
        write_basis(self.vectors.folder, basis)
        return True

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
