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
class IndexFiles:
    """The files of the ANN index of one view, in the folder of a generation."""

    folder: Path
    view: str

    @property
    def trained(self) -> Path:
        """File of what the training gave, without vectors."""
        return self.folder / f"{self.view}.trained.faiss"

    def part(self, number: int) -> Path:
        """Return the file of a part: the vectors of a range of vector rows."""
        return self.folder / f"{self.view}.{number:05d}.faiss"

    def parts(self) -> list[Path]:
        """Return the files of all parts, in order."""
        return sorted(self.folder.glob(f"{self.view}.[0-9]*.faiss"))


@dataclass(frozen=True, slots=True)
class PreviousIndex:
    """An ANN index of the same view in an earlier generation.

    ids, rows: (P,) of its panels. trained_on: vectors at its training. changed_since: vectors added or removed since.
    intact: whether one of its files is what was written.
    """

    files: IndexFiles
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    trained_on: int
    changed_since: int
    intact: Callable[[Path], bool]


class AnnIndex(Protocol):
    """An ANN index of one view. Its files are written part by part, so that memory does not grow with the view."""

    @classmethod
    def build(cls, content: IndexInput, files: IndexFiles) -> Self:
        """Train an index, and write it with all vectors."""
        ...

    @classmethod
    def update(cls, content: IndexInput, previous: PreviousIndex, files: IndexFiles) -> tuple[Self, int] | None:
        """Write the updated previous index; return it and the vectors changed since its training.

        A part without changes is a link to the previous file: it is neither read nor written. None: build a new index.
        """
        ...

    @classmethod
    def open(cls, files: IndexFiles, count: int) -> Self:
        """Open an index of `count` vectors. Raises `IndexDamaged`."""
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
