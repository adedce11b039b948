"""Questions of many people go through one encoder together.

While one batch is being encoded, those who ask meanwhile wait in line; whoever is first in line afterwards takes
everybody's questions along. Nobody waits for others to come, and no more than `MAX_BATCH` go at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_BATCH = 32
"""Questions of one batch: as many as a build encodes at once."""


@dataclass(slots=True)
class _Request:
    """One caller's questions, and their answers once there are some."""

    kind: Any
    questions: Sequence[Any]
    done: threading.Event = field(default_factory=threading.Event)
    answers: Sequence[Any] = ()
    error: Exception | None = None


class MicroBatcher:
    """Batches calls of `encode(kind, questions)`, which answers each question with one item, in order."""

    def __init__(self, encode: Callable[[Any, Sequence[Any]], Sequence[Any]]) -> None:
        self._encode = encode
        self._waiting: list[_Request] = []
        self._line = threading.Lock()
        self._encoding = threading.Lock()

    def submit(self, kind: Any, questions: Sequence[Any]) -> Sequence[Any]:
        """The answers to `questions`; raises what `encode` raised. A failure of somebody else's is not ours."""
        mine = _Request(kind, questions)
        with self._line:
            self._waiting.append(mine)
        with self._encoding:
            while not mine.done.is_set():
                self._answer(self._next())
        if mine.error is not None:
            raise mine.error
        return mine.answers

    def _next(self) -> list[_Request]:
        """The first in line and those behind who ask in the same way, as far as there is room."""
        with self._line:
            kind, room = self._waiting[0].kind, MAX_BATCH
            taken: list[_Request] = []
            for asked in list(self._waiting):
                if asked.kind == kind and (not taken or len(asked.questions) <= room):
                    taken.append(asked)
                    room -= len(asked.questions)
                    self._waiting.remove(asked)
            return taken

    def _answer(self, taken: list[_Request]) -> None:
        try:
            answers = self._encode(taken[0].kind, [question for asked in taken for question in asked.questions])
            start = 0
            for asked in taken:
                asked.answers = answers[start : start + len(asked.questions)]
                start += len(asked.questions)
        except Exception as error:
            if len(taken) == 1:
                taken[0].error = error
            else:
                for asked in taken:  # whose question it was is found out by asking one by one
                    self._answer([asked])
        finally:
            for asked in taken:
                asked.done.set()
