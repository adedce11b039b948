"""Times and recall of several searches, which take turns in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.records import View
from retrieval.store.scoring import top
from retrieval.store.vectors import VectorStore

Search = Callable[[Any], list[int]]
"""Returns the ids of panels for one (512,) query."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each query, and the ids that were found."""

    milliseconds: NDArray[np.float64]
    ids: list[list[int]]

    def within(self, share: float) -> float:
        """Return the milliseconds within which this share of the queries was answered."""
        return float(np.quantile(self.milliseconds, share))

    def recall(self, truth: Sequence[Sequence[int]]) -> float:
        """Return the share of the true ids that the first queries found."""
        return float(np.mean([len(set(own) & set(ids)) / len(ids) for own, ids in zip(self.ids, truth, strict=False)]))


def in_turn(searches: Mapping[str, Search], queries: Any, warm: int = 5) -> dict[str, Measured]:
    """Ask each search every query, one at a time; who goes first changes. warm: queries that are not counted.

    All queries are asked before they are timed, so that each search has read its files.
    """
    names = list(searches)
    for query in [*queries[:warm], *queries]:
        for name in names:
            searches[name](query)
    found: dict[str, tuple[list[float], list[list[int]]]] = {name: ([], []) for name in names}
    for number, query in enumerate(queries):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            ids = searches[name](query)
            found[name][0].append(1000 * (time.perf_counter() - began))
            found[name][1].append(ids)
    return {name: Measured(np.array(times), ids) for name, (times, ids) in found.items()}


def stored_vectors(
    store: VectorStore, ids: NDArray[np.int64], rows: NDArray[np.int64], size: int = 8_192
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (ids, vectors) of all panels in the picture view, with their regions, in blocks of about `size` vectors."""
    per_panel = 1 + store.regions
    step = max(1, size // per_panel)
    for start in range(0, len(rows), step):
        part, names = rows[start : start + step], ids[start : start + step]
        vectors = store.read(View.PICTURE, part)[:, None]
        if store.regions:
            regions = store.read_regions(part).reshape(len(part), store.regions, -1)
            vectors = np.concatenate([vectors, regions], axis=1)
        yield np.repeat(names, per_panel), vectors.reshape(len(part) * per_panel, -1)


def nearest(scores: NDArray[np.float32], ids: NDArray[np.int64], count: int) -> list[list[int]]:
    """Return the ids of the `count` highest scores of each row of (Q, P) scores."""
    return [[int(ids[place]) for place in top(row, ids, count)] for row in scores]
