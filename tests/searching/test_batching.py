"""Questions of many people, one encoder."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from retrieval.search.batching import MAX_BATCH, MicroBatcher


class Slow:
    """Doubles numbers, slowly, and remembers its batches; a number below zero is an error."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.inside = 0

    def __call__(self, kind: str, questions: Sequence[int]) -> list[int]:
        self.inside += 1
        assert self.inside == 1, "two batches at once"
        time.sleep(0.05)
        self.batches.append((kind, list(questions)))
        self.inside -= 1
        if min(questions) < 0:
            raise ValueError(f"{min(questions)} is below zero")
        return [2 * q for q in questions]


def ask_at_once(together: MicroBatcher, asked: list[tuple[str, list[int]]]) -> list[object]:
    """Everybody's answers, or their errors."""
    start = threading.Barrier(len(asked))

    def one(kind: str, questions: list[int]) -> object:
        start.wait()
        try:
            return together.submit(kind, questions)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda each: one(*each), asked))


def test_those_who_wait_go_together() -> None:
    """40 people at once: everybody gets their own answers, in a handful of batches of at most 32."""
    slow = Slow()
    answers = ask_at_once(MicroBatcher(slow), [("words", [n, n + 100]) for n in range(40)])
    assert answers == [[2 * n, 2 * n + 200] for n in range(40)]
    assert len(slow.batches) <= 6
    assert max(len(questions) for _, questions in slow.batches) <= MAX_BATCH


def test_kinds_do_not_mix() -> None:
    slow = Slow()
    answers = ask_at_once(MicroBatcher(slow), [("words" if n % 2 else "pictures", [n]) for n in range(12)])
    assert answers == [[2 * n] for n in range(12)]
    assert all({n % 2 for n in questions} == {int(kind == "words")} for kind, questions in slow.batches)


def test_a_bad_question_is_its_askers_alone() -> None:
    """The others in the batch get their answers."""
    answers = ask_at_once(MicroBatcher(Slow()), [("words", [n if n != 5 else -5]) for n in range(10)])
    assert answers == [[2 * n] if n != 5 else "-5 is below zero" for n in range(10)]


def test_more_than_a_batch_from_one_caller_is_answered() -> None:
    assert MicroBatcher(Slow()).submit("words", list(range(100))) == [2 * n for n in range(100)]


def test_an_error_leaves_the_line_usable() -> None:
    together = MicroBatcher(Slow())
    with pytest.raises(ValueError, match="below zero"):
        together.submit("words", [-1])
    assert together.submit("words", [4]) == [8]
