"""Relevance: it never rises down a list, does not depend on the length of the list, and tells right from wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sample_data
from index_builder import build_index
from retrieval import Hit, PanelIndex
from tests.building.library import build, page
from tests.conftest import GridEncoder

COMICS = Path(sample_data.__file__).parent / "comics"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """The sample comics."""
    folder = tmp_path_factory.mktemp("relevance") / "my.index"
    build_index([COMICS], folder, encoder="small", ocr=False)
    with PanelIndex.open(folder) as opened:
        yield opened


def values(hits: list[Hit]) -> list[float]:
    return [hit.relevance for hit in hits]


QUERIES: list[dict[str, Any]] = [
    {"text": "the lighthouse is dark again"},
    {"text": "lamp"},
    {"text": "a bear in the snow", "negative_text": "honey"},
    {"text": "who turned off the light", "per_page": 1},
    {"text": "winter", "view": "any"},
    {"panel": 83},
    {"image": COMICS.parent / "query.jpg"},
    {"image": COMICS.parent / "query.jpg", "text": "nobody breathe"},
    {"text": "light", "where": {"book": "%Lamp%"}},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_it_never_rises_down_a_list(index: PanelIndex, query: dict[str, Any]) -> None:
    """It is from 0 to 1, and a later hit is never more relevant than an earlier one."""
    found = values(index.search(**query, k=40))
    assert found == sorted(found, reverse=True)
    assert all(0 <= value <= 1 for value in found)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_it_does_not_depend_on_how_many_are_asked_for(index: PanelIndex, query: dict[str, Any]) -> None:
    """One hit, a page of them, and the pages after each other have the same values."""
    whole = values(index.search(**query, k=24))
    assert values(index.search(**query, k=1)) == pytest.approx(whole[:1])
    pages = [values(index.search(**query, k=6, offset=start)) for start in (0, 6, 12, 18)]
    assert [value for page in pages for value in page] == pytest.approx(whole)


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ({"text": "the lighthouse is dark again"}, True),
        ({"text": "Paws off my night light"}, True),
        ({"text": "the ligthouse is dark agian"}, True),
        ({"text": "the cold season nips at my long ears, says the hare"}, True),
        ({"image": COMICS.parent / "query.jpg"}, True),
        ({"text": "quarterly tax report"}, False),
        ({"text": "invoice number 47 was paid"}, False),
    ],
    ids=str,
)
def test_it_tells_right_from_wrong(index: PanelIndex, query: dict[str, Any], right: bool) -> None:
    """Lines that a panel says, with errors and in other words, and a copy; lines that no panel says."""
    first = index.search(**query)[0]
    assert first.close is right
    assert (first.relevance > 0.25) is right


def test_panels_like_a_panel_are_neither_close_nor_not(index: PanelIndex) -> None:
    """They are wanted although they are no copies."""
    assert {hit.close for hit in index.search(panel=83, include_self=False)} == {None}


def test_noise_is_no_close_match(index: PanelIndex) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)
    for image in (Image.fromarray(noise), Image.new("RGB", (300, 200), (150, 150, 150))):
        assert index.search(image=image)[0].close is False


def test_too_few_panels_to_tell(tmp_path: Path) -> None:
    """Close matches are left open among eight panels; one panel alone has a relevance, too."""
    page(tmp_path / "book" / "1", 1, ["hello there", "", "", ""])
    page(tmp_path / "book" / "2", 2, ["good bye", "", "", ""])
    build(tmp_path / "book", tmp_path / "my.index")
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as opened:
        hits = opened.search(text="hello there")
        assert {hit.close for hit in hits} == {None}
        assert values(hits) == sorted(values(hits), reverse=True)
        only = opened.search(text="hello there", where={"has_dialogue": True, "page": 1})
        assert len(only) == 1
        assert 0 <= only[0].relevance <= 1
