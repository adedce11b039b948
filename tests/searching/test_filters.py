"""Filters by names: any spelling, lists, thousands of values, and values that no name has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from index_builder.write import CatalogWriter
from retrieval import PanelIndex
from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.store.layout import catalog_url
from tests.conftest import GridEncoder
from tests.searching.synthetic import Row, clustered, write_index


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


BOOKS = {1: nfd("Pokémon Ängel"), 2: nfd("한국 만화"), 3: "POKÉMON 2", 4: "100%_x", 5: "Straße"}
SERIES = {1: nfd("Étoile"), 2: "ÉTOILE", 3: "Étoile & Mer", 4: "x", 5: "y"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Yield an index whose book n has n panels."""
    rows = [
        Row(book, 1, n + 1, (0, 0, 100, 100 * (n + 1)), "words") for count, book in BOOKS.items() for n in range(count)
    ]
    folder = write_index(tmp_path_factory.mktemp("filters") / "i", rows, clustered(len(rows), 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        numbers = {title: number for number, title in BOOKS.items()}
        with CatalogWriter.open(catalog_url(folder)) as catalog:
            for book in opened.books():
                catalog.set_book_metadata(book.id, [("series", SERIES[numbers[book.title]])])
        yield opened


def found(index: PanelIndex, where: Any) -> list[int]:
    """Return the numbers of the books that a filter leaves, all of whose panels must pass."""
    books = {panel.book for panel in index.browse(where, k=100)}
    numbers = sorted(number for number, title in BOOKS.items() if title in books)
    assert index.count(where) == sum(numbers) == len(index.browse(where, k=100))
    return numbers


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_any_spelling(index: PanelIndex, form: Any, case: Any) -> None:
    """Form and case of a filter do not matter, in names and in patterns; accents do."""

    def spelled(text: str) -> str:
        return str(case(unicodedata.normalize(form, text)))

    assert found(index, {"book": spelled("Pokémon Ängel")}) == [1]
    assert found(index, {"book": spelled("Pokémon%")}) == [1, 3]
    assert found(index, {"book": spelled("%Ängel path")}) == [1]  # the path
    assert found(index, {"book": spelled("한국 만화")}) == [2]
    assert found(index, {"book": spelled("STRAẞE")}) == [5]
    assert found(index, {"series": spelled("Étoile")}) == [1, 2]
    assert found(index, {"series": spelled("étoile%")}) == [1, 2, 3]
    assert found(index, {"source": spelled("%/comics")}) == [1, 2, 3, 4, 5]
    assert found(index, {"book": spelled("Pokemon%")}) == []


def test_lists(index: PanelIndex) -> None:
    """Of several values any may hold: names with patterns, ids, sources, and ranges."""
    ids = {panel.book: panel.book_id for panel in index.browse(k=100)}
    assert found(index, {"book": ["straße", "pokémon%", "nobody"]}) == [1, 3, 5]
    assert found(index, {"book": ("%x", "%2", "%만%")}) == [2, 3, 4]
    assert found(index, {"book_id": [ids[BOOKS[2]], ids[BOOKS[5]], 999]}) == [2, 5]
    assert found(index, {"source": ["/nowhere", "%comics"]}) == [1, 2, 3, 4, 5]
    assert found(index, {"book": ["pokémon 2", "straße"], "series": ["y", "x"]}) == [5]
    assert index.count({"aspect": ["tall", "wide"]}) == 4 + 3 + 2 + 1
    assert index.count({"aspect": [(1, 1), (0.2, 0.2)]}) == 5 + 1
    assert index.count({"page": [(1, 1), (7, None)]}) == 15
    assert [hit.panel.book for hit in index.search(panel=1, where={"book": [BOOKS[4]]})] == [BOOKS[4]] * 4


@pytest.mark.parametrize("count", [1_001, 40_000, 300_000])
def test_thousands_of_values(index: PanelIndex, count: int) -> None:
    """More values than a statement of SQLite has variables."""
    names = [f"book {n}" for n in range(count - 1)]
    assert found(index, {"book": [*names, "straße"]}) == [5]
    assert found(index, {"series": [*names, "Étoile"]}) == [1, 2]
    assert found(index, {"book_id": list(range(count))}) == [1, 2, 3, 4, 5]
    assert index.search(panel=1, where={"book": [*names, "pokémon ängel"]}, k=5)[0].panel.id == 1


def test_thousands_of_patterns(index: PanelIndex) -> None:
    """Patterns may be as many."""
    assert found(index, {"book": [*(f"%no {n}%" for n in range(1_500)), "100%_x", "%stra%"]}) == [4, 5]


@pytest.mark.parametrize("char", ["\0", "\x01", "\x1b", "\x1f", "\x7f", "\x9f"])
@pytest.mark.parametrize("name", ["book", "source", "series", "label"])
def test_control_characters(index: PanelIndex, name: str, char: str) -> None:
    """A filter with a control character, alone or in a list, is refused with a sentence that names it."""
    for value in (f"Pok{char}", ["x", f"{char}%"]):
        with pytest.raises(UsageError, match=rf"filter {name} holds the control character U\+{ord(char):04X}"):
            index.count({name: value})


@pytest.mark.parametrize("field", ["text", "negative_text"])
def test_control_characters_in_words(index: PanelIndex, field: str) -> None:
    """So are words; line ends and tabs are white space."""
    with pytest.raises(UsageError, match=rf"{field} holds the control character U\+0000 at position 2"):
        index.search(**{"text": "rain", field: "a\0b"})  # type: ignore[arg-type]
    assert index.search(**{"text": "words\r\n\there", "k": 1})


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"book": []}, "filter book takes a name"),
        ({"book": ["a", 5]}, "filter book takes a name"),
        ({"book": "x" * 10_001}, "filter book has 10,001 characters; a name has at most 10,000"),
        ({"book_id": []}, "filter book_id takes a whole number"),
        ({"book_id": [1, "2"]}, "filter book_id takes a whole number, or a list of them"),
        ({"aspect": ["tall", "broad"]}, "filter aspect takes .*found 'broad'"),
        ({"page": []}, "filter page takes"),
    ],
)
def test_values_that_are_refused(index: PanelIndex, where: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        index.count(where)


def test_facets_count_one_name_once(index: PanelIndex) -> None:
    """Spellings that filters do not distinguish are one value, in the most common spelling."""
    facets = index.facets()
    assert {f.value: f.panels for f in facets["series"]} == {"ÉTOILE": 3, "Étoile & Mer": 3, "x": 4, "y": 5}
    for facet in (*facets["book"], *facets["series"]):
        name = "book" if facet in facets["book"] else "series"
        assert index.count({name: facet.value}) == facet.panels


def test_single_values_stay_single() -> None:
    """A filter of one value is the same whether it is given alone or made directly."""
    assert Filter.of({"book": "x", "page": (1, 2), "book_id": 3}) == Filter(book="x", page=(1, 2), book_id=3)
    assert Filter.of({"book": ["x"]}).book == ("x",)
