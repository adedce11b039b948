"""One view's vector index: FAISS IVF-PQ finds candidates, exact search serves small views.

Choices, with what they rest on (`benchmarks/vector_search.py` measures them):

- `IVF{4 sqrt N},PQ64`, L2 on unit vectors: 64 bytes a vector. PQ alone cannot rank the nearest panels,
  so candidates are scored again from the stored float16 vectors and the index only has to contain them.
- PQ codes the vectors themselves, not residuals to their list (`by_residual=False`): the same recall once
  400 candidates are scored again, and no per-list table (64 x 256 floats a list) to hold or to compute.
- Files are memory-mapped, so lists are resident only while they are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import DIMENSION
from retrieval.errors import IndexDamaged, UsageError
from retrieval.progress import Told, nobody

IndexType = Literal["exact", "ivfpq"]

SUBQUANTIZERS = 64
CENTROIDS = 256
POINTS_PER_CENTROID = 39
"""Training points that FAISS asks for per centroid (`ClusteringParameters.min_points_per_centroid`)."""

MIN_IVFPQ_VECTORS = POINTS_PER_CENTROID * CENTROIDS
"""From 9,984 vectors on, PQ can be trained as FAISS asks; below, exact search is as fast."""

CANDIDATES = 400
"""Vectors taken from the index for each vector of a query, to be scored again."""
MAX_CHANGED_FRACTION = 0.5
"""An index takes and loses vectors without training until these are half as many as it was trained for."""
_MAX_TRAINING = 131_072
_SEED = 20_261_122

Blocks = Callable[[NDArray[np.int64]], Iterator[tuple[int, NDArray[np.float32]]]]
"""Reads (start, (n, 512) vectors) blocks for the given positions of a view."""


def choose_index_type(count: int, wanted: str) -> IndexType:
    """The kind of index for `count` vectors; `wanted` is auto, exact or ivfpq.

    IVF-PQ needs at least one vector per PQ centroid; below that exact search answers even when asked otherwise.
    """
    if wanted not in ("auto", "exact", "ivfpq"):
        raise UsageError(f"no index kind is called {wanted!r}: choose auto, exact or ivfpq")
    if wanted == "exact" or count < CENTROIDS:
        return "exact"
    return "ivfpq" if wanted == "ivfpq" or count >= MIN_IVFPQ_VECTORS else "exact"


def list_count(count: int) -> int:
    """4 sqrt(N) inverted lists, fewer where that leaves under 39 vectors to train each."""
    return max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_CENTROID))


def default_nprobe(lists: int) -> int:
    """Lists looked into per query: a sixteenth of them, at least 16."""
    return min(lists, max(16, lists // 16))


@dataclass(frozen=True, slots=True)
class IndexInput:
    """What a view's index has to hold: `each` vectors for each of P panels, with (P,) ids, sorted, and vector rows.

    `blocks` reads vectors by their position: those of a panel stand together, in the order of the ids.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    each: int
    blocks: Blocks
    progress: Told = nobody

    @property
    def count(self) -> int:
        return self.each * len(self.ids)


@dataclass(frozen=True, slots=True)
class PreviousIndex:
    """An index of the same view: its file, its panels' ids and rows, how many vectors it was trained for, how many
    were added or removed since, and the recall@10 it had then.
    """

    path: Path
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    trained_on: int
    changed_since: int
    trained_recall: float


def build_ivfpq(content: IndexInput) -> Any:
    """Train on a sample and add everything under the panel's own ids, which repeat where a panel has several
    vectors. Memory is bounded by the sample.
    """
    count, blocks = content.count, content.blocks
    lists = list_count(count)
    index = faiss.IndexIVFPQ(faiss.IndexFlatL2(DIMENSION), DIMENSION, lists, SUBQUANTIZERS, 8)
    index.by_residual = False
    for clustering in (index.cp, index.pq.cp):
        clustering.min_points_per_centroid = 1  # small indexes are asked for on purpose; no warning
        clustering.seed = _SEED
    content.progress("training", 0, 0)
    index.train(_sample(count, lists, blocks))
    _add(index, content, np.arange(len(content.ids)))
    return index


def update_ivfpq(content: IndexInput, earlier: PreviousIndex) -> tuple[Any, int] | None:
    """The earlier index with what went removed and what came added, and how many vectors changed since its training.

    None where that is more than half of what it was trained for: its lists and codes would fit badly by then.
    """
    ids, rows = np.asarray(earlier.ids), np.asarray(earlier.rows)
    came = ~_membership(content.ids, content.rows, ids, rows)
    went = ~_membership(ids, rows, content.ids, content.rows)
    changed = earlier.changed_since + content.each * (int(came.sum()) + int(went.sum()))
    if changed > MAX_CHANGED_FRACTION * earlier.trained_on:
        return None
    index = faiss.read_index(str(earlier.path))
    if went.any():
        index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(ids[went])))
    _add(index, content, np.nonzero(came)[0])
    return index, changed


def _membership(
    ids: NDArray[np.int64], rows: NDArray[np.int64], others: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(P,) whether each panel is among the others (sorted by id) with the very same vectors."""
    if not len(others):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(others, ids), len(others) - 1)
    same: NDArray[np.bool_] = (others[places] == ids) & (other_rows[places] == rows)
    return same


def _add(index: Any, content: IndexInput, panels: NDArray[np.int64]) -> None:
    """Add all vectors of the panels at these places."""
    positions = (panels[:, None] * content.each + np.arange(content.each)).reshape(-1)
    ids = np.repeat(content.ids[panels], content.each)
    for start, vectors in content.blocks(positions):
        content.progress("filling", start, len(positions))
        index.add_with_ids(vectors, ids[start : start + len(vectors)])


def _sample(count: int, lists: int, blocks: Blocks) -> NDArray[np.float32]:
    wanted = min(count, max(POINTS_PER_CENTROID * max(lists, CENTROIDS), 4 * MIN_IVFPQ_VECTORS), _MAX_TRAINING)
    chosen = np.sort(np.random.default_rng(_SEED).choice(count, wanted, replace=False))
    return np.concatenate([vectors for _, vectors in blocks(chosen)])


def write_ivfpq(index: Any, path: Path) -> None:
    faiss.write_index(index, str(path))


@dataclass(frozen=True, slots=True)
class IvfPq:
    """A memory-mapped IVF-PQ index of one view."""

    index: Any

    @classmethod
    def open(cls, path: Path, count: int) -> IvfPq:
        """Raises `IndexDamaged` when the file is no such index or holds another number of vectors."""
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexDamaged(f"{path} is not a readable FAISS index: run `panelseek verify --repair`") from error
        if not isinstance(index, faiss.IndexIVFPQ) or index.d != DIMENSION or index.ntotal != count:
            raise IndexDamaged(
                f"{path} holds {index.ntotal} vectors of {index.d} numbers; {count} of {DIMENSION} are expected: "
                "run `panelseek verify --repair`"
            )
        return cls(index)

    @property
    def lists(self) -> int:
        return int(self.index.nlist)

    def candidates(
        self,
        queries: NDArray[np.float32],
        count: int,
        nprobe: int | None = None,
        allowed: NDArray[np.int64] | None = None,
    ) -> list[NDArray[np.int64]]:
        """Ids of the panels of up to `count` vectors per query, without FAISS's -1 padding, sorted by id."""
        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = min(nprobe or default_nprobe(self.lists), self.lists)
        if allowed is not None:
            # the selector must outlive the search: FAISS keeps only a pointer to it
            selector = faiss.IDSelectorBatch(np.ascontiguousarray(allowed))
            parameters.sel = selector
        _, ids = self.index.search(np.ascontiguousarray(queries), count, params=parameters)
        return [np.unique(row[row >= 0]) for row in ids]
