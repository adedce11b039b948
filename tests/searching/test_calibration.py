"""When nothing is close: what strangers reach, worked out by hand, remembered, and honest where nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval import PanelIndex, Query
from retrieval.encoder.protocol import DIMENSION
from retrieval.overview import calibration
from retrieval.records import View
from tests.conftest import GridEncoder, unit
from tests.searching.synthetic import Row, clustered, library, stored, write_index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = write_index(tmp_path_factory.mktemp("close") / "i", library(160, 1), clustered(160, 2, clusters=70))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_strangers_are_the_best_of_other_books(index: PanelIndex) -> None:
    """Against plain NumPy: 96 panels ask, their own book left out; the line is where nine tenths stay below."""
    vectors = stored(index.folder, "picture")
    books = np.array([int(row.book.split()[1]) for row in library(160, 1)])
    scores = np.where(books[:, None] == books[None], -1, vectors @ vectors.T)
    asked = [panel.id - 1 for panel in calibration._sample_panels(index, View.PICTURE, "panel", 96)]
    assert {books[place] for place in asked} == set(range(7))
    best = np.sort(scores.max(axis=1)[asked])
    np.testing.assert_allclose(np.sort(calibration.impostor_scores(index, View.PICTURE, "panel")), best, atol=1e-5)
    found = index.closeness("picture", "panel")
    assert (found.sample_size, found.view, found.query_type) == (96, View.PICTURE, "panel")
    assert found.value == pytest.approx(np.quantile(best, 0.9), abs=1e-4)
    assert found.median == pytest.approx(np.median(best), abs=1e-4)


def test_a_near_copy_is_close_and_a_stranger_is_not(index: PanelIndex, tmp_path: Path) -> None:
    """The panel that asks says nothing about itself; whoever has a twin has something close."""
    picture = clustered(70, 2, clusters=70)
    picture[69] = unit(picture[0] + 0.1 * picture[1])
    folder = write_index(tmp_path / "i", library(70, 1), picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as twins:
        said = {}
        for panel in (1, 70, 30, 31, 32):
            query = Query(panel=panel, k=3)
            said[panel] = twins.is_close(query, twins.search_many([query])[0])
    assert said[1] is said[70] is True
    assert [said[p] for p in (30, 31, 32)].count(False) >= 2


def test_words_that_somebody_says_are_close(index: PanelIndex) -> None:
    """Five words that stand in a panel are closer than what strangers say; words of no panel are not."""
    said = next(row.dialogue for row in library(160, 1) if len(row.dialogue.split()) == 5)
    for text, expected in ((said, True), ("umbrella zebra xylophone quartz", False)):
        query = Query(text=text, k=5)
        assert index.is_close(query, index.search_many([query])[0]) is expected, text


def test_nothing_found_is_not_close(index: PanelIndex) -> None:
    assert index.is_close(Query(text="rain", where={"book": "none"}), []) is False


def test_a_small_library_does_not_tell(tmp_path: Path) -> None:
    """Fewer than a dozen strangers draw no line."""
    rows = [Row(f"B{n}", 1, 1, dialogue="one two three four five") for n in range(8)]
    folder = write_index(tmp_path / "i", rows, clustered(8, 2))
    with PanelIndex.open(folder, encoder=GridEncoder()) as few:
        query = Query(panel=1, k=2)
        assert few.is_close(query, few.search_many([query])[0]) is None
        assert few.closeness("picture", "panel").sample_size == 8


def test_in_one_book_strangers_are_other_pages(tmp_path: Path) -> None:
    """Neither the panel's own page nor the two beside it."""
    rows = [Row("B", n + 1, 1) for n in range(40)]
    picture = unit(np.random.default_rng(2).normal(size=(40, DIMENSION)).astype(np.float32))
    picture[1::2] = unit(picture[::2] + 0.05 * picture[1::2])  # each second page repeats the one before
    with PanelIndex.open(write_index(tmp_path / "i", rows, picture), encoder=GridEncoder()) as one:
        assert one.closeness("picture", "panel").value < 0.5


def test_it_is_measured_once(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process reads what this one measured; a damaged file is measured again."""
    found = index.closeness("picture", "panel")
    path = index.folder / "generations" / "1" / calibration.FILE
    assert json.loads(path.read_text())["picture/panel"]["strength"] == found.value
    with PanelIndex.open(index.folder, encoder=GridEncoder()) as again, monkeypatch.context() as patch:
        patch.setattr(calibration, "strangers", lambda *_: pytest.fail("measured twice"))
        assert again.closeness("picture", "panel") == found
    path.write_text('{"picture/panel": 5')
    with PanelIndex.open(index.folder, encoder=GridEncoder()) as again:
        assert again.closeness("picture", "panel") == found
