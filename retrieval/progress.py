"""Progress reports of long-running work: one shape for building, deriving, encoding, training and evaluating."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """State of one stage of long-running work.

    stage: name of the stage, such as "encode". done, total: finished units and units in all; total is 0 while unknown.
    unit: what is counted, such as "pages". rate: units per second since the stage began, 0.0 while unknown.
    detail: further text for a person, such as "120 panels".
    """

    stage: str
    done: int = 0
    total: int = 0
    unit: str = ""
    rate: float = 0.0
    detail: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Estimate the rest of the stage in seconds; None while rate or total are unknown."""
        return (self.total - self.done) / self.rate if self.total and self.rate > 0 else None


ProgressCallback = Callable[[Progress], None]
"""Receives the state of long-running work. An exception raised in it cancels the work."""


def no_progress(progress: Progress) -> None:
    """Ignore a progress report: the default callback."""


class StageProgress:
    """Reports of one stage to a callback, with the rate measured since the stage began."""

    def __init__(self, callback: ProgressCallback, stage: str, unit: str = "", total: int = 0) -> None:
        self._callback = callback
        self._stage = stage
        self._unit = unit
        self._total = total
        self._since = time.monotonic()

    def __call__(self, done: int, total: int | None = None, detail: str = "") -> None:
        """Report `done` finished units; `total` replaces the total given at the start."""
        self._total = self._total if total is None else total
        elapsed = time.monotonic() - self._since
        rate = done / elapsed if elapsed > 0 else 0.0
        self._callback(Progress(self._stage, done, self._total, self._unit, rate, detail))
