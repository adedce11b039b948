"""Questions in the address of the page."""

from __future__ import annotations

import pytest
from ui.web.search.question import Crop, address, checked_id, read_address, with_part

from retrieval.errors import UsageError


def test_everything_but_an_upload_travels_in_the_address() -> None:
    found = read_address(
        "?q=rain+%26+sun&without=bus&like=17&crop=0.1,0.2,0.5,0.4&words=both&in=fused&fold=page&elsewhere=3"
    )
    assert (found.text, found.without, found.like, found.elsewhere) == ("rain & sun", "bus", 17, 3)
    assert (found.crop, found.words_in, found.view, found.fold) == (Crop(0.1, 0.2, 0.5, 0.4), "both", "fused", "page")
    assert found.asks


def test_filters_become_what_searches_take() -> None:
    """Of a book's name and of yes and no there is one, of writers any of several."""
    found = read_address("writer=Ann&writer=Bob&book=Harbour&has_dialogue=no&aspect=wide&year=1955")
    assert found.filters() == {
        "writer": ["Ann", "Bob"],
        "book": "Harbour",
        "has_dialogue": False,
        "aspect": "wide",
        "year": ["1955"],
    }
    assert not found.asks
    assert not found.empty


def test_an_upload_means_something_where_it_is_only() -> None:
    """With the file it asks; elsewhere the rest of the question stays, and that a picture is missing is known."""
    here = read_address("?picture=x1&q=rain", "/uploads/a.png")
    assert (here.picture, here.lost) == ("/uploads/a.png", False)
    there = read_address("?picture=x1&q=rain")
    assert (there.picture, there.lost, there.text) == (None, True, "rain")
    assert read_address("?q=rain", "/uploads/a.png").picture is None


@pytest.mark.parametrize(
    "query", ["words=shouted&in=paper&fold=shelf", "colour=red", "%ff%fe&&==&;", "q=" + "a" * 9000]
)
def test_what_means_nothing_is_passed_over(query: str) -> None:
    found = read_address(query)
    assert (found.words_in, found.view, found.fold, found.where) == (None, None, "", {})
    assert len(found.text) <= 2000


@pytest.mark.parametrize("crop", ["1,2", "a,b,c,d", "0,0,0,1", "1,0,0.5,1", "nan,0,1,1", "0.5,0.5,-1,1"])
def test_a_part_without_area_is_refused(crop: str) -> None:
    with pytest.raises(UsageError, match="part of the picture"):
        read_address(f"like=1&crop={crop}")


def test_a_part_is_cut_at_the_pictures_edge() -> None:
    assert read_address("crop=-1,0.5,9,9").crop == Crop(0.0, 0.5, 1.0, 0.5)


@pytest.mark.parametrize("value", [None, True, -1, "1; DROP TABLE panel", "../1", [1], 10**30, "9" * 400, 1.5, "²"])
def test_what_is_no_panel_is_refused(value: object) -> None:
    """Ids come from browsers, and browsers send anything."""
    with pytest.raises(UsageError):
        checked_id(value)


def test_addresses_are_escaped() -> None:
    assert address(q="a&b=<c>", like=None, year=["1955", 1956]) == "?q=a%26b%3D%3Cc%3E&year=1955&year=1956"
    assert with_part("?q=a%26b&year=1&year=2", "panel", 7) == "?q=a%26b&year=1&year=2&panel=7"
    assert with_part("?q=rain&panel=7", "panel", None) == "?q=rain"
