"""Score thresholds measured in the background."""

from __future__ import annotations

import threading
import time

import pytest

from retrieval import PanelIndex
from retrieval.errors import IndexDamaged, UsageError
from retrieval.overview.calibration import QueryType
from retrieval.records import View
from ui.web.search import calibration
from ui.web.search.calibration import CalibrationWorker, Thresholds


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
