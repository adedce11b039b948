"""Filters by book metadata and page labels, and the counts of panels for each value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from index_builder.write import CatalogWriter
from retrieval import Facet, PanelIndex
from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.store.catalog.records import PageUpdate
from retrieval.store.layout import catalog_url
from tests.conftest import GridEncoder
from tests.searching.synthetic import Row, clustered, write_index

METADATA = {
    "Harbor 1": [("series", "Night Harbor"), ("number", "1"), ("year", "1998"), ("writer", "Ana"), ("writer", "Émile")],
    "Harbor 2": [("series", "night harbor"), ("number", "2"), ("year", "1999"), ("writer", "ana"), ("writer", "Ana")],
    "Frogs": [
        ("series", "Frogs_100%"),
        ("number", "1.5"),
        ("year", "2004"),
        ("language", "fr"),
        ("title", "Not a filter"),
    ],
    "Unknown": [],
}
LABELS = {1: "cover", 2: "story", 3: None}


def rows() -> list[Row]:
    """Return panels of four books: page 1 of each has one panel, page 2 two and page 3 three, of three shapes."""
    boxes = [(0, 0, 100, 100), (0, 0, 100, 300), (0, 0, 80, 100)]  # square, tall, and on the border of both
    return [
        Row(book, page, n + 1, boxes[n], "words" if n == 0 else "")
        for book in METADATA
        for page in (1, 2, 3)
        for n in range(page)
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    written = rows()
    folder = write_index(tmp_path_factory.mktemp("facets") / "i", written, clustered(len(written), 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        with writer_of(opened) as catalog:
            write_metadata(opened, catalog)
        yield opened


def write_metadata(index: PanelIndex, catalog: CatalogWriter) -> None:
    for book in index.books():
        catalog.set_book_metadata(book.id, METADATA[book.title], "fingerprint")
        catalog.label_pages(book.id, {f"{n}.png": label for n, label in LABELS.items()})


def writer_of(index: PanelIndex) -> CatalogWriter:
    """Open the catalog of an index for writing."""
    return CatalogWriter.create(catalog_url(index.folder))


def values(facets: tuple[Facet, ...]) -> dict[str, int]:
    return {facet.value: facet.panels for facet in facets}


def test_facets_of_everything(index: PanelIndex) -> None:
    """Each value counts the panels of its books once; spellings of one name are one value; most panels first."""
    found = index.facets()
    assert found["series"] == (Facet("Night Harbor", 12), Facet("Frogs_100%", 6))
    assert values(found["writer"]) == {"Ana": 12, "Émile": 6}
    assert values(found["year"]) == {"1998": 6, "1999": 6, "2004": 6}
    assert values(found["language"]) == {"fr": 6}
    assert found["publisher"] == ()
    assert values(found["book"]) == dict.fromkeys(METADATA, 6)
    assert values(found["label"]) == {"cover": 4, "story": 8}
    assert values(found["has_dialogue"]) == {"yes": 12, "no": 12}
    assert values(found["aspect"]) == {"square": 16, "tall": 12}  # four are on the border and count in both
    assert "title" not in found


@pytest.mark.parametrize(
    "where",
    [
        None,
        {"label": "story"},
        {"series": "NIGHT%"},
        {"writer": "ana", "label": ["cover", "story"]},
        {"has_dialogue": False, "aspect": "tall"},
        {"year": (1998, 1999)},
        {"book": "nothing"},
    ],
)
def test_counts_are_those_of_the_filter(index: PanelIndex, where: dict[str, Any] | None) -> None:
    """The count of a value is the number of panels that pass with that value as a further filter."""
    yes_no = {"yes": True, "no": False}
    for name, facets in index.facets(where).items():
        if where and name in where:
            continue
        for facet in facets:
            value = yes_no[facet.value] if name == "has_dialogue" else facet.value
            assert index.count({**(where or {}), name: value}) == facet.panels, (name, facet)


@pytest.mark.parametrize(
    ("where", "panels"),
    [
        ({"series": "night harbor"}, 12),
        ({"series": "night"}, 0),
        ({"series": "%HARB%"}, 12),
        ({"series": "frogs_%"}, 6),
        ({"series": "frogsX%"}, 0),  # the underscore is no wildcard
        ({"writer": "ÉMILE"}, 6),
        ({"writer": ["émile", "nobody"]}, 6),
        ({"writer": "ana", "year": 1998}, 6),
        ({"writer": "émile", "year": 1999}, 0),
        ({"year": (None, 1998)}, 6),
        ({"year": [1999, None]}, 12),
        ({"year": "1998"}, 6),
        ({"number": 1.5}, 6),
        ({"number": (1, 2)}, 18),
        ({"number": ["1", "2"]}, 12),
        ({"label": "Cover "}, 4),
        ({"label": "%o%"}, 12),
        ({"label": ["story", "credits"]}, 8),
        ({"language": "fr", "label": "story"}, 2),
    ],
)
def test_filters(index: PanelIndex, where: dict[str, Any], panels: int) -> None:
    """Names are compared without case, `%` matches any letters, ranges include both ends; filters combine."""
    assert index.count(where) == panels
    hits = index.search(text="words", where=where, k=50, exact=True)
    assert {h.panel.id for h in hits} <= set(index.catalog.panels.matching_ids(Filter.of(where)).tolist())
    assert len(index.search(panel=1, where=where, k=50)) == panels


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"series": True}, "filter series takes a name"),
        ({"series": []}, "filter series takes a name"),
        ({"writer": [None]}, "filter writer takes a name"),
        ({"label": {"a": 1}}, "filter label takes a name"),
        ({"year": (True, 2)}, "filter year takes a number"),
        ({"writr": "x"}, r"no filter is called writr\nchoose from book, .*series.*label"),
    ],
)
def test_invalid_filters(index: PanelIndex, where: dict[str, Any], message: str) -> None:
    """They are refused with a message that names what the filter takes."""
    with pytest.raises(UsageError, match=message):
        index.count(where)
    with pytest.raises(UsageError, match="limit must be"):
        index.facets(limit=0)


def test_limit_keeps_the_most_common_values(index: PanelIndex) -> None:
    """`limit` cuts each list after its most common values."""
    assert [f.value for f in index.facets(limit=1)["series"]] == ["Night Harbor"]


def test_missing_pages_are_not_counted(index: PanelIndex) -> None:
    """The panels of a missing page are in no count; those of a restored page are in all again."""
    book = index.books()[0]
    before = index.facets()
    page_id = index.catalog.pages.previous_pages(book.id)["3.png"].id
    with writer_of(index) as catalog:
        catalog.mark_missing([page_id])
        assert values(index.facets()["book"])[book.title] == 3
        catalog.update_pages([PageUpdate(page_id, 3, "fingerprint")])
    assert index.facets() == before


def test_book_metadata(index: PanelIndex) -> None:
    """All metadata of a book is kept, also that without a filter; panels have their page's label."""
    frogs = next(book for book in index.books() if book.title == "Frogs")
    assert index.metadata(frogs.id)["title"] == ("Not a filter",)
    assert index.catalog.pages.metadata_fingerprint(frogs.id) == "fingerprint"
    assert {p.label for p in index.browse({"book": "Frogs"}, k=50)} == {"cover", "story", ""}


def test_metadata_is_replaced_as_a_whole(index: PanelIndex) -> None:
    """New metadata of a book replaces all of the old, without duplicates."""
    unknown = next(book for book in index.books() if book.title == "Unknown")
    with writer_of(index) as catalog:
        catalog.set_book_metadata(unknown.id, [("genre", "Sea"), ("genre", "Sea"), ("genre", "Fog")])
        assert index.metadata(unknown.id) == {"genre": ("Sea", "Fog")}
        catalog.set_book_metadata(unknown.id, [])
        assert index.metadata(unknown.id) == {}
