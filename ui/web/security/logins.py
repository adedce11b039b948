"""Failed logins slow down: those of one visitor more and more, and those of all visitors a little.

A visitor who has not failed is never locked out: the wait is two seconds at most, even while many others guess.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ui.web.security.bodies import Refusal

_FREE_FAILURES = 3
_LONGEST_DELAY = 30.0
_FORGET_SECONDS = 900.0
_MAX_CLIENTS = 10_000
_MAX_WAITING = 4
_GLOBAL_FAILURES = 60
_GLOBAL_DELAY = 2.0
"""Seconds that every login takes while more than 60 failed within a minute."""


@dataclass
class _Record:
    """Failures of one visitor, the time of the last, and the logins that wait for their turn."""

    failures: int = 0
    last: float = 0.0
    waiting: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class LoginGuard:
    """Delays before a login is looked at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Record] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=_GLOBAL_FAILURES + 1)

    def delay(self, client: str) -> float:
        """Return the seconds that the next login of a visitor waits."""
        record = self._clients.get(client, _Record())
        excess = record.failures - _FREE_FAILURES
        if self._clock() - record.last > _FORGET_SECONDS:
            excess = -1
        own = min(_LONGEST_DELAY, 2.0**excess) if excess >= 0 else 0.0
        busy = len(self._recent) > _GLOBAL_FAILURES and self._clock() - self._recent[0] < 60
        return max(own, _GLOBAL_DELAY if busy else 0.0)

    def note(self, client: str, failed: bool) -> None:
        """Note how a login of a visitor ended."""
        if not failed:
            self._clients.pop(client, None)
            return
        record = self._record(client)
        record.failures = record.failures + 1 if self._clock() - record.last <= _FORGET_SECONDS else 1
        record.last = self._clock()
        self._recent.append(record.last)

    def _record(self, client: str) -> _Record:
        record = self._clients.setdefault(client, _Record())
        self._clients.move_to_end(client)
        if len(self._clients) > _MAX_CLIENTS:
            self._clients.popitem(last=False)
        return record

    async def login(self, client: str, attempt: Callable[[], object]) -> None:
        """Wait, then run `attempt`, an async function that returns True if it failed. One login of a visitor at a time.

        Raises `Refusal` if more logins of the visitor wait than a person starts.
        """
        record = self._record(client)
        if record.waiting >= _MAX_WAITING:
            raise Refusal(429, "Too many logins at once. Wait a moment.")
        record.waiting += 1
        try:
            async with record.turn:
                await asyncio.sleep(self.delay(client))
                self.note(client, bool(await attempt()))  # type: ignore[misc]
        finally:
            record.waiting -= 1
