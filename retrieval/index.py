"""An index on disk: open it, ask it, look at its panels.

my.index/
  catalog.sqlite    the truth                       vectors/          the one copy of the vectors
  generations/N/    what is searched, derived       thumbnails/       small pictures, derived
  catalog.url       only where another database was chosen
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from retrieval.books import ReadLimits, read_page
from retrieval.encoder.inputs import resize
from retrieval.encoder.protocol import Encoder, PartsEncoder, QueryInput, QueryVectors
from retrieval.errors import EncoderMismatch, IndexDamaged, IndexMissing, SourceError, UsageError
from retrieval.filters import Filter
from retrieval.images.crops import crop
from retrieval.images.decode import open_image
from retrieval.images.keypoints import GreyImage, to_grey
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.overview.calibration import NATURAL, Asked, Closeness, is_close, measure, measured
from retrieval.overview.facets import Facet, facets_of
from retrieval.overview.lookalikes import NotTheSame, find_pairs, grouped, read_pairs, write_pairs
from retrieval.overview.panel_map import PanelMap, make_map, read_map, write_map
from retrieval.progress import Told
from retrieval.records import Panel, View
from retrieval.search.batching import Together
from retrieval.search.ranking.fusion import Found, Ranking, asked_apart, merged
from retrieval.search.searcher import Hit, Query, Searcher, check_whole, reason
from retrieval.store.catalog.catalog import BookSummary, Catalog
from retrieval.store.generation import Generation, open_generation, shards_of
from retrieval.store.sparse_file import bytes_used
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorShards

_OPEN_TRIES = 3


def catalog_url(folder: Path) -> URL:
    """The SQLAlchemy URL of an index's catalog: `catalog.url` where one was chosen, else its own SQLite file."""
    chosen = folder / "catalog.url"
    if not chosen.exists():
        return URL.create("sqlite", database=str(folder / "catalog.sqlite"))
    try:
        return make_url(chosen.read_text().strip())
    except ArgumentError as error:
        raise IndexDamaged(f"{chosen} holds no database URL: write there what --catalog was") from error


def existing_index(path: str | Path) -> Path:
    """The folder of an index. Raises `IndexMissing` when there is none at that place."""
    folder = Path(path).expanduser()
    if not folder.is_dir() or not ((folder / "catalog.sqlite").exists() or (folder / "catalog.url").exists()):
        raise IndexMissing(f"there is no index at {folder}: make one with `panelseek build SOURCE --index {folder}`")
    return folder


class PanelIndex:
    """A built index, opened for reading. Any number of them may be open, also while a build writes.

    Use `PanelIndex.open`; close it or use it as a context manager. Safe to share between threads.
    """

    def __init__(self, folder: Path, catalog: Catalog, encoder: Encoder | None, device: str | None) -> None:
        self.folder = folder
        self.catalog = catalog
        self._encoder = encoder
        self._device = device
        self._lock = threading.Lock()
        self._together = Together(self._encode_together)
        self._measuring = threading.RLock()
        self._closeness: dict[tuple[int, View, Asked], Closeness] = {}
        self._shards = shards_of(folder, catalog)
        self._thumbnails = Thumbnails(folder)
        self._page = lru_cache(maxsize=8)(self._read_page)
        self._open_generation()
        if encoder is not None:
            self._check_encoder(encoder)

    @classmethod
    def open(cls, path: str | Path, *, encoder: Encoder | None = None, device: str | None = None) -> Self:
        """Open the index in a folder. The encoder is loaded when a query first needs it, on `device`.

        Raises `IndexMissing`, `IndexDamaged`, `IndexTooNew`, or `EncoderMismatch` when `encoder` is given
        and did not build this index.
        """
        folder = existing_index(path)
        catalog = Catalog.open(catalog_url(folder))
        try:
            return cls(folder, catalog, encoder, device)
        except BaseException:
            catalog.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._page.cache_clear()
        self.catalog.close()

    def refresh(self) -> bool:
        """Take up the newest generation; True when there was a newer one than the one being searched."""
        with self._lock:
            if self.catalog.setting("generation") == self.generation.number:
                return False
            self._open_generation()
            self._page.cache_clear()
            return True

    def _open_generation(self) -> None:
        """Open what the catalog names; a build may switch and clean up in between, so look again once or twice."""
        for attempt in range(_OPEN_TRIES):
            number = self.catalog.setting("generation")
            if number is None:
                raise IndexDamaged(
                    f"{self.folder} is not complete, its first build was interrupted: "
                    "run the same `panelseek build` again, it goes on where it stopped"
                )
            try:
                self.generation: Generation = open_generation(self.folder, number)
                break
            except IndexDamaged:
                if attempt == _OPEN_TRIES - 1 or self.catalog.setting("generation") == number:
                    raise
        self._searcher = Searcher(self.catalog, self._shards, self.generation.views, self._thumbnails)

    # ------------------------------------------------------------------ encoder

    @property
    def encoder(self) -> Encoder:
        """The encoder that built this index, loaded at the first use."""
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load_encoder()
            return self._encoder

    def _load_encoder(self) -> Encoder:
        from retrieval.encoder import load_encoder  # torch loads late

        built_by = self.catalog.setting("encoder") or {}
        encoder = load_encoder(built_by.get("load", "small"), device=self._device)
        self._check_encoder(encoder)
        return encoder

    def _check_encoder(self, encoder: Encoder) -> None:
        built_by = self.catalog.setting("encoder") or {}
        if built_by and encoder.fingerprint != built_by["fingerprint"]:
            raise EncoderMismatch(mismatch(self.folder, built_by, encoder))

    # ---------------------------------------------------------------- searching

    def search(
        self,
        *,
        text: str | None = None,
        image: Any = None,
        panel: int | None = None,
        without: str | None = None,
        view: View | str | None = None,
        words_in: str | None = None,
        where: Filter | Mapping[str, Any] | None = None,
        k: int = 12,
        offset: int = 0,
        min_score: float | None = None,
        per_page: int | None = None,
        per_book: int | None = None,
        exact: bool = False,
        probes: int | None = None,
        include_self: bool = True,
    ) -> list[Hit]:
        """The best hits for one question: words, an image, both, or an indexed panel. See `Query`.

        Raises `UsageError` for a question that makes no sense, `PictureError` for an image that cannot be read.
        """
        query = Query(
            text=text,
            image=image,
            panel=panel,
            without=without,
            view=view,
            words_in=words_in,
            where=where,
            k=k,
            offset=offset,
            min_score=min_score,
            per_page=per_page,
            per_book=per_book,
            exact=exact,
            probes=probes,
            include_self=include_self,
        )
        return self.search_many([query])[0]

    def search_many(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """Hits for each query, in order; questions are encoded together, one batch for each view."""
        checked = [query.checked() for query in queries]
        searcher = self._searcher
        asked = [part for query in checked for part in asked_apart(query)]
        vectors, away = self._vectors(asked, searcher), self._vectors_away(asked)
        found = zip(asked, vectors, away, strict=True)
        rankings = iter([self._ranking(searcher, query, vector, taken) for query, vector, taken in found])
        return [self._hits(query, merged(query, [next(rankings) for _ in asked_apart(query)])) for query in checked]

    def _ranking(
        self, searcher: Searcher, query: Query, vectors: QueryVectors, away: dict[View, NDArray[np.float32]]
    ) -> Ranking:
        view = query.chosen_view()
        usual = searcher.usual(view, vectors.asked) if query.words_in == "both" else (0.0, 1.0)
        return Ranking(query, view, searcher.find(query, vectors, away), *usual)

    def _vectors_away(self, queries: Sequence[Query]) -> list[dict[View, NDArray[np.float32]]]:
        """For each query, the vectors of the words it takes away."""
        taken: list[dict[View, NDArray[np.float32]]] = [{} for _ in queries]
        for view in View:
            places = [place for place, query in enumerate(queries) if view in query.views_away]
            words = [QueryInput(None, queries[place].words_away) for place in places]
            vectors = self._together.ask((view, False), words) if words else ()
            for place, found in zip(places, vectors, strict=True):
                taken[place][view] = found.asked[0]
        return taken

    def _vectors(self, queries: Sequence[Query], searcher: Searcher) -> list[QueryVectors]:
        vectors: dict[int, QueryVectors] = {}
        greys: dict[int, GreyImage] = {}
        asked: dict[View, list[tuple[int, QueryInput]]] = {}
        for place, query in enumerate(queries):
            view = query.chosen_view()
            if query.panel is not None:
                vectors[place] = QueryVectors(searcher.stored_vector(query.panel, view)[None])
            else:
                image = None if query.image is None else open_image(_expanded(query.image))
                picture = None if image is None else resize(image)
                asked.setdefault(view, []).append((place, QueryInput(picture, query.words or None)))
                if image is not None and view is View.PICTURE and not query.words:
                    greys[place] = to_grey(np.asarray(image))
        for view, items in asked.items():
            encoded = self._encoded([item for _, item in items], view, searcher)
            vectors.update((place, vector) for (place, _), vector in zip(items, encoded, strict=True))
        vectors.update((place, replace(vectors[place], grey=grey)) for place, grey in greys.items())
        return [vectors[place] for place in range(len(queries))]

    def _encoded(self, items: list[QueryInput], view: View, searcher: Searcher) -> list[QueryVectors]:
        """One vector for each query, or several where it is a picture and panels have parts."""
        pictures = view is View.PICTURE and searcher.parts and not any(item.text for item in items)
        return list(self._together.ask((view, bool(pictures)), items))

    def _encode_together(self, kind: tuple[View, bool], items: Sequence[QueryInput]) -> list[QueryVectors]:
        view, pictures = kind
        if pictures:
            return cast(PartsEncoder, self.encoder).encode_query_parts(items)
        return [QueryVectors(vector[None]) for vector in self.encoder.encode_queries(items, view)]

    def _hits(self, query: Query, found: Sequence[Found]) -> list[Hit]:
        return [
            Hit(
                rank=query.offset + place,
                score=item.score,
                panel=panel,
                view=asked.chosen_view(),
                why=reason(asked, item.words),
                words=item.words.words,
                strength=item.key,
                _read=self.panel_image,
            )
            for place, (asked, item, panel) in enumerate(found, 1)
        ]

    # ---------------------------------------------------------------- closeness

    def closeness(self, view: View | str, asked: Asked | None = None, *, gently: bool = False) -> Closeness:
        """What strangers reach in a view, measured once for each generation; see `retrieval.overview.calibration`.

        asked: picture, words, both or panel; None is what that view is mostly asked with. gently: leave most of the
        time to others who search meanwhile.
        """
        chosen = View(view)
        kind = asked or NATURAL[chosen]
        key = (self.generation.number, chosen, kind)
        with self._measuring:
            if key not in self._closeness:
                self._closeness = {k: v for k, v in self._closeness.items() if k[0] == key[0]}
                self._closeness[key] = measure(self, chosen, kind, gently=gently)
            return self._closeness[key]

    def closeness_known(self, view: View | str, asked: Asked | None = None) -> Closeness | None:
        """The same where it was measured before; None, at once, where it was not."""
        chosen = View(view)
        kind = asked or NATURAL[chosen]
        return self._closeness.get((self.generation.number, chosen, kind)) or measured(self, chosen, kind)

    def is_close(self, query: Query, hits: Sequence[Hit]) -> bool | None:
        """Whether the first of a query's hits is closer than strangers are here; None where nobody can tell."""
        return is_close(self, query, hits)

    # ------------------------------------------------- seen as a whole, on request

    @property
    def vectors(self) -> VectorShards:
        """The stored vectors."""
        return self._shards

    def panel_map(self, told: Told | None = None) -> PanelMap | None:
        """All panels in two dimensions, for this generation: as made before, made now where `told` is given, else None.

        told: called with (stage, done, of how much); it may raise to stop.
        """
        number, view = self.generation.number, self.generation.views[View.PICTURE]
        found = read_map(self.folder, number, view)
        if found is None and told is not None:
            found = make_map(view, self._shards, told)
            write_map(self.folder, number, found)
        return found

    def lookalikes(self, told: Told | None = None) -> list[dict[int, tuple[float, bool]]] | None:
        """Groups of panels of several books that show the same, less what people took apart; see
        `retrieval.overview.lookalikes.grouped`. As found before, looked for now where `told` is given, else None.
        """
        number = self.generation.number
        pairs = read_pairs(self.folder, number)
        if pairs is None and told is not None:
            pairs = find_pairs(self, told)
            write_pairs(self.folder, number, pairs)
        return None if pairs is None else grouped(pairs, NotTheSame(self.folder).pairs())

    # ------------------------------------------------------------------ looking

    def count(self, where: Any = None) -> int:
        """How many panels match a filter."""
        return self.catalog.count_matching(Filter.of(where))

    def browse(self, where: Any = None, k: int = 12, offset: int = 0) -> list[Panel]:
        """Panels that match a filter, in order of book, page and panel, without any question."""
        check_whole("k", k, 1)
        check_whole("offset", offset, 0)
        ids = self.catalog.browse(Filter.of(where), k, offset)
        panels = self.catalog.panels(ids)
        return [panels[i] for i in ids if i in panels]

    def facets(self, where: Filter | Mapping[str, Any] | None = None, limit: int = 50) -> dict[str, tuple[Facet, ...]]:
        """For every filter its commonest values among the panels `where` lets through, with how many panels have them.

        Keys: `retrieval.filters.FACTS`, book, label, has_dialogue (yes, no), aspect (tall, square, wide); most panels
        first. Raises `UsageError` for a filter that means nothing.
        """
        check_whole("limit", limit, 1)
        return facets_of(self.catalog, Filter.of(where), limit)

    def facts(self, book_id: int) -> dict[str, tuple[str, ...]]:
        """What is known about a book, from its metadata or its name: series, number, writer, ..."""
        check_whole("book_id", book_id, 1)
        return self.catalog.book_facts(book_id)

    def panel(self, panel_id: int) -> Panel:
        """One panel. Raises `UsageError` when the index has none of that id."""
        check_whole("panel", panel_id, 1)
        found = self.catalog.panels([panel_id])
        if not found:
            raise UsageError(f"the index has no panel {panel_id}: panel ids are in the results of a search")
        return found[panel_id]

    def page_panels(self, page_id: int) -> list[Panel]:
        """All panels of a page in order."""
        return self.catalog.page_panels(page_id)

    def books(self) -> list[BookSummary]:
        return self.catalog.books()

    def page_image(self, page_id: int) -> Image.Image:
        """A page's picture, upright RGB, read from the comics now. Raises `SourceError` or `PictureError`."""
        check_whole("page", page_id, 1)
        return self._page(page_id).copy()

    def panel_image(self, panel: Panel) -> Image.Image:
        """A panel's picture, cut from its page now. Raises `SourceError` or `PictureError`."""
        cut = crop(self._page(panel.page_id), panel.box)
        if cut is None:
            raise SourceError(f"panel {panel.id} lies outside its page {panel.source}: build the index again")
        return cut

    def thumbnail(self, panel: Panel) -> bytes:
        """WebP bytes, longest side at most 320 px, from the index or else cut from the comics."""
        return self._thumbnails.get(panel.row) or encode_thumbnail(self.panel_image(panel))

    def small_pictures(self, panels: Sequence[Panel]) -> dict[int, bytes]:
        """WebP bytes by panel id of the pictures (1,000 panels at most) that the index keeps; no comics are read."""
        found = self._thumbnails.several([panel.row for panel in panels])
        return {panel.id: found[panel.row] for panel in panels if panel.row in found}

    def _read_page(self, page_id: int) -> Image.Image:
        place = self.catalog.place(page_id)
        if place is None:
            raise UsageError(f"the index has no page {page_id}")
        options = (self.catalog.setting("built") or {}).get("options", {})
        reading = ReadLimits.from_options(options).widened()
        data = read_page(place.book, place.name, reading)
        return open_image(data, max_pixels=reading.max_pixels, max_bytes=reading.max_bytes)

    # --------------------------------------------------------------------- info

    def info(self) -> dict[str, Any]:
        """What the index holds, how it was built and how well it searches; ready for JSON."""
        views = {
            name: {key: value for key, value in view.items() if key != "files"}
            for name, view in self.generation.manifest["views"].items()
        }
        return {
            "index": str(self.folder),
            **self.catalog.counts(),
            "encoder": self.catalog.setting("encoder"),
            "generation": self.generation.number,
            "built": self.catalog.setting("built"),
            "views": views,
            "parts": self.catalog.setting("parts") or 0,
            "bytes": _bytes_below(self.folder),
            "sources": [str(p) for p in self.catalog.sources()],
            "skipped": [{"path": path, "reason": reason} for path, reason in self.catalog.skipped()],
        }


def _expanded(image: Any) -> Any:
    """A path with its `~` written out; everything else as it is."""
    return Path(image).expanduser() if isinstance(image, str | Path) else image


def _bytes_below(folder: Path) -> int:
    """Size on disk; files that a build removes meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += bytes_used(path) if path.is_file() else 0
    return total


def mismatch(folder: Path, built_by: dict[str, Any], encoder: Encoder) -> str:
    """The sentence for two encoders that must not mix."""
    return (
        f"{folder} was built with encoder {built_by['name']} ({built_by['fingerprint'][:12]}), "
        f"and this is {encoder.name} ({encoder.fingerprint[:12]}): "
        f"use --encoder {built_by.get('load', built_by['name'])}, or build into another --index"
    )
