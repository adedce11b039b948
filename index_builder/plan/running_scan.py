"""A scan in progress: a first build decodes the pages found so far before it scans further books."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from index_builder.plan.plan import PageJob, Plan

AHEAD = 0.2
"""Part of the time in which books are scanned ahead of the pages, so that the number of all pages is known soon."""


class RunningScan:
    """The scan of a build, continued when needed. finished: True when all books are in the plan.

    steps: see `scan_books`. stage: makes the block in which a step is timed. report: called with the number of pages
    after each book, until pages are decoded.
    """

    def __init__(
        self,
        plan: Plan,
        steps: Iterator[None],
        stage: Callable[[], AbstractContextManager[None]],
        report: Callable[[int], None],
    ) -> None:
        self.plan = plan
        self.finished = False
        self._steps = steps
        self._stage = stage
        self._report = report
        self._seconds = 0.0

    def until(self, enough: Callable[[], bool]) -> None:
        """Scan book after book until enough is known, or to the end."""
        while not self.finished and not enough():
            self._step()
            if not self.finished:
                self._report(self.plan.pages)

    def finish(self) -> None:
        """Scan to the end."""
        self.until(lambda: False)

    def jobs(self) -> Iterator[PageJob]:
        """Return all jobs in order; scan the next book when those found so far are used up, and now and then before."""
        began = time.monotonic()
        for job in self.plan.read(self._scan_more):
            while not self.finished and self._seconds < AHEAD * (time.monotonic() - began):
                self._step()
            yield job

    def _scan_more(self) -> bool:
        if not self.finished:
            self._step()
            return True
        return False

    def _step(self) -> None:
        began = time.monotonic()
        with self._stage():
            self.finished = next(self._steps, self) is self
        self._seconds += time.monotonic() - began
