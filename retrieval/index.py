"""An index on disk: open it, search it, look at its panels. See `retrieval.store.layout` for its files."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from retrieval.build_state import read_build_state
from retrieval.encoder.protocol import Encoder
from retrieval.errors import IndexDamaged, UsageError
from retrieval.filters import Filter
from retrieval.panel_images import PanelImages
from retrieval.records import Panel
from retrieval.search.hits import Hit
from retrieval.search.index_encoder import (
    EncoderLoader,
    check_fingerprint,
    given_encoder,
    load_by_name,
    load_for_one_query,
    load_recorded,
    missing_record,
)
from retrieval.search.query import Query, QueryFields
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import BookSummary
from retrieval.store.generation import Generation, open_generation
from retrieval.store.layout import catalog_url, check_index_id, existing_index, open_vectors, size_on_disk
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore
from retrieval.values import whole_number

if TYPE_CHECKING:
    from PIL import Image

    from retrieval.overview.facets import Facets
    from retrieval.search.searcher import Searcher

_OPEN_TRIES = 3


class PanelIndex:
    """A built index, opened for reading. Any number may be open, also during a build.

    Use `PanelIndex.open`; close it or use it as a context manager. Safe to share between threads.
    """

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        encoder: Encoder | None,
        device: str | None,
        load: EncoderLoader = load_by_name,
        approximate: bool = True,
    ) -> None:
        """Use an open catalog. load: loads the encoder. approximate: False opens no vector index; search is exact."""
        self.folder = folder
        self.catalog = catalog
        self._encoder = encoder
        self._device = device
        self._load, self._approximate = load, approximate
        self._lock = threading.Lock()
        self._made_searcher: Searcher | None = None
        settings = catalog.opened_settings
        check_index_id(folder, settings.index_id)
        self._vectors = open_vectors(folder, settings)
        self._thumbnails = Thumbnails(folder)
        self._images = PanelImages(catalog, self._thumbnails)
        self._open_generation(settings.generation)
        if damage := self._vectors.damaged_basis():
            raise damage
        if encoder is not None:
            check_fingerprint(encoder, settings.encoder, folder)

    @classmethod
    def open(cls, path: str | Path, *, encoder: Encoder | str | Path | None = None, device: str | None = None) -> Self:
        """Open the index in a folder. The encoder is loaded on `device` when a query first needs it.

        encoder: the encoder that built the index, or its weight file, for an index whose weights were moved or whose
            encoder has no name. The place of a weight file is remembered for this user.

        Raises `IndexMissing`, `IndexDamaged`, `IndexLocked`, `IndexTooNew` or `IndexTooOld`, and `EncoderMismatch` if
        `encoder` is given and did not build this index.
        """
        return cls._open(path, encoder, device)

    @classmethod
    def open_for_one_query(
        cls, path: str | Path, *, encoder: str | Path | None = None, device: str | None = None
    ) -> Self:
        """Open an index in a process that ends after one query: nothing is prepared for a second one."""
        return cls._open(path, encoder, device, load=load_for_one_query)

    @classmethod
    def _open(cls, path: str | Path, encoder: Encoder | str | Path | None, device: str | None, **settings: Any) -> Self:
        folder = existing_index(path)
        catalog = Catalog.open(catalog_url(folder))
        try:
            given = given_encoder(encoder, catalog.opened_settings.encoder, folder, device)
            return cls(folder, catalog, given, device, **settings)
        except BaseException:
            catalog.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and drop what is cached."""
        self._images.clear()
        self.catalog.close()

    def refresh(self) -> bool:
        """Switch to the newest generation; return True if there was a newer one."""
        with self._lock:
            number = self.catalog.settings().generation
            if number == self.generation.number:
                return False
            self._open_generation(number)
            self._images.clear()
            return True

    def _open_generation(self, number: int | None) -> None:
        """Open the generation that the catalog named; a build may replace it meanwhile, so try the next one."""
        for attempt in range(_OPEN_TRIES):
            if number is None:
                raise _nothing_published(self.folder)
            try:
                generation = open_generation(self.folder, number, approximate=self._approximate)
                break
            except IndexDamaged:
                newer = self.catalog.settings().generation
                if attempt == _OPEN_TRIES - 1 or newer == number:
                    raise
                number = newer
        self._views, self._made_searcher = generation.views, None
        self.generation: Generation = generation  # last: a search between two equal numbers was in that generation

    # ------------------------------------------------------------------ encoder

    @property
    def encoder(self) -> Encoder:
        """The encoder that built this index, loaded at the first use."""
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load_encoder()
            return self._encoder

    def _load_encoder(self) -> Encoder:
        built_by = self.catalog.settings().encoder
        if built_by is None:
            raise missing_record(self.folder)
        return load_recorded(built_by, self.folder, self._device, self._load)

    # ---------------------------------------------------------------- searching

    def search(self, **fields: Unpack[QueryFields]) -> list[Hit]:
        """Return the best hits for one query: text, an image, both, or an indexed panel. See `Query` for the fields.

        Raises `UsageError` for a query that makes no sense, `PictureError` for an image that cannot be read.
        """
        return self.search_many([Query(**fields)])[0]

    def search_many(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """Return the hits of each query, in order; queries are encoded together, one batch for each view."""
        return self._searcher.search(queries)

    @property
    def _searcher(self) -> Searcher:
        """The searcher of the current generation, made at the first search: a list of books needs none."""
        with self._lock:
            if self._made_searcher is None:
                from retrieval.search.searcher import Searcher

                parts = self.catalog, self._vectors, self._views, self._thumbnails
                self._made_searcher = Searcher(*parts, lambda: self.encoder, self.panel_image)
            return self._made_searcher

    # ------------------------------------------------------------------ looking

    def count(self, where: Filter | Mapping[str, Any] | None = None) -> int:
        """Return the number of panels that pass a filter."""
        return self.catalog.panels.count_matching(Filter.of(where))

    def browse(self, where: Filter | Mapping[str, Any] | None = None, k: int = 12, offset: int = 0) -> list[Panel]:
        """Return panels that pass a filter, in order of book, page and panel."""
        limit, start = whole_number("k", k, 1), whole_number("offset", offset, 0)
        ids = self.catalog.panels.browse(Filter.of(where), limit, start)
        panels = self.catalog.panels.get(ids)
        return [panels[i] for i in ids if i in panels]

    def facets(self, where: Filter | Mapping[str, Any] | None = None, limit: int = 50) -> Facets:
        """Return the most common values of each filter among the panels that pass `where`, most panels first.

        Keys: `retrieval.filters.METADATA_FILTERS`, book, label, has_dialogue (yes, no), aspect (tall, square, wide).
        Raises `UsageError` for a filter that makes no sense.
        """
        from retrieval.overview.facets import facets_of

        return facets_of(self.catalog, Filter.of(where), whole_number("limit", limit, 1))

    def metadata(self, book_id: int) -> dict[str, tuple[str, ...]]:
        """Return the metadata of a book: series, number, writer, ..."""
        return self.catalog.library.book_metadata(whole_number("book_id", book_id, 1))

    def panel(self, panel_id: int) -> Panel:
        """Return one panel. Raises `UsageError` if the index has none of that id."""
        number = whole_number("panel", panel_id, 1)
        found = self.catalog.panels.get([number])
        if not found:
            hint = "take a panel id from the results of a search"
            raise UsageError(f"the index has no panel {number}", hint=hint)
        return found[number]

    def page_panels(self, page_id: int) -> list[Panel]:
        """Return all panels of a page, in order."""
        return self.catalog.panels.of_page(whole_number("page", page_id, 1))

    def books(self) -> list[BookSummary]:
        """Return the books that are present, in natural order of their titles."""
        return self.catalog.library.books()

    def page_image(self, page_id: int) -> Image.Image:
        """Read a page from the comics as upright RGB. Raises `SourceError` or `PictureError`."""
        return self._images.page_image(whole_number("page", page_id, 1))

    def panel_image(self, panel: Panel) -> Image.Image:
        """Read a panel from the comics as upright RGB. Raises `SourceError` or `PictureError`."""
        return self._images.panel_image(panel)

    def thumbnail(self, panel: Panel) -> bytes:
        """Return a panel's thumbnail as WebP bytes, longest side at most 320 px."""
        return self._images.thumbnail(panel)

    def thumbnails(self, panels: Sequence[Panel]) -> dict[int, bytes]:
        """Return stored thumbnails by panel id, of at most 1,000 panels, as WebP bytes; no comics are read."""
        return self._images.thumbnails(panels)

    @property
    def vector_store(self) -> VectorStore:
        """The stored vectors."""
        return self._vectors

    def info(self) -> dict[str, Any]:
        """Return the counts, build settings and measured recall of the index; ready for JSON."""
        settings = self.catalog.settings()
        views = {
            name: {key: value for key, value in view.items() if key != "files"}
            for name, view in self.generation.manifest["views"].items()
        }
        return {
            "index": str(self.folder),
            "index_id": settings.index_id,
            **self.catalog.library.counts(),
            "encoder": asdict(settings.encoder) if settings.encoder else None,
            "generation": self.generation.number,
            "last_build": asdict(settings.last_build) if settings.last_build else None,
            "views": views,
            "regions": settings.regions,
            "bytes": size_on_disk(self.folder),
            "sources": [str(path) for path in self.catalog.library.sources()],
            "skipped": [{"path": path, "reason": reason} for path, reason in self.catalog.library.skipped()],
        }


def open_to_describe(path: str | Path) -> PanelIndex:
    """Open an index to list what it holds. Without its vector index, a search would compare every vector."""
    return PanelIndex._open(path, None, None, approximate=False)


def _nothing_published(folder: Path) -> IndexDamaged:
    """Return the error for an index whose first build has published nothing yet."""
    state = read_build_state(folder)
    if state is not None and state.running:
        return IndexDamaged("its first build is running, and no panel can be searched yet", folder, "wait a minute")
    problem = "the index is not complete: its first build was interrupted"
    return IndexDamaged(problem, folder, "run the same `panelseek build` again; it resumes")
