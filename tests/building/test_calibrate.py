"""Score thresholds at the end of a build: measured in time, kept while the library hardly grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from index_builder import calibrate as measuring
from index_builder.calibrate import QUERIES, calibrate
from retrieval import PanelIndex
from retrieval.build_state import read_build_state
from retrieval.overview import calibration
from retrieval.overview.thresholds import Key, ScoreThreshold, stored_thresholds, thresholds_path
from retrieval.progress import Progress, no_progress
from tests.building.library import build, page
from tests.conftest import GridEncoder

LINES = ["the lighthouse keeper is late again", "who fed the small robot tea", "never borrow winter from a bear", "a"]


@pytest.fixture(autouse=True)
def _plenty_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 600.0)


@pytest.fixture
def comics(tmp_path: Path) -> Path:
    """Two books of 10 panels on 5 pages each, all with dialogue."""
    for number in range(5):
        for book in ("A", "B"):
            page(tmp_path / "comics" / book / f"p{number}", ord(book) + number, LINES[:2])
    return tmp_path / "comics"


def measured(index: Path, generation: int) -> dict[Key, ScoreThreshold]:
    return stored_thresholds(thresholds_path(index, generation))


def fail(*_: Any, **__: Any) -> None:
    pytest.fail("measured although nothing was to be measured")


def test_a_build_measures_the_common_queries(comics: Path, tmp_path: Path) -> None:
    """The next reader finds the threshold that it would have measured itself."""
    index = tmp_path / "i"
    report = build(comics, index)
    found = measured(index, 1)
    assert set(found) == set(QUERIES)
    assert {each.panels for each in found.values()} == {20}
    assert report.seconds["calibrate"] >= 0
    thresholds_path(index, 1).unlink()
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert {query: calibration.make_threshold(opened, *query) for query in QUERIES} == found


def test_a_small_library_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 12 panels the index is not even opened."""
    monkeypatch.setattr(measuring.PanelIndex, "open", fail)
    page(tmp_path / "comics" / "A" / "p0", 1, LINES)
    report = build(tmp_path / "comics", tmp_path / "i")
    assert not thresholds_path(tmp_path / "i", 1).exists()
    assert "calibrate" not in report.seconds


def test_no_time_is_left(comics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold that is not finished in time is not stored; those before it stay."""
    index, real = tmp_path / "i", calibration.impostor_scores
    monkeypatch.setattr(measuring, "LEAST_SECONDS", -1e9)
    build(comics, index)
    assert not measured(index, 1)
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 600.0)

    def late(*given: Any, **options: Any) -> list[float]:
        if given[1:3] == QUERIES[1]:
            raise TimeoutError
        return real(*given, **options)

    monkeypatch.setattr(calibration, "impostor_scores", late)
    calibrate(index, GridEncoder(), 1.0, no_progress)
    assert set(measured(index, 1)) == {QUERIES[0]}


def test_a_stopped_measurement_leaves_a_complete_index(comics: Path, tmp_path: Path) -> None:
    """A build that is stopped while it measures has its generation already."""
    index = tmp_path / "i"

    def stop(progress: Progress) -> None:
        if progress.unit == "thresholds":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(comics, index, progress=stop)
    assert not measured(index, 1)
    again = build(comics, index)
    assert (again.generation, again.encoded) == (1, 0)
    assert read_build_state(index) is None


def test_an_encoder_that_answers_no_query_does_not_fail_a_build(comics: Path, tmp_path: Path) -> None:
    class Mute(GridEncoder):
        def encode_queries(self, *_: Any) -> Any:
            raise RuntimeError("no queries")

    assert build(comics, tmp_path / "i", encoder=Mute()).panels == 20
    assert not measured(tmp_path / "i", 1)


def test_thresholds_are_kept_while_the_library_hardly_grows(
    comics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One panel more than 20 keeps them, also of rarer queries; with two more they are measured again."""
    index, real = tmp_path / "i", calibration.impostor_scores
    build(comics, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        calibration.make_threshold(opened, "fused", "panel")
    before = measured(index, 1)
    monkeypatch.setattr(calibration, "impostor_scores", fail)
    page(comics / "A" / "p8", 77, LINES[2:3])
    assert build(comics, index).panels == 21
    assert measured(index, 2) == before
    assert len(before) == len(QUERIES) + 1
    monkeypatch.setattr(calibration, "impostor_scores", real)
    page(comics / "A" / "p9", 78, LINES[2:3])
    assert build(comics, index).panels == 22
    assert {each.panels for each in measured(index, 3).values()} == {22}


def test_thresholds_of_unknown_age_are_not_kept(comics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the number of panels at the measurement, the growth since then is unknown."""
    index = tmp_path / "i"
    monkeypatch.setattr(measuring, "QUERIES", ())
    build(comics, index)
    calibration.store_threshold(thresholds_path(index, 1), ScoreThreshold(*QUERIES[0], 0.5, 0.4, 20))
    page(comics / "A" / "p8", 77, LINES[2:3])
    build(comics, index)
    assert not measured(index, 2)
