"""Long work that a visitor starts and all can watch: one piece at a time, with progress, and a way to stop it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from retrieval.errors import PanelseekError

log = logging.getLogger("panelseek.page")

State = Literal["idle", "running", "done", "failed", "stopped"]


class Stopped(Exception):
    """Raised inside the work when somebody asked to stop it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How the work stands. `total` 0 where nobody knows it; `text` says more; `problem` why it failed."""

    state: State = "idle"
    stage: str = ""
    done: int = 0
    total: int = 0
    text: str = ""
    seconds: float = 0.0
    problem: str = ""

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None


class Job:
    """At most one thread at work. Keeps nothing but the last moment and the last result."""

    def __init__(self, sentence: Callable[[PanelseekError], str]) -> None:
        self._sentence = sentence
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._moment = Moment()
        self._since = 0.0
        self.result: Any = None

    def start(self, work: Callable[[Job], Any]) -> bool:
        """Begin, unless something is at work already: False then."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return False
            self._stopping.clear()
            self._since, self._moment = time.monotonic(), Moment("running")
            self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            return True

    def _run(self, work: Callable[[Job], Any]) -> None:
        try:
            self.result = work(self)
            end = replace(self._moment, state="done")
        except Stopped:
            end = replace(self._moment, state="stopped")
        except PanelseekError as error:
            end = replace(self._moment, state="failed", problem=self._sentence(error))
        except Exception:
            log.exception("work started on the page failed")
            said = "It failed for a reason that is not known yet. Whoever started the server finds it in its log."
            end = replace(self._moment, state="failed", problem=said)
        self._moment = replace(end, seconds=time.monotonic() - self._since)

    def told(self, stage: str, done: int, total: int, text: str = "") -> None:
        """Note how far the work is; raises `Stopped` in it when it was asked to stop."""
        self._moment = Moment("running", stage, done, total, text)
        if self._stopping.is_set():
            raise Stopped

    def stop(self) -> None:
        """Ask the work to stop; it does at its next step."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> None:
        """Until nothing is at work, or the time is over."""
        if self._thread is not None:
            self._thread.join(seconds)

    def moment(self) -> Moment:
        now = self._moment
        return replace(now, seconds=time.monotonic() - self._since) if now.state == "running" else now
