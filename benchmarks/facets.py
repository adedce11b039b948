"""Measure the time of facets, and of searches with and without filters, on a large library.

    python benchmarks/facets.py [--panels N] [--json]

The vectors of the panels are clustered. A book has 20 pages of 5 panels, and metadata (series, writers, artists, ...)
as collections have it; pages have labels. All run in one process, one query at a time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.figures.rows import Figures
from benchmarks.vector_search import Floats, clustered
from index_builder.write import CatalogWriter, write_generation
from retrieval import PanelIndex
from retrieval.encoder.protocol import PanelEmbeddings, QueryVectors
from retrieval.records import Box, View
from retrieval.search.query import Query, ViewQuery
from retrieval.search.query_vectors import EncodedQuery
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url
from retrieval.store.vectors import VectorStore

PAGES, PANELS = 20, 5
SHAPES = [(100, 100), (100, 200), (300, 100)]
FILTERS: dict[str, Any] = {
    "one book": {"book": "Book 7"},
    "books by a pattern": {"book": "%7%"},
    "one source": {"source": "/synthetic"},
    "one series": {"series": "Series 7"},
    "one publisher": {"publisher": "publisher 3"},
    "a decade": {"year": (1990, 1999)},
    "story pages": {"label": "story"},
    "story, decade, words": {"label": "story", "year": (1990, 1999), "has_dialogue": True},
}


def metadata_of(book: int) -> list[tuple[str, str]]:
    """Return metadata of a book: a dozen (name, value) pairs."""
    rng = np.random.default_rng(book)
    metadata = [("series", f"Series {book % 150}"), ("number", str(book // 150)), ("year", str(1950 + book % 75))]
    metadata += [("publisher", f"Publisher {book % 12}"), ("language", ("en", "fr", "ja")[book % 3])]
    metadata += [("writer", f"Writer {n}") for n in rng.choice(300, 2, replace=False)]
    metadata += [("artist", f"Artist {n}") for n in rng.choice(500, 2, replace=False)]
    metadata += [("character", f"Character {n}") for n in rng.choice(800, 3, replace=False)]
    return [*metadata, ("genre", f"Genre {book % 20}")]


def write_library(folder: Path, vectors: Floats) -> None:
    """Write an index of (P, 512) unit vectors; P is a multiple of the 100 panels of a book."""
    store = VectorStore(folder / "vectors")
    gate = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (PAGES * PANELS, 1))
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(Path("/synthetic"))
        for number, start in enumerate(range(0, len(vectors), PAGES * PANELS)):
            part = vectors[start : start + PAGES * PANELS]
            sums = store.append(start, PanelEmbeddings(part, part, part, gate))
            book = catalog.book_id(source, f"book {number}", f"Book {number}", "folder")
            catalog.write_pages([_page(book, start, page, sums[page * PANELS :]) for page in range(PAGES)])
            catalog.set_book_metadata(book, metadata_of(number))
        write_generation(folder, 1, catalog, store, "auto")
        catalog.switch_generation(1)


def _page(book: int, start: int, page: int, sums: list[bytes]) -> NewPage:
    label = "cover" if page == 0 else "advertisement" if page == PAGES - 1 else "story"
    panels = []
    for n in range(PANELS):
        row = start + page * PANELS + n
        w, h = SHAPES[row % 3]
        words, gate = "some words" if row % 3 else "", (1.0, 0.0, 0.0)
        panels.append(NewPanel(n + 1, Box(0, 0, w, h), words, "page", row, gate, vector_checksums=sums[n]))
    return NewPage(book, f"{page}.png", page + 1, "", "", 300, 400, tuple(panels), label)


def median_ms(call: Callable[[], object], times: int = 15) -> float:
    """Return the median time of a call in milliseconds."""
    call()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds))


def measure(folder: Path, query: Floats) -> dict[str, Any]:
    """Return the milliseconds of facets and of searches, without a filter and with each."""
    with PanelIndex.open(folder) as index:

        def search(where: Any) -> Callable[[], object]:
            part = ViewQuery(Query(panel=1, view=View.PICTURE, where=where, k=12), View.PICTURE)
            return lambda: index._searcher._search_view(part, EncodedQuery(QueryVectors(query[None])))

        filters = {"no filter": None, **FILTERS}
        return {
            "panels": index.count(),
            "matching": {name: index.count(where) for name, where in filters.items()},
            "facets ms": {n: median_ms(lambda where=w: index.facets(where)) for n, w in filters.items()},
            "search ms": {n: median_ms(search(w)) for n, w in filters.items()},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = Figures("facets", arguments.json)
    vectors, queries = clustered(arguments.panels, 2_000, 1.0, 0)
    with tempfile.TemporaryDirectory() as name:
        write_library(Path(name), vectors)
        results = measure(Path(name), queries[0])
    print(f"{results['panels']:,} panels")
    for name, panels in results["matching"].items():
        facets, search = results["facets ms"][name], results["search ms"][name]
        print(f"{name:22} {panels:8,} panels   facets {facets:7.1f} ms   search {search:7.1f} ms")
        figures.add(f"facets, {name}", facets, "ms", reason=f"{panels:,} panels")
        figures.add(f"picture search, {name}", search, "ms", results["search ms"]["no filter"], "no filter")


if __name__ == "__main__":
    main()
