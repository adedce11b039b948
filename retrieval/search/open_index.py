"""The part of an open index that evaluation and training use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from retrieval.encoder.protocol import Encoder
from retrieval.records import Panel
from retrieval.search.searcher import Hit, Query
from retrieval.store.catalog.catalog import BookSummary, Catalog
from retrieval.store.generation import Generation


class OpenIndex(Protocol):
    """An index open for reading; `retrieval.PanelIndex` is one."""

    @property
    def folder(self) -> Path:
        """Return the folder of the index."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Return the catalog."""
        ...

    @property
    def generation(self) -> Generation:
        """Return the generation being searched."""
        ...

    @property
    def encoder(self) -> Encoder:
        """Return the encoder that built the index."""
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

    def books(self) -> list[BookSummary]:
        """Return the books."""
        ...

    def page_panels(self, page_id: int, /) -> list[Panel]:
        """Return the panels of a page in order."""
        ...

    def page_image(self, page_id: int, /) -> Image.Image:
        """Return the RGB image of a page. Raises `SourceError` or `PictureError`."""
        ...

    def panel_image(self, panel: Panel, /) -> Image.Image:
        """Return the RGB image of a panel. Raises `SourceError` or `PictureError`."""
        ...
