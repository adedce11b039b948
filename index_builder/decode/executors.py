"""Page executors: where pages are decoded. All return results in the order of the tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, Self, TypeVar

from index_builder.decode.decode import decode_page
from index_builder.decode.records import DecodeResult, DecodeSettings, PageTask
from index_builder.decode.workers import WorkerPool

Tag = TypeVar("Tag")


class PageExecutor(Protocol):
    """Decodes pages. Use it as a context manager."""

    def __enter__(self) -> Self:
        """Return the executor."""
        ...

    def __exit__(self, *_: object) -> None:
        """Stop all decoding."""
        ...

    def decode(self, tasks: Iterable[tuple[Tag, PageTask]]) -> Iterator[tuple[Tag, DecodeResult]]:
        """Return the result of each task with its tag, in the order of the tasks."""
        ...


ExecutorFactory = Callable[[int, DecodeSettings], PageExecutor]
"""Returns an executor for a number of worker processes and the settings of a build."""


class InlineExecutor:
    """Decoding in this process, one page after the other."""

    def __init__(self, settings: DecodeSettings) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def decode(self, tasks: Iterable[tuple[Tag, PageTask]]) -> Iterator[tuple[Tag, DecodeResult]]:
        """Return the result of each task with its tag, in the order of the tasks."""
        return ((tag, decode_page(task, self._settings)) for tag, task in tasks)


def make_executor(workers: int, settings: DecodeSettings) -> PageExecutor:
    """Return an executor with this many worker processes; 0 decodes in this process."""
    return WorkerPool(workers, settings) if workers else InlineExecutor(settings)
