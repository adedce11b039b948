"""Images of pages and panels, read from the comics on request, and their thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image

from retrieval.books import ReadLimits, read_page
from retrieval.errors import SourceError, UsageError
from retrieval.images.crops import crop
from retrieval.images.decode import open_image
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import Panel
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.thumbnails import Thumbnails

_CACHED_PAGES = 8
"""Decoded pages that are kept: the panels of one page are often shown together."""


class PanelImages:
    """Images of the pages and panels of one open index."""

    def __init__(self, catalog: Catalog, thumbnails: Thumbnails) -> None:
        self._catalog = catalog
        self._thumbnails = thumbnails
        self._page = lru_cache(maxsize=_CACHED_PAGES)(self._read_page)

    def clear(self) -> None:
        """Drop the cached pages."""
        self._page.cache_clear()

    def page_image(self, page_id: int) -> Image.Image:
        """Read a page as upright RGB. Raises `SourceError` or `PictureError`."""
        return self._page(page_id).copy()

    def panel_image(self, panel: Panel) -> Image.Image:
        """Read a panel as upright RGB, cut from its page. Raises `SourceError` or `PictureError`."""
        cut = crop(self._page(panel.page_id), panel.box)
        if cut is None:
            raise SourceError(f"panel {panel.id} is outside its page", panel.page_path, "build the index again")
        return cut

    def thumbnail(self, panel: Panel) -> bytes:
        """Return a panel's thumbnail as WebP bytes, longest side at most 320 px; drawn now if there is none."""
        return self._thumbnails.get(panel.vector_row) or encode_thumbnail(self.panel_image(panel))

    def thumbnails(self, panels: Sequence[Panel]) -> dict[int, bytes]:
        """Return stored thumbnails by panel id, of at most 1,000 panels, as WebP bytes; no comics are read."""
        stored = self._thumbnails.get_many([panel.vector_row for panel in panels])
        return {panel.id: stored[panel.vector_row] for panel in panels if panel.vector_row in stored}

    def _read_page(self, page_id: int) -> Image.Image:
        place = self._catalog.library.page_location(page_id)
        if place is None:
            raise UsageError(f"the index has no page {page_id}")
        limits = ReadLimits.from_options(self._catalog.settings().build_options).widened()
        data = read_page(place.book, place.name, limits)
        return open_image(data, max_pixels=limits.max_pixels, max_bytes=limits.max_bytes)
