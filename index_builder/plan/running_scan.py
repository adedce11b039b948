"""A scan in progress: a first build decodes the pages found so far before it scans further books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from index_builder.plan.plan import PageJob, Plan


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
        """Return all jobs in order. Whenever those found so far are used up, the next book is scanned."""
        return self.plan.read(self._scan_more)

    def _scan_more(self) -> bool:
        if not self.finished:
            self._step()
            return True
        return False

    def _step(self) -> None:
        with self._stage():
            self.finished = next(self._steps, self) is self
