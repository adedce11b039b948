"""LanceDB: an IVF_PQ index on disk with the same settings, whose candidates are refined with the full vectors."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.store.ann.base import CANDIDATES
from retrieval.store.ann.training import POINTS_PER_CENTROID, SUBQUANTIZERS

PACKAGE = "lancedb"
_READY = "ready.json"


def obstacle() -> str:
    """Return why LanceDB cannot be measured, "" if it can."""
    if importlib.util.find_spec(PACKAGE) is None:
        return "lancedb is not installed: pip install '.[benchmarks]'"
    return ""


class LanceSearch:
    """A LanceDB table in a folder; one that is there with the same settings is used again.

    blocks: (ids, vectors), (B,) int64 and (B, 512) unit vectors; ids of panels, several times with several vectors.
    per_panel: vectors of a panel. lists, nprobe: number of inverted lists, and how many are searched.
    Threads are those of OMP_NUM_THREADS, as FAISS has them. They are taken with the first table of a process.
    """

    name = "LanceDB, IVF_PQ refined"

    def __init__(
        self,
        folder: Path,
        blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
        count: int,
        per_panel: int,
        lists: int,
        nprobe: int,
    ) -> None:
        os.environ.setdefault("LANCE_CPU_THREADS", os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1)))
        import lancedb
        from lancedb.index import IvfPq

        settings = {"vectors": count, "lists": lists, "subquantizers": SUBQUANTIZERS, "version": lancedb.__version__}
        if not _is_ready(folder, settings):
            shutil.rmtree(folder, ignore_errors=True)
            table = lancedb.connect(folder).create_table("vectors", data=_reader(blocks))
            if table.count_rows() != count:
                raise SystemExit(f"LanceDB took {table.count_rows():,} of {count:,} vectors")
            config = IvfPq(
                distance_type="l2",
                num_partitions=lists,
                num_sub_vectors=SUBQUANTIZERS,
                sample_rate=POINTS_PER_CENTROID,  # with its default, 256, LanceDB makes fewer lists
            )
            table.create_index("vector", config=config)
            (folder / _READY).write_text(json.dumps(settings), encoding="utf-8")
        self._table: Any = lancedb.connect(folder).open_table("vectors")
        self._nprobe, self._per_panel = nprobe, per_panel
        self.bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def search(self, query: NDArray[np.float32], count: int) -> list[int]:
        """Return the ids of the `count` nearest panels, of `CANDIDATES` that are scored with their full vectors.

        With several vectors a panel, those of the nearest candidates are joined here.
        """
        limit = count if self._per_panel == 1 else CANDIDATES
        asked = self._table.search(query).limit(limit).nprobes(self._nprobe).refine_factor(CANDIDATES // limit)
        found = asked.select(["id", "_distance"]).to_arrow()["id"].to_numpy()
        return [int(i) for i in dict.fromkeys(found.tolist())][:count]


def _is_ready(folder: Path, settings: dict[str, Any]) -> bool:
    try:
        return bool(json.loads((folder / _READY).read_text(encoding="utf-8")) == settings)
    except (OSError, ValueError):
        return False


def _reader(blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Any:
    """Return the vectors as a stream of Arrow batches."""
    import pyarrow as pa

    schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), DIMENSION))])

    def batches() -> Iterator[Any]:
        for ids, vectors in blocks:
            values = pa.array(np.ascontiguousarray(vectors).reshape(-1))
            rows = pa.FixedSizeListArray.from_arrays(values, DIMENSION)
            yield pa.record_batch([pa.array(ids), rows], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
