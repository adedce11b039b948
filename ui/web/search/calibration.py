"""What strangers reach, for "nothing is close": measured beside the searches, nobody waits for it. No Gradio."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from retrieval.overview.calibration import QueryType
from retrieval.records import View

log = logging.getLogger("panelseek.page")


@dataclass(frozen=True, slots=True)
class Lines:
    """By view the strength that strangers reach, None where nobody can tell; `measuring`: more is known in a while."""

    by_view: dict[str, float | None]
    measuring: bool


class Strangers:
    """Measures one kind of question after the other in a thread of its own, each once for a generation."""

    def __init__(self, index: PanelIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._wanted: list[tuple[View, QueryType]] = []
        self._failed: set[tuple[int, View, QueryType]] = set()
        self._thread: threading.Thread | None = None

    def lines(self, asked: str, views: Sequence[str]) -> Lines:
        """What is known for this kind of question; what is not begins to be measured.

        Raises `UsageError` for a kind or view that does not exist.
        """
        if asked not in get_args(QueryType) or any(view not in list(View) for view in views):
            raise UsageError("There is no question of this kind.")
        kinds = [(View(view), cast(QueryType, asked)) for view in views]
        known = {view: self._index.closeness_known(view, kind) for view, kind in kinds}
        number = self._index.generation.number
        missing = [kind for kind in kinds if known[kind[0]] is None and (number, *kind) not in self._failed]
        for kind in missing:
            self._want(kind)
        return Lines({str(view): found.value for view, found in known.items() if found}, bool(missing))

    def _want(self, kind: tuple[View, QueryType]) -> None:
        with self._lock:
            if kind not in self._wanted:
                self._wanted.append(kind)
            if self._thread is None:
                self._thread = threading.Thread(target=self._measure, name="strangers", daemon=True)
                self._thread.start()

    def _measure(self) -> None:
        while (kind := self._next()) is not None:
            number = self._index.generation.number
            try:
                self._index.closeness(*kind, gently=True)
            except Exception as error:
                log.warning("what strangers reach is not known", exc_info=not isinstance(error, PanelseekError))
                self._failed = {(number, *kind)} | {each for each in self._failed if each[0] == number}
            with self._lock:
                self._wanted.remove(kind)

    def _next(self) -> tuple[View, QueryType] | None:
        with self._lock:
            if not self._wanted:
                self._thread = None
                return None
            return self._wanted[0]
