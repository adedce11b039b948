"""Pool of worker processes that decode pages in order, never more than a few ahead, and survive a crash."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Self, TypeVar

from loky import ProcessPoolExecutor

from index_builder.decode.decode import decode_page
from index_builder.decode.records import DecodeError, DecodeResult, DecodeSettings, PageTask
from retrieval.errors import ResourceError, system_hint, system_problem

Tag = TypeVar("Tag")

_TASKS_PER_WORKER = 4
"""Pages in flight per worker: enough to keep it busy, few enough to bound memory."""

_CRASH = DecodeError("the decoder crashed on it, most likely for lack of memory; lower --max-pixels or --workers")

_PARENT_CHECK_SECONDS = 0.5


class WorkerPool:
    """Worker processes that decode pages; a page that crashes its process costs only itself."""

    def __init__(self, workers: int, settings: DecodeSettings) -> None:
        self._workers = workers
        self._settings = settings
        self._pool: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def decode(self, tasks: Iterable[tuple[Tag, PageTask]]) -> Iterator[tuple[Tag, DecodeResult]]:
        """Return the result of each task with its tag, in the order of the tasks."""
        waiting: deque[tuple[Tag, PageTask, Future[DecodeResult]]] = deque()
        for tag, task in tasks:
            waiting.append((tag, task, self._submit_after_crash(task)))
            if len(waiting) >= _TASKS_PER_WORKER * self._workers:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[Tag, PageTask, Future[DecodeResult]]]) -> tuple[Tag, DecodeResult]:
        tag, task, future = waiting.popleft()
        try:
            return tag, future.result()
        except BrokenProcessPool:
            # one page crashed its process, and every page in flight with it: decode them one by one to find it
            self._stop()
            result = self._decode_alone(task)
            retried = [(t, k, _done(self._decode_alone(k))) for t, k, _ in waiting]
            waiting.clear()
            waiting.extend(retried)
            return tag, result

    def _decode_alone(self, task: PageTask) -> DecodeResult:
        """Decode one page with nothing else in flight; a crash is then caused by this page."""
        try:
            return self._submit(task).result()
        except BrokenProcessPool:
            self._stop()
            return _CRASH

    def _submit(self, task: PageTask) -> Future[DecodeResult]:
        if self._pool is None:
            self._pool = self._start()
        future: Future[DecodeResult] = self._pool.submit(decode_page, task, self._settings)
        return future

    def _start(self) -> Any:
        """Return a new pool. Raises `ResourceError` if the system has no room for its processes and semaphores."""
        try:
            return ProcessPoolExecutor(self._workers, initializer=prepare_worker, initargs=(os.getpid(),))
        except OSError as error:
            problem = f"worker processes cannot be started ({system_problem(error)})"
            raise ResourceError(problem, error.filename, f"use --workers 0, or {system_hint(error)}") from error

    def _submit_after_crash(self, task: PageTask) -> Future[DecodeResult]:
        """Submit a page, with a new pool if a worker died since the last one; pages in flight are checked later."""
        try:
            return self._submit(task)
        except BrokenProcessPool:
            self._stop()
            return self._submit(task)

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def prepare_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent process, and exit when it does, also after kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()
    try:
        import cv2

        cv2.setNumThreads(1)  # the processes already use all cores
    except ImportError:
        pass


def _exit_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


def _done(result: DecodeResult) -> Future[DecodeResult]:
    future: Future[DecodeResult] = Future()
    future.set_result(result)
    return future
