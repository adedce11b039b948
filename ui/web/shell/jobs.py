"""Long work that one visitor starts and all can watch: one job at a time, with progress, and stoppable."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from retrieval.errors import PanelseekError
from retrieval.progress import Progress, ProgressCallback
from ui.web.shell.messages import JOB_CRASHED

log = logging.getLogger("panelseek.web")

State = Literal["idle", "running", "done", "failed", "stopped"]


class JobStopped(Exception):
    """Raised inside the work when a visitor stopped the job."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """State of a job. progress: its last report. seconds: since it began. problem: why it failed, as a sentence."""

    state: State = "idle"
    progress: Progress = field(default_factory=lambda: Progress(""))
    seconds: float = 0.0
    problem: str = ""

    @property
    def share(self) -> float | None:
        """Return the share of the stage that is done, 0 to 1; None while the total is unknown."""
        done, total = self.progress.done, self.progress.total
        return min(1.0, done / total) if total else None

    @property
    def count(self) -> str:
        """Return how much of the stage is done, "" if there is nothing to count."""
        done, total = self.progress.done, self.progress.total
        return f"{done:,} of {total:,}" if total > 1 else ""


class Job:
    """At most one thread at work. Keeps only the last status and the last result."""

    def __init__(self, describe_error: Callable[[PanelseekError], str]) -> None:
        self._describe_error = describe_error
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._status = JobStatus()
        self._since = 0.0
        self.result: Any = None

    def start(self, work: Callable[[ProgressCallback], Any]) -> bool:
        """Start the work in a thread, with `report` as its progress callback. False if a job is running already."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return False
            self._stopping.clear()
            self._since, self._status = time.monotonic(), JobStatus("running")
            self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            return True

    def _run(self, work: Callable[[ProgressCallback], Any]) -> None:
        try:
            self.result = work(self.report)
            end = replace(self._status, state="done")
        except JobStopped:
            end = replace(self._status, state="stopped")
        except PanelseekError as error:
            end = replace(self._status, state="failed", problem=self._describe_error(error))
        except Exception:
            log.exception("a job of the web app failed")
            end = replace(self._status, state="failed", problem=JOB_CRASHED)
        self._status = replace(end, seconds=time.monotonic() - self._since)

    def report(self, progress: Progress) -> None:
        """Note the progress of the work. Raises `JobStopped` in it if it was stopped."""
        self._status = JobStatus("running", progress)
        if self._stopping.is_set():
            raise JobStopped

    def stop(self) -> None:
        """Stop the work at its next progress report."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the work has ended, at most so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def status(self) -> JobStatus:
        """Return the status, with the seconds that a running job has taken so far."""
        status = self._status
        return replace(status, seconds=time.monotonic() - self._since) if status.state == "running" else status
