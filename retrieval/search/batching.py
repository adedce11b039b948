"""Micro-batching: concurrent queries share one encoder pass.

While one batch is encoded, the requests of other callers queue. The first of them then encodes the next batch for all,
up to `MAX_BATCH` inputs. No request waits for others to arrive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_BATCH = 32
"""Inputs of one batch: as many as a build encodes at once."""


@dataclass(slots=True)
class _Request:
    """The inputs of one caller, and their results once they are encoded."""

    batch_key: Any
    inputs: Sequence[Any]
    done: threading.Event = field(default_factory=threading.Event)
    results: Sequence[Any] = ()
    error: Exception | None = None


class MicroBatcher:
    """Batching of calls of `encode(batch_key, inputs)`, which returns one result for each input, in order."""

    def __init__(self, encode: Callable[[Any, Sequence[Any]], Sequence[Any]]) -> None:
        self._encode = encode
        self._queue: list[_Request] = []
        self._queue_lock = threading.Lock()
        self._encode_lock = threading.Lock()

    def submit(self, batch_key: Any, inputs: Sequence[Any]) -> Sequence[Any]:
        """Return the results of `inputs`, encoded together with waiting inputs that have the same batch key.

        Raises what `encode` raised for them. An error in one request does not fail the others in its batch.
        """
        request = _Request(batch_key, inputs)
        with self._queue_lock:
            self._queue.append(request)
        with self._encode_lock:
            while not request.done.is_set():
                self._process(self._next_batch())
        if request.error is not None:
            raise request.error
        return request.results

    def _next_batch(self) -> list[_Request]:
        """Take the first request from the queue, and those with its batch key that fit into the batch."""
        with self._queue_lock:
            batch_key, room = self._queue[0].batch_key, MAX_BATCH
            batch: list[_Request] = []
            for request in list(self._queue):
                if request.batch_key == batch_key and (not batch or len(request.inputs) <= room):
                    batch.append(request)
                    room -= len(request.inputs)
                    self._queue.remove(request)
            return batch

    def _process(self, batch: list[_Request]) -> None:
        try:
            results = self._encode(batch[0].batch_key, [item for request in batch for item in request.inputs])
            start = 0
            for request in batch:
                request.results = results[start : start + len(request.inputs)]
                start += len(request.inputs)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            else:
                for request in batch:  # encoded one by one, so that only the failing request has the error
                    self._process([request])
        finally:
            for request in batch:
                request.done.set()
