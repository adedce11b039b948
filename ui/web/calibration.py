"""Score thresholds for "no close match", measured in a background thread. No Gradio."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from retrieval.overview.calibration import close_hits, load_threshold, make_threshold
from retrieval.overview.thresholds import QueryType
from retrieval.records import View
from retrieval.search.hits import Hit
from retrieval.search.query import Query
from ui.web.lifecycle import CALIBRATION

log = logging.getLogger("panelseek.web")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Ranking score of unrelated panels by view, None if the library is too small to calibrate.

    pending: True if some are still being measured.
    """

    by_view: dict[str, float | None]
    pending: bool


class CalibrationWorker:
    """Measures missing thresholds one after the other in its own thread, each once a generation."""

    def __init__(self, index: PanelIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._queue: list[tuple[View, QueryType]] = []
        self._failed: set[tuple[int, View, QueryType]] = set()
        self._thread: threading.Thread | None = None

    def thresholds(self, query_type: str, views: Sequence[str]) -> Thresholds:
        """Return the cached thresholds and begin to measure the missing ones.

        Raises `UsageError` for a query type or view that does not exist.
        """
        if query_type not in get_args(QueryType) or any(view not in list(View) for view in views):
            raise UsageError(f"no query type {query_type!r} or no views {list(views)!r}")
        keys = [(View(view), cast(QueryType, query_type)) for view in views]
        cached = {key[0]: load_threshold(self._index, *key) for key in keys}
        number = self._index.generation.number
        waiting = [self._enqueue(number, key) for key in keys if cached[key[0]] is None]
        values = {str(view): threshold.value for view, threshold in cached.items() if threshold}
        return Thresholds(values, any(waiting))

    def is_close(self, query: Query, generation: int, hits: Sequence[Hit]) -> bool | None:
        """Return True if the best hit scores above the threshold of the generation that it is from.

        None if the threshold is not measured yet, which then begins, or if the library is too small to calibrate.
        """

        def above(view: View, query_type: QueryType, score: float) -> bool | None:
            threshold = load_threshold(self._index, view, query_type, generation)
            if threshold is None:
                self.thresholds(query_type, [view])
            return threshold.exceeded_by(score) if threshold else None

        return close_hits(query, hits, above)

    def _enqueue(self, number: int, key: tuple[View, QueryType]) -> bool:
        """Return False if it was tried in this generation without success; else measure it, unless it waits."""
        with self._lock:
            if (number, *key) in self._failed:
                return False
            if key not in self._queue:
                self._queue.append(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=CALIBRATION, daemon=True)
                self._thread.start()
            return True

    def stop(self) -> None:
        """Measure nothing more after what is being measured."""
        with self._lock:
            del self._queue[1:]

    def _work(self) -> None:
        while (key := self._next()) is not None:
            number = self._index.generation.number
            failed = not self._measure(key)
            with self._lock:
                if failed:
                    self._failed = {(number, *key)} | {each for each in self._failed if each[0] == number}
                self._queue.remove(key)

    def _measure(self, key: tuple[View, QueryType]) -> bool:
        """Measure a threshold, unless another request has had it measured meanwhile; return False without success."""
        try:
            if load_threshold(self._index, *key) is None:
                make_threshold(self._index, *key, low_priority=True)
            return True
        except Exception as error:
            log.warning("a score threshold was not measured", exc_info=not isinstance(error, PanelseekError))
            return False

    def _next(self) -> tuple[View, QueryType] | None:
        with self._lock:
            if not self._queue:
                self._thread = None
                return None
            return self._queue[0]
