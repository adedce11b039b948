"""Publishing: a stopped or running build can be searched, because it switches to a new generation as it goes.

The first generation comes `FIRST_SECONDS` after the start, each further one when the build has taken `GROWTH` times as
long. A publication waits for the end of the book in hand, and is left out where all of them would take more than
`SHARE` of the build.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from index_builder.write.derive import publish_generation
from index_builder.write.store import WritableIndex
from retrieval.progress import no_progress

FIRST_SECONDS = 20.0
"""Seconds from the start of a build to its first publication."""

GROWTH = 1.5
"""Factor from the time of one publication, in seconds since the start, to that of the next."""

SHARE = 0.05
"""Part of the time of a build that publishing may take."""

_PATIENCE = 0.75
"""Part of the time since the last publication that a publication waits for the end of a book."""


_ROWS_PER_SECOND = 20_000
"""Vector rows that the first publication of an index that is searched already is expected to take in a second."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication: when it began and how long it took, in seconds, and the panels written before it."""

    at: float
    seconds: float
    panels: int


class Publisher:
    """Publishes what a build has written so far. since: when the build began, on `clock`."""

    def __init__(
        self, index: WritableIndex, options: dict[str, Any], since: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._index = index
        self._options = options
        self._since = since
        self._clock = clock
        self._rows_before = index.next_row()
        self._is_searched = index.catalog.settings().generation is not None
        self._done: list[Publication] = []

    @property
    def searchable(self) -> int:
        """Panels of this build that can be searched."""
        return self._done[-1].panels if self._done else 0

    def is_due(self, panels: int, *, between_books: bool) -> bool:
        """Return True if it is time to publish. panels: written by this build. between_books: no book is cut."""
        now = self._clock() - self._since
        last = self._done[-1].at if self._done else 0.0
        due = last * GROWTH if self._done else FIRST_SECONDS
        if now < due or (not between_books and now < due + _PATIENCE * (due - last)):
            return False
        return panels > self.searchable and now >= self._least_seconds(panels)

    def publish(self, panels: int) -> None:
        """Write a generation of the panels written so far, and switch to it."""
        began = self._clock()
        publish_generation(self._index, self._options, no_progress)
        self._done.append(Publication(began - self._since, self._clock() - began, panels))

    def _least_seconds(self, panels: int) -> float:
        """Return the seconds that a build must have taken for one more publication to stay within the share."""
        if not self._done:
            return self._rows_before / _ROWS_PER_SECOND / SHARE if self._is_searched else 0.0
        last = self._done[-1]
        growth = (self._rows_before + panels) / (self._rows_before + last.panels)
        return (sum(each.seconds for each in self._done) + last.seconds * growth) / SHARE
