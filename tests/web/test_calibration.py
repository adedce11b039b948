"""Score thresholds measured in the background."""

from __future__ import annotations

import threading
import time

import pytest

from retrieval import PanelIndex, Query
from retrieval.errors import IndexDamaged, UsageError
from retrieval.overview.thresholds import QueryType, ScoreThreshold
from retrieval.records import View
from ui.web import calibration
from ui.web.calibration import CalibrationWorker, Thresholds


def settled(worker: CalibrationWorker, query_type: str, views: list[str]) -> Thresholds:
    """Return the thresholds once none is being measured any more."""
    for _ in range(600):
        found = worker.thresholds(query_type, views)
        if not found.pending:
            return found
        time.sleep(0.05)
    raise AssertionError("still measuring after half a minute")


def test_missing_thresholds_are_measured(index: PanelIndex) -> None:
    """In the background; a query type or a view that does not exist is refused."""
    worker = CalibrationWorker(index)
    found = settled(worker, "picture", ["picture", "fused"])
    measured = {view: calibration.load_threshold(index, View(view), "picture") for view in ("picture", "fused")}
    assert found.by_view == {view: threshold.value for view, threshold in measured.items() if threshold}
    assert set(found.by_view) == {"picture", "fused"}
    for query_type, view in (("song", "picture"), ("words", "paper")):
        with pytest.raises(UsageError):
            worker.thresholds(query_type, [view])


def test_no_request_waits_for_a_threshold(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requested several times it is measured once; if that fails it is not tried again."""
    go_on, measured = threading.Event(), []

    def slow(index: PanelIndex, view: View, query_type: QueryType, **_options: object) -> None:
        measured.append((view, query_type))
        go_on.wait(10)
        raise IndexDamaged("its file is gone")

    monkeypatch.setattr(calibration, "make_threshold", slow)
    monkeypatch.setattr(calibration, "load_threshold", lambda *_: None)
    worker = CalibrationWorker(index)
    for _ in range(5):
        assert worker.thresholds("words", ["dialogue"]) == Thresholds({}, pending=True)
    go_on.set()
    assert settled(worker, "words", ["dialogue"]).by_view == {}
    assert measured == [(View.DIALOGUE, "words")]


def test_a_failure_between_looking_and_waiting(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that finds no threshold just before the measurement fails does not begin another one."""
    measured, looked = [], threading.Event()

    def failing(index: PanelIndex, view: View, *_: object, **_options: object) -> None:
        measured.append(view)
        looked.wait(10)
        raise IndexDamaged("its file is gone")

    class LateLock:
        """A lock that the asking thread gets after the measurement has failed."""

        def __init__(self) -> None:
            self._lock = threading.Lock()

        def __enter__(self) -> None:
            if threading.current_thread() is asking:
                looked.set()
                while not worker._failed:
                    time.sleep(0.01)
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    monkeypatch.setattr(calibration, "make_threshold", failing)
    monkeypatch.setattr(calibration, "load_threshold", lambda *_: None)
    worker, answers = CalibrationWorker(index), []
    worker._lock = LateLock()
    asking = threading.Thread(target=lambda: answers.append(worker.thresholds("words", ["dialogue"])))
    assert worker.thresholds("words", ["dialogue"]).pending
    asking.start()
    asking.join()
    assert answers == [Thresholds({}, pending=False)]
    assert measured == [View.DIALOGUE]


def test_close_is_unknown_until_it_is_measured(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of the endpoint does not wait, and is compared with the threshold of the generation it is from."""
    go_on = threading.Event()
    worker = CalibrationWorker(index)
    query = Query(text="bring the lantern", view="fused")
    hits, number = index.search_many([query])[0], index.generation.number
    monkeypatch.setattr(calibration, "make_threshold", lambda *_, **_options: go_on.wait(10))
    monkeypatch.setattr(calibration, "load_threshold", lambda *_: None)
    assert worker.is_close(query, number, hits) is None
    assert worker.is_close(query, number, []) is False
    go_on.set()
    score = hits[0].ranking_score
    measured = ScoreThreshold(View.FUSED, "words", score - 0.1, 0.0, 12)
    monkeypatch.setattr(calibration, "load_threshold", lambda *_: measured)
    assert worker.is_close(query, number, hits) is True
    monkeypatch.undo()
    assert worker.is_close(query, number + 1, hits) is None
