"""Score calibration: impostor scores against NumPy, thresholds for close matches, and their storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval import PanelIndex, Query
from retrieval.encoder.spec import DIMENSION
from retrieval.overview import calibration, thresholds
from retrieval.overview.calibration import impostor_scores, is_close, load_threshold, make_threshold
from retrieval.records import View
from tests.conftest import GridEncoder, unit
from tests.searching.synthetic import Row, clustered, library, stored, write_index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = write_index(tmp_path_factory.mktemp("close") / "i", library(160, 1), clustered(160, 2, clusters=70))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_impostors_are_the_best_of_other_books(index: PanelIndex) -> None:
    """Against plain NumPy: 96 query panels, each without its own book; the threshold is the 0.9 quantile."""
    vectors = stored(index.folder, "picture")
    books = np.array([int(row.book.split()[1]) for row in library(160, 1)])
    scores = np.where(books[:, None] == books[None], -1, vectors @ vectors.T)
    queries = [panel.id - 1 for panel in calibration._sample_panels(index, View.PICTURE, "panel", 96)]
    assert {books[place] for place in queries} == set(range(7))
    best = np.sort(scores.max(axis=1)[queries])
    np.testing.assert_allclose(np.sort(impostor_scores(index, View.PICTURE, "panel")), best, atol=1e-5)
    found = make_threshold(index, "picture", "panel")
    assert (found.sample_size, found.view, found.query_type) == (96, View.PICTURE, "panel")
    assert found.value == pytest.approx(np.quantile(best, 0.9), abs=1e-4)
    assert found.median == pytest.approx(np.median(best), abs=1e-4)


def test_a_near_copy_is_close_and_an_unrelated_panel_is_not(tmp_path: Path) -> None:
    """The query panel does not count as its own match; a panel with a near copy has a close match."""
    picture = clustered(70, 2, clusters=70)
    picture[69] = unit(picture[0] + 0.1 * picture[1])
    folder = write_index(tmp_path / "i", library(70, 1), picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        close = {}
        for panel in (1, 70, 30, 31, 32):
            query = Query(panel=panel, k=3)
            close[panel] = is_close(opened, query, opened.search_many([query])[0])
    assert close[1] is close[70] is True
    assert [close[p] for p in (30, 31, 32)].count(False) >= 2


def test_a_line_of_dialogue_is_close(index: PanelIndex) -> None:
    """Five words of a panel score above the impostors; words of no panel do not."""
    line = next(row.dialogue for row in library(160, 1) if len(row.dialogue.split()) == 5)
    for text, expected in ((line, True), ("umbrella zebra xylophone quartz", False)):
        query = Query(text=text, k=5)
        assert is_close(index, query, index.search_many([query])[0]) is expected, text


def test_no_hits_are_not_close(index: PanelIndex) -> None:
    assert is_close(index, Query(text="rain", where={"book": "none"}), []) is False


def test_a_small_library_has_no_threshold(tmp_path: Path) -> None:
    """Fewer than 12 impostors give no threshold."""
    rows = [Row(f"B{n}", 1, 1, dialogue="one two three four five") for n in range(8)]
    folder = write_index(tmp_path / "i", rows, clustered(8, 2))
    with PanelIndex.open(folder, encoder=GridEncoder()) as few:
        query = Query(panel=1, k=2)
        assert is_close(few, query, few.search_many([query])[0]) is None
        assert make_threshold(few, "picture", "panel").sample_size == 8


def test_in_one_book_impostors_are_on_other_pages(tmp_path: Path) -> None:
    """The panel's own page, the previous and the next one are excluded."""
    rows = [Row("B", n + 1, 1) for n in range(40)]
    picture = unit(np.random.default_rng(2).normal(size=(40, DIMENSION)).astype(np.float32))
    picture[1::2] = unit(picture[::2] + 0.05 * picture[1::2])  # each second page repeats the one before
    with PanelIndex.open(write_index(tmp_path / "i", rows, picture), encoder=GridEncoder()) as one:
        value = make_threshold(one, "picture", "panel").value
        assert value is not None
        assert value < 0.5


def test_thresholds_are_measured_once(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process reads the stored threshold; with a damaged file it measures again."""
    found = make_threshold(index, "picture", "panel")
    path = index.folder / "generations" / "1" / thresholds.FILE
    stored_values = {(t["view"], t["query_type"]): t["value"] for t in json.loads(path.read_text())["thresholds"]}
    assert stored_values["picture", "panel"] == found.value
    with PanelIndex.open(index.folder, encoder=GridEncoder()) as again, monkeypatch.context() as patch:
        patch.setattr(calibration, "impostor_scores", lambda *_, **__: pytest.fail("measured twice"))
        assert load_threshold(again, "picture", "panel") == found
        assert make_threshold(again, "picture", "panel") == found
    path.write_text('{"thresholds": 5')
    with PanelIndex.open(index.folder, encoder=GridEncoder()) as again:
        assert load_threshold(again, "picture", "panel") is None
        assert make_threshold(again, "picture", "panel") == found
        assert load_threshold(again, "picture", "panel") == found
