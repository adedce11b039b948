"""Progress of a build, also for readers of its index."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from retrieval.build_state import write_build_state
from retrieval.progress import Progress, ProgressCallback

_FIRST_SECONDS = 5.0
"""Seconds before the first state is stored: a short build stores none."""

_EVERY_SECONDS = 2.0


class StateReports:
    """A progress callback that also stores the progress in the index now and then."""

    def __init__(self, folder: Path, callback: ProgressCallback, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._callback = callback
        self._clock = clock
        self._next = clock() + _FIRST_SECONDS

    def __call__(self, progress: Progress) -> None:
        """Store the progress if it is time, and hand it on."""
        if self._clock() >= self._next:
            write_build_state(self._folder, progress)
            self._next = self._clock() + _EVERY_SECONDS
        self._callback(progress)
