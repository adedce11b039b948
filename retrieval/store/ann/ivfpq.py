"""FAISS IVF-PQ index of one view; small views are searched exactly instead.

Choices and their reasons (measured by `benchmarks/vector_search.py`):

- `IVF{4 sqrt N},PQ64`, L2 on unit vectors: 64 bytes a vector. PQ alone cannot rank the nearest panels, so candidates
  are scored again from the stored float16 vectors and the index only has to contain them.
- PQ encodes the vectors themselves, not residuals to their list (`by_residual=False`). Recall is the same after 400
  candidates are scored exactly, and there is no table per list (64 x 256 floats) to hold or to compute.
- FAISS is imported where it is used: `panelseek info`, and a search in a small index, start without it.
- Files are memory-mapped, so lists are resident only while they are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged, UsageError
from retrieval.progress import Progress
from retrieval.store.ann.base import Blocks, IndexInput, PreviousIndex
from retrieval.store.hints import REPAIR_HINT

IndexType = Literal["exact", "ivfpq"]

SUBQUANTIZERS = 64
"""PQ subquantizers, one byte each."""

CENTROIDS = 256
"""Centroids of each subquantizer."""

POINTS_PER_CENTROID = 39
"""Training points that FAISS expects per centroid (`ClusteringParameters.min_points_per_centroid`)."""

MIN_IVFPQ_VECTORS = POINTS_PER_CENTROID * CENTROIDS
"""Vectors (9,984) from which PQ can be trained as FAISS expects; below, exact search is as fast."""

MAX_CHANGED_FRACTION = 0.5
"""Retrain once additions plus removals exceed this fraction of the training size."""

_MAX_TRAINING = 131_072
_SEED = 20_261_122


_WRITE_BYTES = 2**20
"""Bytes of the index written at once."""


def choose_index_type(count: int, requested: str) -> IndexType:
    """Return the type of index for `count` vectors; `requested` is auto, exact or ivfpq.

    IVF-PQ needs at least one vector per PQ centroid; below that search is exact even if IVF-PQ is requested.
    """
    if requested not in ("auto", "exact", "ivfpq"):
        raise UsageError(f"no index kind is called {requested!r}", hint="choose auto, exact or ivfpq")
    if requested == "exact" or count < CENTROIDS:
        return "exact"
    return "ivfpq" if requested == "ivfpq" or count >= MIN_IVFPQ_VECTORS else "exact"


def list_count(count: int) -> int:
    """Return the number of inverted lists: 4 sqrt(N), fewer if that leaves under 39 vectors to train each."""
    return max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_CENTROID))


def default_nprobe(lists: int) -> int:
    """Return the number of lists to search: a sixteenth of them, at least 16."""
    return min(lists, max(16, lists // 16))


@dataclass(frozen=True, slots=True)
class IvfPq:
    """An IVF-PQ index of one view; its effort is the number of lists searched (nprobe)."""

    index: Any

    @classmethod
    def build(cls, content: IndexInput) -> Self:
        """Train on a sample and add all vectors under the panels' own ids, which repeat for several vectors.

        Memory is bounded by the sample.
        """
        import faiss

        lists = list_count(content.count)
        index = faiss.IndexIVFPQ(faiss.IndexFlatL2(DIMENSION), DIMENSION, lists, SUBQUANTIZERS, 8)
        index.by_residual = False
        for clustering in (index.cp, index.pq.cp):
            clustering.min_points_per_centroid = 1  # small indexes are requested on purpose; no warning
            clustering.seed = _SEED
        content.progress(Progress("training", unit="vectors"))
        sample = _training_sample(content.count, lists, content.blocks)
        # too few with a direction: repeated, since FAISS needs one vector per centroid
        index.train(sample if len(sample) >= CENTROIDS else np.resize(sample, (CENTROIDS, DIMENSION)))
        _add(index, content, np.arange(len(content.ids)))
        return cls(index)

    @classmethod
    def update(cls, content: IndexInput, previous: PreviousIndex) -> tuple[Self, int] | None:
        """Return the previous index with removed and added panels, and the vectors changed since its training.

        None if more than half of the training size changed: its lists and codes would fit badly.
        """
        import faiss

        ids, rows = np.asarray(previous.ids), np.asarray(previous.rows)
        added = ~_membership(content.ids, content.rows, ids, rows)
        removed = ~_membership(ids, rows, content.ids, content.rows)
        changed = previous.changed_since + content.per_panel * (int(added.sum()) + int(removed.sum()))
        if changed > MAX_CHANGED_FRACTION * previous.trained_on:
            return None
        index = faiss.read_index(str(previous.path))
        if removed.any():
            index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids[removed])))
        _add(index, content, np.nonzero(added)[0])
        return cls(index), changed

    @classmethod
    def open(cls, path: Path, count: int) -> Self:
        """Open a file, memory-mapped. Raises `IndexDamaged` if it is not such an index of `count` vectors."""
        import faiss

        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexDamaged("the file is not a readable FAISS index", path, REPAIR_HINT) from error
        if not isinstance(index, faiss.IndexIVFPQ) or index.d != DIMENSION or index.ntotal != count:
            problem = f"the file has {index.ntotal} vectors of {index.d} numbers; expected {count} of {DIMENSION}"
            raise IndexDamaged(problem, path, REPAIR_HINT)
        return cls(index)

    def write(self, path: Path) -> None:
        """Write the index to a file. Raises `OSError`, which FAISS's own writer does not if the disk is full."""
        import faiss

        with path.open("wb") as file:
            writer = faiss.PyCallbackIOWriter(file.write, _WRITE_BYTES)  # type: ignore[attr-defined]
            faiss.write_index(self.index, writer)

    @property
    def count(self) -> int:
        """The number of vectors."""
        return int(self.index.ntotal)

    @property
    def max_effort(self) -> int:
        """The number of inverted lists."""
        return int(self.index.nlist)

    @property
    def default_effort(self) -> int:
        """The number of lists searched by default."""
        return default_nprobe(self.max_effort)

    def ids(self) -> NDArray[np.int64]:
        """Return the sorted, unique panel ids in the inverted lists."""
        import faiss

        lists = self.index.invlists
        sizes = [lists.list_size(i) for i in range(lists.nlist)]
        ids = [faiss.rev_swig_ptr(lists.get_ids(i), size).copy() for i, size in enumerate(sizes) if size]
        return np.unique(np.concatenate(ids)) if ids else np.empty(0, np.int64)

    def search(
        self,
        queries: NDArray[np.float32],
        count: int,
        effort: int | None = None,
        allowed: NDArray[np.int64] | None = None,
    ) -> list[NDArray[np.int64]]:
        """Return the sorted ids of the panels of up to `count` vectors per query, without FAISS's -1 padding."""
        import faiss

        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = min(effort or self.default_effort, self.max_effort)
        if allowed is not None:
            # the selector must outlive the search: FAISS keeps only a pointer to it
            selector = faiss.IDSelectorBatch(np.ascontiguousarray(allowed))
            parameters.sel = selector
        _, ids = self.index.search(np.ascontiguousarray(queries), count, params=parameters)
        return [np.unique(row[row >= 0]) for row in ids]


def _membership(
    ids: NDArray[np.int64], rows: NDArray[np.int64], others: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return (P,) bool: whether each panel is among the others (sorted by id) with the same vector row."""
    if not len(others):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(others, ids), len(others) - 1)
    same: NDArray[np.bool_] = (others[places] == ids) & (other_rows[places] == rows)
    return same


def _add(index: Any, content: IndexInput, panels: NDArray[np.int64]) -> None:
    """Add all vectors of the panels at these positions."""
    positions = (panels[:, None] * content.per_panel + np.arange(content.per_panel)).reshape(-1)
    ids = np.repeat(content.ids[panels], content.per_panel)
    for start, vectors in content.blocks(positions):
        content.progress(Progress("filling", start, len(positions), "vectors"))
        kept = _usable(vectors)
        index.add_with_ids(vectors[kept], ids[start : start + len(vectors)][kept])


def _training_sample(count: int, lists: int, blocks: Blocks) -> NDArray[np.float32]:
    size = min(count, max(POINTS_PER_CENTROID * max(lists, CENTROIDS), 4 * MIN_IVFPQ_VECTORS), _MAX_TRAINING)
    chosen = np.sort(np.random.default_rng(_SEED).choice(count, size, replace=False))
    return np.concatenate([vectors[_usable(vectors)] for _, vectors in blocks(chosen)])


def _usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return True for vectors with a direction: not zeros, and all of them numbers."""
    norms = np.linalg.norm(vectors, axis=1)
    return np.asarray(np.isfinite(norms) & (norms > 0), np.bool_)
