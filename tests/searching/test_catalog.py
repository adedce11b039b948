"""The catalog: each constraint is broken once and named by SQLite; writing, missing pages, opening."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from index_builder.write import CatalogWriter
from retrieval.errors import IndexDamaged, IndexTooNew, IndexTooOld
from retrieval.filters import Filter
from retrieval.records import Box
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import NewPage, NewPanel, PageUpdate
from retrieval.store.catalog.tables import OLDEST_SCHEMA, SCHEMA_VERSION, Base

PANEL = NewPanel(1, Box(0, 0, 10, 10), "hello", "page", 0, (1.0, 0.0, 0.0))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[CatalogWriter]:
    with CatalogWriter.create(f"sqlite:///{tmp_path / 'c.sqlite'}") as created:
        yield created


@pytest.fixture
def page(catalog: CatalogWriter) -> NewPage:
    source = catalog.source_id(Path("/comics"))
    return NewPage(catalog.book_id(source, "b", "B", "folder"), "1.png", 1, "s", "d", 100, 200, (PANEL,))


def run(catalog: Catalog, sql: str) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(text(sql))


BROKEN: dict[str, tuple[Callable[[CatalogWriter, NewPage], Any], str]] = {
    "two books at one path": (
        lambda c, p: run(c, "INSERT INTO book (source_id, path, title, book_format) VALUES (1, 'b', 'X', 'folder')"),
        "UNIQUE constraint failed: book.source_id, book.path",
    ),
    "a source twice": (
        lambda c, p: run(c, "INSERT INTO source (path) VALUES ('/comics')"),
        "UNIQUE constraint failed: source.path",
    ),
    "two pages of one name": (
        lambda c, p: run(
            c,
            "INSERT INTO page (book_id, name, number, fingerprint, digest, width, height, missing)"
            " VALUES (1, '1.png', 2, '', '', 1, 1, 0)",
        ),
        "UNIQUE constraint failed: page.book_id, page.name",
    ),
    "a page without width": (lambda c, p: c.write_pages([replace(p, name="2", width=0)]), "ck_page_has_size"),
    "a page of negative height": (lambda c, p: c.write_pages([replace(p, name="2", height=-1)]), "ck_page_has_size"),
    "page 0": (lambda c, p: c.write_pages([replace(p, name="2", number=0)]), "ck_page_counts_from_one"),
    "panel 0": (lambda c, p: c.write_pages([with_panel(p, number=0)]), "ck_panel_counts_from_one"),
    "a panel without width": (
        lambda c, p: c.write_pages([with_panel(p, box=Box(0, 0, 0, 5))]),
        "ck_panel_has_size",
    ),
    "a panel at an undefined place": (
        lambda c, p: c.write_pages([with_panel(p, box=Box(float("nan"), 0, 5, 5))]),
        "NOT NULL constraint failed: panel.x",
    ),
    "a negative vector row": (lambda c, p: c.write_pages([with_panel(p, vector_row=-1)]), "ck_panel_has_vectors"),
    "one vector for two panels": (
        lambda c, p: c.write_pages([with_panel(replace(p, name="2"), vector_row=0)]),
        "UNIQUE constraint failed: panel.vector_row",
    ),
    "two panels of one number": (
        lambda c, p: c.write_pages([replace(p, panels=(PANEL, replace(PANEL, vector_row=1)))]),
        "UNIQUE constraint failed: panel.page_id, panel.number",
    ),
    "a page without a book": (lambda c, p: c.write_pages([replace(p, book_id=99)]), "FOREIGN KEY constraint failed"),
    "a book without a source": (lambda c, p: c.book_id(99, "x", "X", "folder"), "FOREIGN KEY constraint failed"),
    "two metadata values at one position": (
        lambda c, p: run(
            c,
            "INSERT INTO book_metadata (book_id, name, value, position, casefolded)"
            " VALUES (1, 'series', 'a', 0, 'a'), (1, 'series', 'b', 0, 'b')",
        ),
        "UNIQUE constraint failed: book_metadata.book_id, book_metadata.name, book_metadata.position",
    ),
    "metadata without a book": (
        lambda c, p: c.set_book_metadata(99, [("year", "1")]),
        "FOREIGN KEY constraint failed",
    ),
    "a panel without a page": (
        lambda c, p: run(c, "UPDATE panel SET page_id = 99"),
        "FOREIGN KEY constraint failed",
    ),
    "a skipped file without a source": (
        lambda c, p: c.replace_skipped(99, [("a", "b")]),
        "FOREIGN KEY constraint failed",
    ),
}


def with_panel(page: NewPage, **changes: Any) -> NewPage:
    """Return another page whose one panel has these changes."""
    return replace(page, name="2", panels=(replace(PANEL, **{"vector_row": 7} | changes),))


@pytest.mark.parametrize("case", BROKEN)
def test_each_constraint_holds(catalog: CatalogWriter, page: NewPage, case: str) -> None:
    """Breaking it raises an error that names it, and nothing of the attempt stays."""
    catalog.write_pages([page])
    before = catalog.library.counts()
    violate, message = BROKEN[case]
    with pytest.raises(IntegrityError, match=message):
        violate(catalog, page)
    assert catalog.library.counts() == before


def test_constraints_have_names(catalog: Catalog) -> None:
    """Every constraint of every table has a name with its table and its rule."""
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name
            assert table.name in str(constraint.name)
    checks = {c["name"] for t in ("page", "panel") for c in inspect(catalog.engine).get_check_constraints(t)}
    assert checks == {
        "ck_page_has_size",
        "ck_page_counts_from_one",
        "ck_panel_has_size",
        "ck_panel_counts_from_one",
        "ck_panel_has_vectors",
    }


def test_sqlite_is_set_up(catalog: Catalog) -> None:
    """Every connection has foreign keys, write-ahead logging and a busy timeout."""
    for _ in range(3):
        with catalog.engine.connect() as one, catalog.engine.connect() as other:
            for connection in (one, other):
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_deleting_a_source_deletes_its_content(catalog: CatalogWriter, page: NewPage) -> None:
    """Books, pages, panels and skipped files of a source are deleted with it."""
    catalog.write_pages([page])
    catalog.replace_skipped(1, [("x", "y")])
    run(catalog, "DELETE FROM source")
    names = ("books", "pages", "panels", "panels_with_dialogue", "low_confidence_pages", "missing_pages")
    assert catalog.library.counts() == dict.fromkeys(names, 0)
    assert catalog.library.skipped() == []


def test_a_page_written_again(catalog: CatalogWriter, page: NewPage) -> None:
    """Its rows are replaced, freed vector rows are returned, equal boxes keep their ids, the full text follows."""
    second = replace(PANEL, number=2, box=Box(20, 0, 10, 10), vector_row=1, dialogue="goodbye")
    assert catalog.write_pages([replace(page, panels=(PANEL, second))]) == []
    (kept, _) = catalog.panels.of_page(1)
    catalog.switch_generation(1)
    freed = catalog.write_pages([replace(page, panels=(replace(PANEL, vector_row=2, dialogue="new words"),))])
    assert freed == [0, 1]
    assert [(p.id, p.vector_row, p.dialogue) for p in catalog.panels.of_page(1)] == [(kept.id, 2, "new words")]
    assert catalog.panels.word_counts(["hello", "goodbye", "new"]) == {"hello": 1, "goodbye": 1}
    catalog.switch_generation(2)
    assert catalog.panels.word_counts(["hello", "goodbye", "new"]) == {"new": 1}
    assert catalog.panels.word_candidates(["hello"], 5, Filter()) == []
    assert catalog.panels.word_candidates(["words"], 5, Filter()) == [kept.id]
    assert catalog.check() == []


def test_pages_are_written_all_or_none(catalog: CatalogWriter, page: NewPage) -> None:
    """One bad page of a batch leaves none of it."""
    bad = with_panel(page, number=0)
    with pytest.raises(IntegrityError):
        catalog.write_pages([page, bad])
    assert catalog.library.counts()["pages"] == 0
    assert catalog.panels.word_counts(["hello"]) == {}


def test_missing_pages_are_in_no_result(catalog: CatalogWriter, page: NewPage) -> None:
    """A missing page is in no count, list or search, keeps its vector row, and is complete once it is restored."""
    catalog.write_pages([page])
    catalog.mark_missing([1])
    assert catalog.library.counts()["missing_pages"] == 1
    assert catalog.library.counts()["panels"] == 0
    assert (catalog.library.books(), catalog.panels.get([1]), catalog.panels.of_page(1)) == ([], {}, [])
    assert len(catalog.panels.vector_rows()[0]) == 0
    assert catalog.panels.last_vector_row() == 0
    assert catalog.panels.count_matching(Filter()) == 0
    assert catalog.panels.matching_ids(Filter()).tolist() == []
    (previous,) = catalog.pages.previous_pages(page.book_id).values()
    catalog.update_pages([PageUpdate(previous.id, 4, "t")])
    (panel,) = catalog.panels.of_page(1)
    assert (panel.page_number, panel.dialogue) == (4, "hello")


def test_counting_and_listing_agree(catalog: CatalogWriter, page: NewPage) -> None:
    """`count_matching` counts the panels that `matching_ids` and `browse` list."""
    panels = tuple(replace(PANEL, number=n, vector_row=n, dialogue="x" * (n % 2)) for n in range(1, 8))
    catalog.write_pages([replace(page, panels=panels)])
    for where in (
        Filter(),
        Filter(has_dialogue=True),
        Filter(page=(2, None)),
        Filter(book="B"),
        Filter(size=(0, 0.01)),
    ):
        ids = catalog.panels.matching_ids(where).tolist()
        assert catalog.panels.count_matching(where) == len(ids)
        assert sorted(catalog.panels.browse(where, 100, 0)) == ids


def test_many_ids_at_once(catalog: CatalogWriter, page: NewPage) -> None:
    """More ids than SQLite takes in one statement can be looked up."""
    catalog.write_pages([page])
    assert list(catalog.panels.get(range(1, 40_000))) == [1]
    catalog.mark_missing(range(1, 40_000))
    assert catalog.library.counts()["missing_pages"] == 1


def test_opening(tmp_path: Path) -> None:
    """Creating twice opens the same catalog; newer and older catalogs and other files are refused."""
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    with CatalogWriter.create(url) as created:
        created.write_settings(language="de")
        index_id = created.settings().index_id
    with CatalogWriter.create(url) as again:
        assert (again.settings().language, again.settings().index_id) == ("de", index_id)
        again.write_settings(schema_version=SCHEMA_VERSION + 1)
    versions = f"schema version {SCHEMA_VERSION + 1}; this Panelseek reads up to {SCHEMA_VERSION}"
    message = rf"c\.sqlite: the catalog has {versions}\nupdate Panelseek"
    with pytest.raises(IndexTooNew, match=message):
        Catalog.open(url)
    run(again, "UPDATE setting SET value = '1' WHERE key = 'schema_version'")
    message = (
        rf"c\.sqlite: the catalog has schema version 1; this Panelseek reads {OLDEST_SCHEMA} to {SCHEMA_VERSION}\n"
        "delete .*build it again"
    )
    with pytest.raises(IndexTooOld, match=message):
        CatalogWriter.create(url)
    (tmp_path / "d.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(IndexDamaged, match=r"d\.sqlite: the catalog is damaged"):
        Catalog.open(f"sqlite:///{tmp_path / 'd.sqlite'}")
