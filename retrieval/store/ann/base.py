"""Interface of an approximate nearest-neighbour (ANN) index of one view, and what it is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.progress import ProgressCallback, no_progress

CANDIDATES = 400
"""Vectors taken from an ANN index for each query vector, to be scored exactly."""

Blocks = Callable[[NDArray[np.int64]], Iterator[tuple[int, NDArray[np.float32]]]]
"""Reads (start, (n, 512) vectors) blocks for the given positions of a view."""


@dataclass(frozen=True, slots=True)
class IndexInput:
    """The vectors that an ANN index of a view has to hold.

    ids, rows: (P,) int64 panel ids, sorted, and vector rows. per_panel: vectors of each panel. blocks: reads vectors
    by position; those of one panel stand together, in the order of the ids.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    per_panel: int
    blocks: Blocks
    progress: ProgressCallback = no_progress

    @property
    def count(self) -> int:
        """Number of vectors."""
        return self.per_panel * len(self.ids)


@dataclass(frozen=True, slots=True)
class PreviousIndex:
    """An ANN index of the same view in an earlier generation.

    ids, rows: (P,) of its panels. trained_on: vectors at its training. changed_since: vectors added or removed since.
    trained_recall: recall@10 after its training.
    """

    path: Path
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    trained_on: int
    changed_since: int
    trained_recall: float


class AnnIndex(Protocol):
    """An ANN index of one view."""

    @classmethod
    def build(cls, content: IndexInput) -> Self:
        """Train an index and add all vectors."""
        ...

    @classmethod
    def update(cls, content: IndexInput, previous: PreviousIndex) -> tuple[Self, int] | None:
        """Return the updated previous index and the vectors changed since its training; None to build a new one."""
        ...

    @classmethod
    def open(cls, path: Path, count: int) -> Self:
        """Open a file with `count` vectors. Raises `IndexDamaged`."""
        ...

    def write(self, path: Path) -> None:
        """Write the index to a file."""
        ...

    @property
    def count(self) -> int:
        """The number of vectors in the index: those of the view that are not zeros."""
        ...

    @property
    def max_effort(self) -> int:
        """The effort at which every vector is compared."""
        ...

    @property
    def default_effort(self) -> int:
        """The effort of a search without another one."""
        ...

    def ids(self) -> NDArray[np.int64]:
        """Return the sorted, unique panel ids in the index."""
        ...

    def search(
        self,
        queries: NDArray[np.float32],
        count: int,
        effort: int | None = None,
        allowed: NDArray[np.int64] | None = None,
    ) -> list[NDArray[np.int64]]:
        """Return the sorted ids of the panels of up to `count` vectors for each of (Q, 512) queries.

        effort: 1 to `max_effort`. allowed: ids that may be found, None for all.
        """
        ...
