"""Searches in addresses."""

from __future__ import annotations

import pytest

from retrieval.errors import UsageError
from ui.web.search.search_state import Crop, parse_address
from ui.web.shell.addresses import make_address, with_parameter
from ui.web.shell.parameters import parse_panel_id


def test_everything_but_an_upload_travels_in_the_address() -> None:
    found = parse_address("?q=rain+%26+sun&not=bus&like=17&crop=0.1,0.2,0.5,0.4&view=fused&group=page&exclude=3")
    assert (found.text, found.negative, found.like, found.exclude) == ("rain & sun", "bus", 17, 3)
    assert (found.crop, found.view, found.group) == (Crop(0.1, 0.2, 0.5, 0.4), "fused", "page")
    assert found.has_query


def test_filters_become_what_searches_take() -> None:
    """Of a book's name and of yes and no there is one, of writers any of several."""
    found = parse_address("writer=Ann&writer=Bob&book=Harbour&has_dialogue=no&aspect=wide&year=1955")
    assert found.filters() == {
        "writer": ["Ann", "Bob"],
        "book": "Harbour",
        "has_dialogue": False,
        "aspect": "wide",
        "year": ["1955"],
    }
    assert not found.has_query
    assert not found.is_empty


def test_an_upload_is_known_only_where_it_was_uploaded() -> None:
    """Elsewhere the rest of the search stays, and that an upload is missing is known."""
    here = parse_address("?picture=x1&q=rain", "/uploads/a.png")
    assert (here.upload, here.upload_lost) == ("/uploads/a.png", False)
    there = parse_address("?picture=x1&q=rain")
    assert (there.upload, there.upload_lost, there.text) == (None, True, "rain")
    assert parse_address("?q=rain", "/uploads/a.png").upload is None


@pytest.mark.parametrize("query", ["view=paper&group=shelf", "colour=red", "%ff%fe&&==&;", "q=" + "a" * 9000])
def test_unknown_values_are_ignored(query: str) -> None:
    found = parse_address(query)
    assert (found.view, found.group, found.where) == (None, "", {})
    assert len(found.text) <= 2000


@pytest.mark.parametrize("crop", ["1,2", "a,b,c,d", "0,0,0,1", "1,0,0.5,1", "nan,0,1,1", "0.5,0.5,-1,1"])
def test_a_crop_without_area_is_refused(crop: str) -> None:
    with pytest.raises(UsageError, match="the crop"):
        parse_address(f"like=1&crop={crop}")


def test_a_crop_ends_at_the_edge_of_the_image() -> None:
    assert parse_address("crop=-1,0.5,9,9").crop == Crop(0.0, 0.5, 1.0, 0.5)


@pytest.mark.parametrize("value", [None, True, -1, "1; DROP TABLE panel", "../1", [1], 10**30, "9" * 400, 1.5, "²"])
def test_what_is_no_panel_is_refused(value: object) -> None:
    """Ids come from browsers, and browsers send anything."""
    with pytest.raises(UsageError):
        parse_panel_id(value)


def test_addresses_are_escaped() -> None:
    assert make_address(q="a&b=<c>", like=None, year=["1955", 1956]) == "?q=a%26b%3D%3Cc%3E&year=1955&year=1956"
    assert with_parameter("?q=a%26b&year=1&year=2", "panel", 7) == "?q=a%26b&year=1&year=2&panel=7"
    assert with_parameter("?q=rain&panel=7", "panel", None) == "?q=rain"
