"""Images of pages and panels, read from the comics on request, and their thumbnails."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.errors import SourceError, UsageError
from retrieval.images.crops import crop
from retrieval.records import Panel
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.thumbnails import Thumbnails

if TYPE_CHECKING:
    from PIL import Image

_CACHED_PAGES = 8
_CACHED_PIXELS = 16_000_000
"""Decoded pages that are kept, and their pixels (4 bytes each): the panels of one page are often shown together."""


class PanelImages:
    """Images of the pages and panels of one open index."""

    def __init__(self, catalog: Catalog, thumbnails: Thumbnails) -> None:
        self._catalog = catalog
        self._thumbnails = thumbnails
        self._lock = threading.Lock()
        self._pages: OrderedDict[int, Image.Image] = OrderedDict()

    def clear(self) -> None:
        """Drop the cached pages."""
        with self._lock:
            self._pages.clear()

    def _page(self, page_id: int) -> Image.Image:
        """Return a page, read now or before. The least recently used pages make room for it."""
        with self._lock:
            if page_id in self._pages:
                self._pages.move_to_end(page_id)
                return self._pages[page_id]
        image = self._read_page(page_id)
        with self._lock:
            self._pages[page_id] = image
            self._pages.move_to_end(page_id)
            while self._pages and (len(self._pages) > _CACHED_PAGES or self._cached_pixels() > _CACHED_PIXELS):
                self._pages.popitem(last=False)
        return image

    def _cached_pixels(self) -> int:
        return sum(image.width * image.height for image in self._pages.values())

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
        from retrieval.images.thumbnail import encode_thumbnail

        return self._thumbnails.get(panel.vector_row) or encode_thumbnail(self.panel_image(panel))

    def thumbnails(self, panels: Sequence[Panel]) -> dict[int, bytes]:
        """Return stored thumbnails by panel id, of at most 1,000 panels, as WebP bytes; no comics are read."""
        stored = self._thumbnails.get_many([panel.vector_row for panel in panels])
        return {panel.id: stored[panel.vector_row] for panel in panels if panel.vector_row in stored}

    def _read_page(self, page_id: int) -> Image.Image:
        place = self._catalog.library.page_location(page_id)
        if place is None:
            raise UsageError(f"the index has no page {page_id}")
        from retrieval.books import ReadLimits, read_page
        from retrieval.images.decode import open_image

        limits = ReadLimits.from_options(self._catalog.settings().build_options).widened()
        data = read_page(place.book, place.name, limits)
        return open_image(data, max_pixels=limits.max_pixels, max_bytes=limits.max_bytes)
