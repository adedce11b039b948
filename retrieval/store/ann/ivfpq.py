"""FAISS IVF-PQ index of one view; small views are searched exactly instead.

Choices and their reasons (measured by `benchmarks/vector_search.py`):

- `IVF{4 sqrt N},PQ64`, L2 on unit vectors: 64 bytes a vector. PQ alone cannot rank the nearest panels, so candidates
  are scored again from the stored float16 vectors and the index only has to contain them.
- PQ encodes the vectors themselves, not residuals to their list (`by_residual=False`). Recall is the same after 400
  candidates are scored exactly, and there is no table per list (64 x 256 floats) to hold or to compute.
- One training serves parts by ranges of vector rows. New panels have new rows, so a build that adds a book rewrites the
  last part and links the others. A search finds the lists once and looks into each part.
- FAISS is imported where it is used: `panelseek info`, and a search for words in a small index, start without it.
- Files are memory-mapped, so lists are resident only while they are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged
from retrieval.files import link_or_copy
from retrieval.progress import Progress
from retrieval.store.ann.base import IndexFiles, IndexInput, PreviousIndex
from retrieval.store.ann.training import (
    CENTROIDS,
    SEED,
    SUBQUANTIZERS,
    default_nprobe,
    list_count,
    training_sample,
    usable,
)
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.id_sets import as_mask, ascending

PART_ROWS = 262_144
"""Vector rows of one part, those of four files of vectors: each part costs a search some 0.4 ms."""

MAX_CHANGED_FRACTION = 0.5
"""Retrain once additions plus removals exceed this fraction of the training size."""

_MANY_IDS = 10_000
"""Ids of a filter from which it is a mask of bits."""

_WRITE_BYTES = 2**20
"""Bytes of the index written at once."""


@dataclass(frozen=True, slots=True)
class IvfPq:
    """An IVF-PQ index of one view; its effort is the number of lists searched (nprobe).

    trained: FAISS index with the centres of lists and codes, without vectors. parts: FAISS indexes with the vectors,
    without the centres of lists.
    """

    trained: Any
    parts: tuple[Any, ...]

    @classmethod
    def build(cls, content: IndexInput, files: IndexFiles) -> Self:
        """Train on a sample, and write all vectors under the panels' own ids, which repeat for several vectors.

        Memory is bounded by the sample and by one part.
        """
        trained = _train(content)
        _write(trained, files.trained)
        for number, panels in _by_part(content.rows):
            part = _empty_part(trained)
            _add(part, trained, content, panels)
            _write(part, files.part(number))
        return cls._opened(files)

    @classmethod
    def update(cls, content: IndexInput, previous: PreviousIndex, files: IndexFiles) -> tuple[Self, int] | None:
        """Write the previous index with removed and added panels; return it, and the vectors changed since training.

        None if more than half of the training size changed, since its lists and codes would fit badly, or if a file
        that is needed is damaged.
        """
        import faiss

        ids, rows = np.asarray(previous.ids), np.asarray(previous.rows)
        added = ~membership(content.ids, content.rows, ids, rows)
        removed = ~membership(ids, rows, content.ids, content.rows)
        changed = previous.changed_since + content.per_panel * (int(added.sum()) + int(removed.sum()))
        if changed > MAX_CHANGED_FRACTION * previous.trained_on or not previous.intact(previous.files.trained):
            return None
        if previous.files.parts() != [previous.files.part(number) for number, _ in _by_part(rows)]:
            return None  # parts of another size, or not all of them
        trained = faiss.read_index(str(previous.files.trained))
        link_or_copy(previous.files.trained, files.trained)
        touched = set(np.concatenate([content.rows[added], rows[removed]]) // PART_ROWS)
        removed_ids = {number: ids[removed][places] for number, places in _by_part(rows[removed])}
        added_places = {number: np.nonzero(added)[0][places] for number, places in _by_part(content.rows[added])}
        for number, _ in _by_part(content.rows):
            before, path = previous.files.part(number), files.part(number)
            if number not in touched:
                link_or_copy(before, path)
                continue
            if before.exists() and not previous.intact(before):
                return None
            part = faiss.read_index(str(before)) if before.exists() else _empty_part(trained)
            if number in removed_ids:
                part.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(removed_ids[number])))
            _add(part, trained, content, added_places.get(number, np.empty(0, np.int64)))
            _write(part, path)
        return cls._opened(files), changed

    @classmethod
    def open(cls, files: IndexFiles, count: int) -> Self:
        """Open the files, memory-mapped. Raises `IndexDamaged` if they are not such an index of `count` vectors."""
        index = cls._opened(files)
        if index.count != count:
            problem = f"the files have {index.count} vectors; expected {count}"
            raise IndexDamaged(problem, files.trained, REPAIR_HINT)
        return index

    @classmethod
    def _opened(cls, files: IndexFiles) -> Self:
        return cls(_open(files.trained), tuple(_open(path) for path in files.parts()))

    @property
    def count(self) -> int:
        """The number of vectors."""
        return sum(int(part.ntotal) for part in self.parts)

    @property
    def max_effort(self) -> int:
        """The number of inverted lists."""
        return int(self.trained.nlist)

    @property
    def default_effort(self) -> int:
        """The number of lists searched by default."""
        return default_nprobe(self.max_effort)

    def ids(self) -> NDArray[np.int64]:
        """Return the sorted, unique panel ids in the inverted lists."""
        ids = [found for part in self.parts for found in _ids_of(part)]
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
            selector = _selector(allowed)  # must outlive the search: FAISS keeps only a pointer to it
            parameters.sel = selector
        queries = np.ascontiguousarray(queries)
        centres = self.trained.quantizer.search(queries, parameters.nprobe)
        found = [_search_part(part, queries, count, centres, parameters) for part in self.parts]
        return [np.unique(row[row >= 0]) for row in _nearest(found, len(queries), count)]


def _selector(allowed: NDArray[np.int64]) -> Any:
    """Return the filter of a search. A set of many ids would take longer to make than the search takes."""
    import faiss

    mask = as_mask(ascending(allowed)) if len(allowed) > _MANY_IDS else None
    if mask is None:
        return faiss.IDSelectorBatch(np.ascontiguousarray(allowed))
    bitmap: Any = faiss.IDSelectorBitmap  # FAISS's Python takes an array, which its type information does not tell
    return bitmap(np.packbits(mask, bitorder="little"))


def _train(content: IndexInput) -> Any:
    """Return an index that is trained on a sample, without vectors."""
    import faiss

    lists = list_count(content.count)
    index = faiss.IndexIVFPQ(faiss.IndexFlatL2(DIMENSION), DIMENSION, lists, SUBQUANTIZERS, 8)
    index.by_residual = False
    for clustering in (index.cp, index.pq.cp):
        clustering.min_points_per_centroid = 1  # small indexes are requested on purpose; no warning
        clustering.seed = SEED
    content.progress(Progress("training", unit="vectors"))
    sample = training_sample(content.count, lists, content.blocks)
    # too few with a direction: repeated, since FAISS needs one vector per centroid
    index.train(sample if len(sample) >= CENTROIDS else np.resize(sample, (CENTROIDS, DIMENSION)))
    return index


def _empty_part(trained: Any) -> Any:
    """Return a part without vectors. The centres of lists stay with the training, which all parts share."""
    import faiss

    part = faiss.IndexIVFPQ(faiss.IndexFlatL2(DIMENSION), DIMENSION, trained.nlist, SUBQUANTIZERS, 8)
    part.pq = trained.pq
    part.by_residual = False
    part.is_trained = True
    return part


def _add(part: Any, trained: Any, content: IndexInput, panels: NDArray[np.int64]) -> None:
    """Add all vectors of the panels at these positions to a part."""
    import faiss

    positions = (panels[:, None] * content.per_panel + np.arange(content.per_panel)).reshape(-1)
    ids = np.repeat(content.ids[panels], content.per_panel)
    for start, vectors in content.blocks(positions):
        content.progress(Progress("filling", start, len(positions), "vectors"))
        kept = usable(vectors)
        chosen, own_ids = np.ascontiguousarray(vectors[kept]), ids[start : start + len(vectors)][kept]
        lists = trained.quantizer.assign(chosen, 1).reshape(-1)
        pointers = (faiss.swig_ptr(array) for array in (chosen, own_ids, lists))
        part.add_core(len(chosen), *pointers)


def _search_part(
    part: Any, queries: NDArray[np.float32], count: int, centres: tuple[Any, Any], parameters: Any
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return (Q, count) squared distances and ids in the given lists, padded with -1."""
    import faiss

    distances = np.empty((len(queries), count), np.float32)
    ids = np.empty((len(queries), count), np.int64)
    list_distances, lists = centres
    pointers = [faiss.swig_ptr(array) for array in (lists, list_distances, distances, ids)]
    part.search_preassigned_c(len(queries), faiss.swig_ptr(queries), count, *pointers, False, parameters)
    return distances, ids


def _nearest(
    found: list[tuple[NDArray[np.float32], NDArray[np.int64]]], queries: int, count: int
) -> Iterator[NDArray[np.int64]]:
    """Return the ids of the nearest `count` vectors of all parts, query after query, in any order."""
    for query in range(queries):
        ids = np.concatenate([np.empty(0, np.int64), *(part[query] for _, part in found)])
        if len(found) > 1 and len(ids) > count:
            distances = np.concatenate([part[query] for part, _ in found])
            distances[ids < 0] = np.inf
            ids = ids[np.argpartition(distances, count - 1)[:count]]
        yield ids


def _by_part(rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Return (part, sorted places of its rows) for each part that some rows are in."""
    numbers = np.asarray(rows) // PART_ROWS
    for number in np.unique(numbers):
        yield int(number), np.nonzero(numbers == number)[0]


def _ids_of(part: Any) -> Iterator[NDArray[np.int64]]:
    """Return the ids in each list of a part."""
    import faiss

    lists = part.invlists
    for number in range(lists.nlist):
        if size := lists.list_size(number):
            yield faiss.rev_swig_ptr(lists.get_ids(number), size).copy()


def _open(path: Path) -> Any:
    """Open a file, memory-mapped. Raises `IndexDamaged` if it is no IVF-PQ index of such vectors."""
    import faiss

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise IndexDamaged("the file is not a readable FAISS index", path, REPAIR_HINT) from error
    if not isinstance(index, faiss.IndexIVFPQ) or index.d != DIMENSION:
        raise IndexDamaged(f"the file is not an IVF-PQ index of {DIMENSION} numbers a vector", path, REPAIR_HINT)
    return index


def _write(index: Any, path: Path) -> None:
    """Write an index to a file. Raises `OSError`, which FAISS's own writer does not if the disk is full."""
    import faiss

    with path.open("wb") as file:
        writer = faiss.PyCallbackIOWriter(file.write, _WRITE_BYTES)  # type: ignore[attr-defined]
        faiss.write_index(index, writer)


def membership(
    ids: NDArray[np.int64], rows: NDArray[np.int64], others: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return (P,) bool: True if a panel is among the others (sorted by id) with the same vector row."""
    if not len(others):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(others, ids), len(others) - 1)
    same: NDArray[np.bool_] = (others[places] == ids) & (other_rows[places] == rows)
    return same
