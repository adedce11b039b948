"""Shares of something limited, such as places for requests: how much one visitor may hold, and all together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from ui.web.security.bodies import Refusal

_POLL_SECONDS = 0.2
_MAX_WAITING = 36
"""Requests of one visitor that wait for a place; each holds a connection, which others need as well."""


class Shares:
    """At most `each` for one visitor and `total` for all. outside: what is taken elsewhere and counts as well."""

    def __init__(self, each: int, total: int, wait: float, outside: Callable[[], int] = lambda: 0) -> None:
        self._each, self._total, self._seconds = each, total, wait
        self._waiting: Counter[str] = Counter()
        self._outside = outside
        self._taken: Counter[str] = Counter()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def take(self, client: str, amount: int = 1) -> AsyncIterator[None]:
        """Hold an amount until the block ends. Raises `Refusal` if it is not free in time."""
        amount = min(amount, self._each)
        end = asyncio.get_running_loop().time() + self._seconds
        if not self._is_free(client, amount):
            await self._wait(client, amount, end)
        self._taken[client] += amount
        try:
            yield
        finally:
            self._taken[client] -= amount
            if not self._taken[client]:
                del self._taken[client]
            self._changed.set()
            self._changed = asyncio.Event()

    def _is_free(self, client: str, amount: int) -> bool:
        used = self._taken.total() + self._outside()
        if used and used + amount > self._total:
            return False
        return client not in self._taken or self._taken[client] + amount <= self._each

    async def _wait(self, client: str, amount: int, end: float) -> None:
        if self._waiting[client] >= _MAX_WAITING:
            raise _busy()
        self._waiting[client] += 1
        try:
            while not self._is_free(client, amount):
                await self._wait_for_change(end)
        finally:
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client]

    async def _wait_for_change(self, end: float) -> None:
        left = end - asyncio.get_running_loop().time()
        if left <= 0:
            raise _busy()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), min(left, _POLL_SECONDS))


def _busy() -> Refusal:
    return Refusal(503, "The server is busy. Try again in a moment.")
