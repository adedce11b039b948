"""Words and filters from arrays in memory: the same panels, in the same order, as plain SQL finds."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import NullPool, create_engine, text

from index_builder.write import CatalogWriter
from retrieval.errors import IndexDamaged
from retrieval.filters import Filter
from retrieval.overview.facets import facets_of
from retrieval.records import Box
from retrieval.store.catalog import fulltext
from retrieval.store.catalog.cached import columns as columns_module
from retrieval.store.catalog.cached import postings as postings_module
from retrieval.store.catalog.cached.columns import CachedColumns
from retrieval.store.catalog.cached.postings import read_state
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.library import LibraryReader
from retrieval.store.catalog.panels import PanelReader
from retrieval.store.catalog.records import NewPage, NewPanel, PanelCounts
from retrieval.store.layout import catalog_url
from tests.searching.plain_full_text import PlainFullText

BOOKS, PAGES, PANELS = 12, 8, 4
SHAPES = [(100, 100), (80, 100), (100, 200), (125, 100), (300, 100), (100.5, 99.25)]
LABELS = ["cover", "story", None, "", "Story", "100%_odd"]
WORDS = ["the", "you", "rain", "rains", "raining", "harbour", "harbor", "ha", "night", "nightrain", "été", "foo_bar"]
WORDS += ["x", "7", "中文字", "don't", "ox", "kings", "king", "looking", "a²", "ﬁsh", "İstanbul", "straße", "ǅ", "𞤀𞤁𞤂𞤃"]

FILTERS: list[dict[str, Any]] = [
    {},
    {"book": "Book 3"},
    {"book": "%book 1%"},
    {"book": [f"Book {n}" for n in range(0, 2_000, 3)]},
    {"book": "nothing"},
    {"book_id": [1, 2, 5]},
    {"source": "/synthetic"},
    {"series": "Series 1", "year": (1990, 1995)},
    {"series": ["series 0", "%2"]},
    {"page": (2, 4)},
    {"page": [(1, 1), (6, None)], "has_dialogue": True},
    {"has_dialogue": False},
    {"annotated": True},
    {"annotated": False, "label": "story"},
    {"label": ["cover", "100%"]},
    {"label": "%"},
    {"aspect": "tall"},
    {"aspect": ["square", "wide"], "label": "story"},
    {"aspect": (0.5, 0.9)},
    {"size": "small", "has_dialogue": True},
]


def write_books(catalog: CatalogWriter, numbers: range, seed: int) -> None:
    """Write books of panels with frequent and rare words; every seventh page is missing."""
    rng = np.random.default_rng(seed)
    source = catalog.source_id(Path("/synthetic"))
    for number in numbers:
        book = catalog.book_id(source, f"book {number}", f"Book {number}", "folder")
        first = number * PAGES * PANELS
        catalog.write_pages([page_of(book, first, page, rng) for page in range(PAGES)])
        catalog.set_book_metadata(book, [("series", f"Series {number % 4}"), ("year", str(1985 + number))])
        stored = catalog.pages.previous_pages(book).values()
        catalog.mark_missing([page.id for page in stored if page.id % 7 == 0])
    catalog.switch_generation(seed)


def page_of(book: int, first: int, page: int, rng: np.random.Generator) -> NewPage:
    panels = []
    for place in range(PANELS):
        row = first + page * PANELS + place
        count = int(rng.integers(0, 14)) * int(rng.random() > 0.2)
        words = " ".join(WORDS[min(int(n) - 1, len(WORDS) - 1)] for n in rng.zipf(1.3, count))
        w, h = SHAPES[int(rng.integers(len(SHAPES)))]
        source = "annotation" if row % 3 else "detector"
        panels.append(NewPanel(place + 1, Box(0, 0, w, h), words, source, row, (1.0, 0.0, 0.0)))
    return NewPage(book, f"{page}.png", page + 1, "", "", 300, 400, tuple(panels), LABELS[page % len(LABELS)])


class Both:
    """A catalog, and readers of the same database without anything in memory."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog.open(catalog_url(folder))
        off = CachedColumns(create_engine("sqlite://", poolclass=NullPool))
        self.panels = PanelReader(self.catalog.engine, PlainFullText(), off)
        self.library = LibraryReader(self.catalog.engine, off)
        self.without_memory: Any = SimpleNamespace(library=self.library)

    def compare(self, terms: list[str], limit: int, where: Filter) -> list[int]:
        """Compare all answers of a catalog with a filter and words; return the panels with the words."""
        assert np.array_equal(self.catalog.panels.matching_ids(where), self.panels.matching_ids(where)), where
        assert in_order(self.catalog.library.panel_counts(where)) == in_order(self.library.panel_counts(where)), where
        assert facets_of(self.catalog, where, 4) == facets_of(self.without_memory, where, 4), where
        found = self.catalog.panels.word_candidates(terms, limit, where)
        assert found == self.panels.word_candidates(terms, limit, where), (terms, limit, where)
        assert self.catalog.panels.word_counts(terms) == self.panels.word_counts(terms), terms
        return found


def in_order(counts: PanelCounts) -> list[Any]:
    rows = zip(counts.books.tolist(), counts.labels, counts.numbers.tolist(), strict=True)
    named = [(book, counts.titles[book], label, numbers) for book, label, numbers in rows]
    return sorted(named, key=lambda row: (row[0], row[2] is None, row[2] or ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with CatalogWriter.create(catalog_url(tmp_path)) as catalog:
        write_books(catalog, range(BOOKS), 1)
    return tmp_path


@pytest.fixture
def both(folder: Path) -> Iterator[Both]:
    opened = Both(folder)
    yield opened
    opened.catalog.close()


def random_questions(number: int, seed: int) -> Iterator[tuple[list[str], int, Filter]]:
    """Return random words, often frequent ones and some twice, with limits and filters."""
    rng = np.random.default_rng(seed)
    known = fulltext_words()
    for question in range(number):
        places = np.minimum(rng.zipf(1.2, int(rng.integers(1, 8))) - 1, len(known) - 1)
        limit = int(rng.choice([1, 3, 20, 500]))
        yield [known[n] for n in places], limit, Filter.of(FILTERS[question % len(FILTERS)])


def fulltext_words() -> list[str]:
    from retrieval.store.catalog.text import tokens

    return [token for word in WORDS for token in tokens(word)] + ["unknown", "rxin", "nihgt", "_", "中"]


@pytest.mark.parametrize("rows_for_bm25", [20_000, 30], ids=["by BM25", "by weights"])
def test_random_questions(both: Both, monkeypatch: pytest.MonkeyPatch, rows_for_bm25: int) -> None:
    """Words, filters and counts by way of memory and of plain SQL are the same: ids and their order."""
    monkeypatch.setattr(fulltext, "_MAX_BM25_ROWS", rows_for_bm25)
    monkeypatch.setattr(columns_module, "_FEW_PANELS", 0)
    found = sum(len(both.compare(*question)) > 0 for question in random_questions(160, rows_for_bm25))
    assert found > 80


def test_little_memory(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for no postings, with counts dropped at once, and with parts of few rows, nothing else is found."""
    monkeypatch.setattr(postings_module, "_MIN_BYTES", 0)
    monkeypatch.setattr(postings_module, "_BYTES_PER_PANEL", 0)
    monkeypatch.setattr(postings_module, "_MAX_COUNTS", 1)
    monkeypatch.setattr(postings_module, "_LENGTHS_AT_ONCE", 7)
    monkeypatch.setattr(columns_module, "_AT_ONCE", 5)
    for question in random_questions(40, 3):
        both.compare(*question)
    assert not both.catalog._text._known["panel_words"]._keys  # type: ignore[attr-defined]


def test_lengths_are_read_one_by_one_first(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lengths are looked up; a process that answers one question does not read all of them."""
    monkeypatch.setattr(postings_module, "_LOOKUP_FRACTION", 1e9)
    for question in random_questions(60, 4):
        both.compare(*question)
    assert both.catalog._text._known["panel_words"]._lengths is None  # type: ignore[attr-defined]


def test_far_apart_ids(tmp_path: Path) -> None:
    """Ids that are far apart, as after many deletions, take no arrays with a place for each number."""
    with CatalogWriter.create(catalog_url(tmp_path)) as catalog:
        write_books(catalog, range(2), 1)
        with catalog.engine.begin() as connection:
            connection.execute(text("UPDATE sqlite_sequence SET seq = 3000000000 WHERE name = 'panel'"))
        write_books(catalog, range(2, 6), 2)
        with catalog.engine.begin() as connection:
            connection.execute(text("UPDATE sqlite_sequence SET seq = 9000000000 WHERE name = 'panel'"))
        write_books(catalog, range(6, 8), 3)
    both = Both(tmp_path)
    assert both.catalog.panels.matching_ids(Filter())[-1] > 9_000_000_000
    for question in random_questions(40, 5):
        both.compare(*question)
    both.catalog.close()


def test_a_commit_is_noticed(both: Both, folder: Path) -> None:
    """After each commit of a writer, filters, counts and words are those of the catalog as it is now."""
    questions = list(random_questions(8, 6))
    with CatalogWriter.open(catalog_url(folder)) as writer:

        def check() -> None:
            for question in questions:
                both.compare(*question)

        check()
        write_books(writer, range(BOOKS, BOOKS + 2), 2)
        check()
        book = writer.library.books()[0].id
        pages = [page.id for page in writer.pages.previous_pages(book).values()]
        writer.mark_missing(pages)
        check()
        writer.drop_pages(pages[:3])
        check()
        writer.switch_generation(3)
        check()
        book = writer.library.books()[0].id
        writer.set_book_metadata(book, [("series", "Series 3")])
        writer.label_pages(book, {f"{n}.png": "credits" for n in range(PAGES)})
        check()
        writer.rebuild_full_text()
        check()
        writer.vacuum()
        check()
    found = both.catalog.library.panel_counts(Filter.of({"label": "credits", "book_id": book}))
    assert found.labels == ["credits"]


def test_an_unchanged_catalog_is_read_once(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns and postings are read once, and again after a commit; a closed catalog reads them anew."""
    reads: list[str] = []
    monkeypatch.setattr(columns_module, "read_columns", noted(reads, columns_module.read_columns))
    where = Filter.of({"has_dialogue": True})
    for _ in range(3):
        both.catalog.panels.word_candidates(["rain", "night"], 5, where)
        both.catalog.library.panel_counts(where)
    assert len(reads) == 1
    words = both.catalog._text._known["panel_words"]  # type: ignore[attr-defined]
    assert words.keys(None, "rain") is words.keys(None, "rain")
    both.catalog.close()
    both.catalog.panels.matching_ids(where)
    assert len(reads) == 2


def noted(calls: list[str], function: Any) -> Any:
    def call(*args: Any) -> Any:
        calls.append(function.__name__)
        return function(*args)

    return call


def test_few_panels_are_found_without_columns(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter for some books does not read the columns of the library."""
    reads: list[str] = []
    monkeypatch.setattr(columns_module, "read_columns", noted(reads, columns_module.read_columns))
    monkeypatch.setattr(columns_module, "_FEW_PANELS", 2 * PAGES * PANELS)
    both.compare(["rain"], 5, Filter.of({"book": "Book 1", "label": "story"}))
    assert not reads
    both.compare(["rain"], 5, Filter.of({"label": "story"}))
    assert len(reads) == 1


def test_a_catalog_that_cannot_be_written(both: Both, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection that notices changes, every question reads the catalog as it is."""
    monkeypatch.setattr("retrieval.store.sqlite.is_writable", lambda path: False)
    read_only = Both(folder)
    where = Filter.of({"label": "story"})
    before = len(read_only.catalog.panels.matching_ids(where))
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        connection.execute("UPDATE page SET label = 'story' WHERE label = 'cover'")
    connection.close()
    read_only.compare(["rain", "night"], 20, where)
    assert len(read_only.catalog.panels.matching_ids(where)) > before
    read_only.catalog.close()


def test_many_threads(both: Both) -> None:
    """Threads with questions at the same time get the same answers."""
    questions = list(random_questions(40, 7))
    expected = [both.panels.word_candidates(*question) for question in questions]
    found: list[list[list[int]]] = []

    def ask() -> None:
        found.append([both.catalog.panels.word_candidates(*question) for question in questions])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert found == [expected] * 8


def test_totals_are_those_of_the_table(both: Both) -> None:
    """The record of totals has the number of rows and of words that a count finds."""
    with both.catalog.engine.connect() as connection:
        for name in ("panel_words", "panel_letters"):
            state = read_state(connection, name)
            assert state.panels == connection.execute(text(f"SELECT count(*) FROM {name}_docsize")).scalar()
            assert state.tokens == connection.execute(text(f"SELECT sum(cnt) FROM {name}_terms")).scalar()


@pytest.mark.parametrize("damage", ["DELETE FROM panel_words_docsize", "UPDATE panel_words_docsize SET sz = x'ff'"])
@pytest.mark.parametrize("fraction", [0, 1e9], ids=["all lengths", "some lengths"])
def test_damaged_lengths(folder: Path, monkeypatch: pytest.MonkeyPatch, damage: str, fraction: float) -> None:
    """Lengths that are missing, or no numbers, are named as damage with a hint."""
    monkeypatch.setattr(postings_module, "_LOOKUP_FRACTION", fraction)
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        connection.execute(damage)
    connection.close()
    with (
        Catalog.open(catalog_url(folder)) as catalog,
        pytest.raises(IndexDamaged, match=r"(?s)full text panel_words is damaged.*verify --repair"),
    ):
        catalog.panels.word_candidates(["rain"], 5, Filter())


def test_plans(both: Both) -> None:
    """Postings and counts are looked up by their term; no statement scans a whole full-text table."""
    with both.catalog.engine.connect() as connection:
        words = both.catalog._text._postings(connection, "panel_words")  # type: ignore[attr-defined]
        words.keys(connection, "rain")
        for sql in (
            "SELECT doc FROM panel_words_terms WHERE term = 'rain'",
            "SELECT doc FROM temp.panel_words_places WHERE term = 'rain'",
        ):
            (plan,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
            assert "VIRTUAL TABLE INDEX 1:" in plan[3]
