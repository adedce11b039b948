"""Micro-batching: results, batch sizes and errors of concurrent requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from retrieval.search.batching import MAX_BATCH, MicroBatcher


class SlowEncoder:
    """Doubles numbers slowly and keeps its batches; a negative number is an error."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.running = 0

    def __call__(self, batch_key: str, inputs: Sequence[int]) -> list[int]:
        self.running += 1
        assert self.running == 1, "two batches at once"
        time.sleep(0.05)
        self.batches.append((batch_key, list(inputs)))
        self.running -= 1
        if min(inputs) < 0:
            raise ValueError(f"{min(inputs)} is below zero")
        return [2 * item for item in inputs]


def submit_at_once(batcher: MicroBatcher, requests: list[tuple[str, list[int]]]) -> list[object]:
    """Return the results of all requests, submitted by threads at the same time, or their errors."""
    start = threading.Barrier(len(requests))

    def submit(batch_key: str, inputs: list[int]) -> object:
        start.wait()
        try:
            return batcher.submit(batch_key, inputs)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda request: submit(*request), requests))


def test_waiting_requests_are_encoded_together() -> None:
    """40 requests at once get their own results, in at most 6 batches of at most 32 inputs."""
    encoder = SlowEncoder()
    results = submit_at_once(MicroBatcher(encoder), [("text", [n, n + 100]) for n in range(40)])
    assert results == [[2 * n, 2 * n + 200] for n in range(40)]
    assert len(encoder.batches) <= 6
    assert max(len(inputs) for _, inputs in encoder.batches) <= MAX_BATCH


def test_kinds_are_not_mixed() -> None:
    encoder = SlowEncoder()
    results = submit_at_once(MicroBatcher(encoder), [("text" if n % 2 else "image", [n]) for n in range(12)])
    assert results == [[2 * n] for n in range(12)]
    assert all({n % 2 for n in inputs} == {int(batch_key == "text")} for batch_key, inputs in encoder.batches)


def test_an_error_fails_its_own_request_only() -> None:
    """The other requests of the batch get their results."""
    results = submit_at_once(MicroBatcher(SlowEncoder()), [("text", [n if n != 5 else -5]) for n in range(10)])
    assert results == [[2 * n] if n != 5 else "-5 is below zero" for n in range(10)]


def test_one_request_may_exceed_a_batch() -> None:
    assert MicroBatcher(SlowEncoder()).submit("text", list(range(100))) == [2 * n for n in range(100)]


def test_an_error_leaves_the_queue_usable() -> None:
    batcher = MicroBatcher(SlowEncoder())
    with pytest.raises(ValueError, match="below zero"):
        batcher.submit("text", [-1])
    assert batcher.submit("text", [4]) == [8]
