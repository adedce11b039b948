"""Full text with a filter: the query plan runs each match once, however many panels the filter allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from retrieval.filters import Filter
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from tests.searching.synthetic import clustered, library, write_index

FILTERS = [
    {"has_dialogue": True},
    {"book": "Book 1"},
    {"book": "Book%", "page": (1, 3)},
    {"size": "small"},
    {"label": "story"},
    {"series": "Pepper"},
    {"year": (1990, 1999)},
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    rows = library(120, 3)
    folder = write_index(tmp_path_factory.mktemp("plan") / "i", rows, clustered(len(rows), 1))
    with Catalog.open(catalog_url(folder)) as opened:
        yield opened


def match_plans(catalog: Catalog, sql: str, parameters: Any) -> list[str]:
    """Return the lines of a query plan that scan an FTS5 table."""
    with catalog.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return [row[3] for row in rows if "VIRTUAL TABLE INDEX" in row[3]]


def test_the_plan_shows_the_fault(catalog: Catalog) -> None:
    """The plain `rowid IN` does plan a lookup for each id, so the test below would notice it."""
    sql = "SELECT rowid FROM panel_words WHERE panel_words MATCH 'rain' AND rowid IN (SELECT id FROM panel)"
    assert match_plans(catalog, sql, ()) != match_plans(catalog, sql.replace("rowid IN", "+rowid IN"), ())


@pytest.mark.parametrize("where", [None, *FILTERS], ids=str)
def test_every_statement_of_a_search(catalog: Catalog, where: dict[str, Any] | None) -> None:
    """No statement that a search by words runs looks up the rows of an FTS5 table one by one.

    Only words that SQLite divides are matched by it; the others are ranked in memory (`test_cached_text`).
    """
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((sql, parameters))

    event.listen(catalog.engine, "before_cursor_execute", note)
    try:
        catalog.panels.word_candidates(["rain", "night", "har_bour"], 20, Filter.of(where))
    finally:
        event.remove(catalog.engine, "before_cursor_execute", note)
    matches = [statement for statement in statements if " MATCH " in statement[0]]
    assert matches
    for sql, parameters in matches:
        assert all("0:M1" in plan for plan in match_plans(catalog, sql, parameters)), sql
