"""Measure text lookups with a filter: full text with `+rowid IN (...)` and with plain `rowid IN (...)`.

    python benchmarks/filtered_words.py [--panels N] [--json]

Both statements run in one process over the same catalog, and must return the same panels. SQLite runs the match of the
plain statement once for each panel that the filter allows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from sqlalchemy import Connection, Integer, Select, column, select, table, text

from benchmarks.figures.rows import Figures
from index_builder.write import CatalogWriter
from retrieval.filters import Filter
from retrieval.records import Box
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.fulltext import match_statement
from retrieval.store.catalog.queries import filtered
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.catalog.tables import PanelRow
from retrieval.store.layout import catalog_url

PAGES, PANELS, LIMIT = 20, 5, 200
FILTERS: dict[str, Any] = {
    "one book": {"book": "Book 7"},
    "a tenth of the books": {"book": "Book 1%"},
    "story pages": {"label": "story"},
    "panels with dialogue": {"has_dialogue": True},
}
QUERIES = {
    "phrase": ("panel_words", '"word3 word5"'),
    "all words": ("panel_words", '"word3" "word40"'),
    "some words": ("panel_words", '"word3" OR "word40" OR "word500"'),
    "trigrams": ("panel_letters", '"d50" OR "d51" OR "d52" OR "d53"'),
}


def write_catalog(folder: Path, panels: int) -> None:
    """Write a catalog of panels whose words follow Zipf's law."""
    rng = np.random.default_rng(0)
    size = PAGES * PANELS
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(Path("/synthetic"))
        for book in range(panels // size):
            words = np.minimum(rng.zipf(1.3, (size, 8)), 5_000)
            book_id = catalog.book_id(source, f"book {book}", f"Book {book}", "folder")
            catalog.write_pages([_page(book_id, page, book * size, words) for page in range(PAGES)])
        catalog.switch_generation(1)


def _page(book: int, page: int, first_row: int, words: Any) -> NewPage:
    label = "cover" if page == 0 else "story"
    places = range(page * PANELS, (page + 1) * PANELS)
    lines = [" ".join(f"word{word}" for word in words[place]) for place in places]
    panels = [
        NewPanel(n + 1, Box(0, 0, 100, 100), line, "page", first_row + place, (1.0, 0.0, 0.0))
        for n, (place, line) in enumerate(zip(places, lines, strict=True))
    ]
    return NewPage(book, f"{page}.png", page + 1, "", "", 300, 400, tuple(panels), label)


def plain_statement(name: str, query: str, limit: int, within: Select[Any]) -> Select[Any]:
    """Return the reference: `rowid IN (...)` without the plus."""
    rowid = column("rowid", Integer)
    matches = text(f"{name} MATCH :query").bindparams(query=query)
    statement = select(rowid).select_from(table(name)).where(matches, rowid.in_(within))
    return statement.order_by(column("rank"), rowid).limit(limit)


def timed(connection: Connection, statement: Select[Any], times: int) -> tuple[float, list[int]]:
    """Return the shortest time of a statement in milliseconds, and its rows."""
    seconds, rows = [], []
    for _ in range(times):
        began = time.perf_counter()
        rows = list(connection.execute(statement).scalars())
        seconds.append(time.perf_counter() - began)
    return 1000 * min(seconds), rows


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return the times of both statements for each query and filter."""
    results = []
    with Catalog.open(catalog_url(folder)) as catalog, catalog.engine.connect() as connection:
        for filter_name, where in FILTERS.items():
            within = filtered(select(PanelRow.id), Filter.of(where))
            for query_name, (name, query) in QUERIES.items():
                new, found = timed(connection, match_statement(name, query, LIMIT, within), 3)
                plain, expected = timed(connection, plain_statement(name, query, LIMIT, within), 1)
                if found != expected:
                    raise SystemExit(f"{filter_name}, {query_name}: the two statements differ")
                results.append({"filter": filter_name, "query": query_name, "ms": new, "plain ms": plain})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", type=int, default=60_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = Figures("filtered_words", arguments.json)
    with tempfile.TemporaryDirectory() as name:
        write_catalog(Path(name), arguments.panels)
        results = measure(Path(name))
    print("| filter | query | ms | plain `rowid IN`, ms | ratio |\n|---|---|---|---|---|")
    for row in results:
        ratio = row["plain ms"] / row["ms"]
        print(f"| {row['filter']} | {row['query']} | {row['ms']:.1f} | {row['plain ms']:,.0f} | {ratio:,.0f} |")
        figures.add(f"{row['query']}, {row['filter']}", row["ms"], "ms", row["plain ms"], "plain `rowid IN`")


if __name__ == "__main__":
    main()
