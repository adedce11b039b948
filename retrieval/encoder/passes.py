"""Passes through the branches: texts of like length together, and the next batch prepared ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_TEXTS, MOST_TEXTS_GPU = 32, 256
"""Texts of one pass at most."""

PASS_TOKENS, PASS_TOKENS_GPU = 16, 4_096
"""Tokens that take as long as one more pass. A GPU reads many texts nearly as fast as few."""


def text_passes(lengths: Sequence[int], *, on_cpu: bool) -> list[slice]:
    """Return the passes for texts with these numbers of tokens, in ascending order; all texts of a pass are padded.

    They take the least time in all, as far as it is the number of tokens with padding and a fixed cost of each pass.
    """
    most, fixed = (MOST_TEXTS, PASS_TOKENS) if on_cpu else (MOST_TEXTS_GPU, PASS_TOKENS_GPU)
    least, begins = [0], [0]  # for the first texts: the cost, and where the last pass begins
    for end in range(1, len(lengths) + 1):
        starts = range(max(0, end - most), end)
        begin = min(starts, key=lambda start: least[start] + (end - start) * lengths[end - 1])
        least.append(least[begin] + (end - begin) * lengths[end - 1] + fixed)
        begins.append(begin)
    passes, end = list[slice](), len(lengths)
    while end:
        passes.append(slice(begins[end], end))
        end = begins[end]
    return passes[::-1]


def one_ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Return `function` of each item, in order; that of the next item is computed while one is in use."""
    with ThreadPoolExecutor(1) as thread:
        before = None
        for item in items:
            ahead = thread.submit(function, item)
            if before is not None:
                yield before.result()
            before = ahead
        yield from [] if before is None else [before.result()]
