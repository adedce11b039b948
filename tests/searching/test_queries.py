"""Queries: the view that each is compared with, and the errors for invalid ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retrieval import Filter, PanelIndex, Query
from retrieval.errors import UsageError
from retrieval.records import View
from retrieval.search.query import QueryFields
from tests.conftest import GridEncoder
from tests.searching.synthetic import Row, clustered, write_index

PICTURE = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    rows = [
        Row("Pepper & Carrot", 1, 1, dialogue="take a chance"),
        Row("Pepper & Carrot", 1, 2),
        Row("100%_\\ x", 1, 1),
    ]
    folder = write_index(tmp_path_factory.mktemp("q") / "i", rows, clustered(3, 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({"text": "a"}, View.DIALOGUE),
        ({"image": PICTURE}, View.PICTURE),
        ({"image": PICTURE, "text": "a"}, View.FUSED),
        ({"image": PICTURE, "text": "  "}, View.PICTURE),
        ({"panel": 1}, View.PICTURE),
        ({"panel": 1, "view": "fused"}, View.FUSED),
        ({"text": "a", "view": "picture"}, View.PICTURE),
        ({"image": PICTURE, "view": View.DIALOGUE}, View.DIALOGUE),
    ],
)
def test_the_view_follows_the_query(index: PanelIndex, query: dict[str, Any], view: View) -> None:
    """Text is compared with dialogue, an image with pictures, both with the fused view; `view` chooses another."""
    assert Query(**query).validate().resolved_view() is view
    assert {h.view for h in index.search(**query)} == {view}


def test_search_takes_the_fields_of_a_query() -> None:
    """`QueryFields`, the keyword arguments of `PanelIndex.search`, has exactly the fields and types of `Query`."""
    assert QueryFields.__annotations__.keys() == {f.name for f in fields(Query)}
    declared = {name: annotation.__forward_arg__ for name, annotation in QueryFields.__annotations__.items()}
    assert declared == {f.name: f.type for f in fields(Query)}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "nothing to search for\ngive text, an image, or the id of an indexed panel"),
        ({"text": " \n"}, "nothing to search for"),
        ({"panel": 1, "text": "a"}, "a query by itself\nleave out text and image, or leave out panel"),
        ({"panel": 1, "image": PICTURE}, "a query by itself"),
        ({"text": "a", "view": "sound"}, "no view is called 'sound'\nchoose picture, dialogue, fused, any"),
        ({"text": "a", "k": 0}, "k must be a whole number, 1 or more; found 0"),
        ({"text": "a", "k": 2.5}, "k must be"),
        ({"text": "a", "k": True}, "k must be"),
        ({"text": "a", "offset": -1}, "offset must be a whole number, 0 or more; found -1"),
        ({"text": "a", "per_page": 0}, "per_page must be"),
        ({"text": "a", "nprobe": 0}, "nprobe must be"),
        ({"panel": 999}, "no panel 999"),
        ({"panel": 999, "view": "dialogue"}, "no panel 999"),
        ({"panel": 2, "view": "dialogue"}, "panel 2 has no dialogue\nsearch with view picture or fused"),
        ({"text": "a", "where": {"colour": 1}}, "no filter is called colour\nchoose from book, book_id, source, page"),
        ({"text": "a", "where": {"page": "3"}}, "filter page takes a number or"),
    ],
)
def test_invalid_queries(index: PanelIndex, query: dict[str, Any], message: str) -> None:
    """Each is refused with the value found and the values possible."""
    with pytest.raises(UsageError, match=message):
        index.search(**query)


@pytest.mark.parametrize(
    "query",
    [
        {"text": 5},
        {"text": "a", "k": 10**20},
        {"panel": 2**70},
        {"text": "a", "min_score": "high"},
        {"text": "a", "where": 5},
        {"text": "a", "where": {"book": 5}},
        {"text": "a", "where": {"source": [5]}},
        {"text": "a", "where": {"has_dialogue": "no"}},
    ],
    ids=str,
)
def test_values_of_the_wrong_type(index: PanelIndex, query: dict[str, Any]) -> None:
    """A value of the wrong type raises `UsageError` and is never converted."""
    with pytest.raises(UsageError):
        index.search(**query)


@pytest.mark.parametrize("form", ["path", "str", "bytes", "pil", "array", "float", "grey"])
def test_an_image_in_any_form(index: PanelIndex, tmp_path: Path, form: str) -> None:
    """A path, bytes, a Pillow image or an array of the same image give the same hits."""
    grey = np.random.default_rng(1).integers(0, 256, (16, 16), np.uint8)
    pixels = np.repeat(grey[..., None], 3, axis=2)
    path = tmp_path / "p.png"
    Image.fromarray(pixels).save(path)
    forms: dict[str, Any] = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "pil": Image.open(path),
        "array": pixels,
        "float": pixels.astype(np.float32) / 255,
        "grey": grey,
    }
    expected = [(h.panel.id, h.score) for h in index.search(image=pixels)]
    assert [(h.panel.id, h.score) for h in index.search(image=forms[form])] == expected
    forms["pil"].close()


def test_sql_wildcards_are_escaped(index: PanelIndex) -> None:
    """Only `%` is a wildcard; `_`, the escape character and quotes are letters."""
    for pattern, ids in {
        "100%_\\ x": {3},
        "%_\\ x": {3},
        "100%": {3},
        "100_\\%": set(),
        "Pepper _ Carrot": set(),
        "Pepper%": {1, 2},
        "%": {1, 2, 3},
        "' OR 1=1 --": set(),
        "%' OR '1'='1%": set(),
        "": set(),
    }.items():
        assert {p.id for p in index.browse({"book": pattern})} == ids, pattern


def test_filters_are_read() -> None:
    """`Filter.of` reads mappings, names and numbers; an empty filter passes every panel."""
    assert Filter.of(None).empty
    assert Filter.of({}).empty
    assert Filter.of({"page": None}).empty
    same = Filter(book="x")
    assert Filter.of(same) is same
    assert Filter.of({"page": 3}).page == (3, 3)
    assert Filter.of({"page": [2, None]}).page == (2, None)
    assert Filter.of({"aspect": "tall", "size": "large"}) == Filter(aspect=(None, 0.8), size=(0.35, None))
    assert not Filter.of({"has_dialogue": False}).empty


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"bok": 1, "a": 2},
            "no filter is called a, bok\nchoose from book, book_id, source, page, has_dialogue, annotated, aspect, "
            "size",
        ),
        ({"aspect": "broad"}, "filter aspect takes .*one of tall, square, wide; found 'broad'"),
        ({"size": (1, 2, 3)}, r"filter size takes .*found \(1, 2, 3\)"),
        ({"page": True}, "filter page .*found True"),
        ({"page": (1, "x")}, "filter page"),
        ({"page": "tall"}, "filter page"),
    ],
)
def test_invalid_filters(where: dict[str, Any], message: str) -> None:
    """An invalid filter is refused with the names or values that are possible."""
    with pytest.raises(UsageError, match=message):
        Filter.of(where)


def test_looking_up_panels_and_books(index: PanelIndex) -> None:
    """Panels are listed by id and by page, books by title; an unknown id raises `UsageError`."""
    panel = index.panel(1)
    assert (panel.book, panel.page_number, panel.number, panel.page_path) == (
        "Pepper & Carrot",
        1,
        1,
        "Pepper & Carrot path/1.png",
    )
    assert [p.id for p in index.page_panels(panel.page_id)] == [1, 2]
    assert [b.title for b in index.books()] == ["100%_\\ x", "Pepper & Carrot"]
    assert [p.id for p in index.browse(k=2)] == [3, 1]
    assert [p.id for p in index.browse(k=2, offset=2)] == [2]
    for look_up in (lambda: index.panel(77), lambda: index.page_image(77)):
        with pytest.raises(UsageError, match="77"):
            look_up()
