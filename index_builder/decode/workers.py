"""Pages decoded side by side, handed back in order, never more than a few ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from loky import ProcessPoolExecutor

from index_builder.decode.decode import DecodedPage, DecodeError, PageTask, decode_page, prepare_worker

Tag = TypeVar("Tag")
Outcome = DecodedPage | DecodeError

_TASKS_PER_WORKER = 4
"""Pages in flight per worker: enough to keep it busy, few enough to bound memory."""

_CRASH = DecodeError("the decoder crashed on it, most likely for want of memory; lower --max-pixels or --workers")


class PageDecoder(Generic[Tag]):
    """A pool of decoding processes that survives the crash of one. Use as a context manager."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: Any = None

    def __enter__(self) -> PageDecoder[Tag]:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def decode(self, tasks: Iterable[tuple[Tag, PageTask]]) -> Iterator[tuple[Tag, Outcome]]:
        """Each page with its tag, in the order of `tasks`."""
        if self._workers == 0:
            yield from ((tag, decode_page(task)) for tag, task in tasks)
            return
        waiting: deque[tuple[Tag, PageTask, Future[Outcome]]] = deque()
        for tag, task in tasks:
            waiting.append((tag, task, self._submit_anyway(task)))
            if len(waiting) >= _TASKS_PER_WORKER * self._workers:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[Tag, PageTask, Future[Outcome]]]) -> tuple[Tag, Outcome]:
        tag, task, future = waiting.popleft()
        try:
            return tag, future.result()
        except BrokenProcessPool:
            # one page took its process down and every page in flight with it: find out which, one by one
            self._stop()
            found = self._alone(task)
            again = [(t, k, self._ready(self._alone(k))) for t, k, _ in waiting]
            waiting.clear()
            waiting.extend(again)
            return tag, found

    def _alone(self, task: PageTask) -> Outcome:
        """Decode one page with nothing else in flight; a second crash is this page's own."""
        try:
            return self._submit(task).result()
        except BrokenProcessPool:
            self._stop()
            return _CRASH

    @staticmethod
    def _ready(outcome: Outcome) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        future.set_result(outcome)
        return future

    def _submit(self, task: PageTask) -> Future[Outcome]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, initializer=prepare_worker, initargs=(os.getpid(),))
        future: Future[Outcome] = self._pool.submit(decode_page, task)
        return future

    def _submit_anyway(self, task: PageTask) -> Future[Outcome]:
        """Submit also where a worker died since the last look; what was in flight is found out in its turn."""
        try:
            return self._submit(task)
        except BrokenProcessPool:
            self._stop()
            return self._submit(task)

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None
