"""The interface of an open index that functions over a whole index need; `PanelIndex` has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from retrieval.encoder.protocol import Encoder
from retrieval.records import Panel
from retrieval.search.hits import Hit
from retrieval.search.query import Query
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import BookSummary
from retrieval.store.generation import Generation
from retrieval.store.vectors import VectorStore

if TYPE_CHECKING:
    from PIL import Image


class OpenIndex(Protocol):
    """An index opened for reading: catalog, vectors, the searched generation, and search."""

    @property
    def folder(self) -> Path:
        """The folder of the index."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The catalog."""
        ...

    @property
    def generation(self) -> Generation:
        """The searched generation."""
        ...

    @property
    def vector_store(self) -> VectorStore:
        """The stored vectors."""
        ...

    @property
    def encoder(self) -> Encoder:
        """The encoder that built the index."""
        ...

    def search_many(self, queries: Sequence[Query], /) -> list[list[Hit]]:
        """Return the hits of each query, in order."""
        ...

    def browse(self, *, k: int, offset: int) -> list[Panel]:
        """Return `k` panels from `offset` on, in order of book, page and panel."""
        ...

    def count(self) -> int:
        """Return the number of panels."""
        ...

    def page_panels(self, page_id: int, /) -> list[Panel]:
        """Return the panels of a page, in order."""
        ...

    def books(self) -> list[BookSummary]:
        """Return the books that are present, in order of title."""
        ...

    def page_image(self, page_id: int, /) -> Image.Image:
        """Read a page as upright RGB."""
        ...

    def panel_image(self, panel: Panel, /) -> Image.Image:
        """Read a panel as upright RGB."""
        ...

    def thumbnail(self, panel: Panel, /) -> bytes:
        """Return a panel's thumbnail as WebP bytes."""
        ...
