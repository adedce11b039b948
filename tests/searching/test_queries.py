"""What may be asked, which view answers, and what is refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retrieval import Filter, PanelIndex, Query
from retrieval.errors import UsageError
from retrieval.records import View
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
    ("question", "view"),
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
def test_the_view_follows_the_question(index: PanelIndex, question: dict[str, Any], view: View) -> None:
    """Words ask the dialogue, pictures the pictures, both the fused view; the caller may choose another."""
    assert Query(**question).validate().resolved_view() is view
    assert {h.view for h in index.search(**question)} == {view}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({}, "nothing to search for"),
        ({"text": " \n"}, "nothing to search for"),
        ({"panel": 1, "text": "a"}, "a question by itself"),
        ({"panel": 1, "image": PICTURE}, "a question by itself"),
        ({"text": "a", "view": "sound"}, "no view is called 'sound': choose picture, dialogue, fused"),
        ({"text": "a", "k": 0}, "k must be a whole number from 1 on; found 0"),
        ({"text": "a", "k": 2.5}, "k must be"),
        ({"text": "a", "k": True}, "k must be"),
        ({"text": "a", "offset": -1}, "offset must be a whole number from 0 on; found -1"),
        ({"text": "a", "per_page": 0}, "per_page must be"),
        ({"text": "a", "nprobe": 0}, "nprobe must be"),
        ({"panel": 999}, "no panel 999"),
        ({"panel": 999, "view": "dialogue"}, "no panel 999"),
        ({"panel": 2, "view": "dialogue"}, "panel 2 has no words: search with view picture or fused"),
        ({"text": "a", "where": {"colour": 1}}, "no filter is called colour: choose from book, book_id, source, page"),
        ({"text": "a", "where": {"page": "3"}}, "filter page takes a number or"),
    ],
)
def test_questions_without_sense(index: PanelIndex, question: dict[str, Any], words: str) -> None:
    """Each is refused with what was found and what is possible."""
    with pytest.raises(UsageError, match=words):
        index.search(**question)


@pytest.mark.parametrize(
    "question",
    [
        {"text": 5},
        {"text": "a", "k": 10**20},
        {"panel": 2**70},
        {"text": "a", "min_score": "high"},
        {"text": "a", "where": 5},
        {"text": "a", "where": {"book": 5}},
        {"text": "a", "where": {"source": ["x"]}},
        {"text": "a", "where": {"has_dialogue": "no"}},
    ],
    ids=str,
)
def test_values_of_the_wrong_kind(index: PanelIndex, question: dict[str, Any]) -> None:
    """A value of the wrong kind is wrong usage, not a traceback and not something else's value."""
    with pytest.raises(UsageError):
        index.search(**question)


@pytest.mark.parametrize("form", ["path", "str", "bytes", "pil", "array", "float", "grey"])
def test_a_picture_in_any_form(index: PanelIndex, tmp_path: Path, form: str) -> None:
    """A path, bytes, a Pillow image or an array of the same picture give the same hits."""
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


def test_sql_wildcards_stand_for_themselves(index: PanelIndex) -> None:
    """Only `%` is a wildcard; `_`, the escape sign and quotes are letters."""
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
    """`Filter.of` reads mappings, names and numbers; an empty one lets everything through."""
    assert Filter.of(None).empty
    assert Filter.of({}).empty
    assert Filter.of({"page": None}).empty
    given = Filter(book="x")
    assert Filter.of(given) is given
    assert Filter.of({"page": 3}).page == (3, 3)
    assert Filter.of({"page": [2, None]}).page == (2, None)
    assert Filter.of({"aspect": "tall", "size": "large"}) == Filter(aspect=(None, 0.8), size=(0.35, None))
    assert not Filter.of({"has_dialogue": False}).empty


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            {"bok": 1, "a": 2},
            "no filter is called a, bok: choose from book, book_id, source, page, has_dialogue, annotated, aspect, "
            "size",
        ),
        ({"aspect": "broad"}, "filter aspect takes .*one of tall, square, wide; found 'broad'"),
        ({"size": (1, 2, 3)}, r"filter size takes .*found \(1, 2, 3\)"),
        ({"page": True}, "filter page .*found True"),
        ({"page": (1, "x")}, "filter page"),
        ({"page": "tall"}, "filter page"),
    ],
)
def test_filters_without_sense(where: dict[str, Any], words: str) -> None:
    """A filter that means nothing is refused with what there is."""
    with pytest.raises(UsageError, match=words):
        Filter.of(where)


def test_looking_around(index: PanelIndex) -> None:
    """Panels by id and by page, books by title; an unknown id is wrong usage."""
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
    for ask in (lambda: index.panel(77), lambda: index.page_image(77)):
        with pytest.raises(UsageError, match="77"):
            ask()
