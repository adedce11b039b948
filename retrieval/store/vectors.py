"""The one copy of the vectors: float16 unit rows in append-only files, memory-mapped for exact scores.

    vectors/picture-00000.f16    65,536 rows of 512 little-endian float16, row-major, no header
    vectors/dialogue-00000.f16   the same rows of the next view
    ...

    vectors/regions-00000.f16      where the index keeps region vectors: R rows for each row of the views, those of row n from
                                 n R on

A row number is the same in all views. Rows are written and synced before the catalog names them; what a
crash leaves behind is an unnamed tail, which the next build cuts off.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings
from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.store.sparse_file import punch_holes

SHARD_ROWS = 65_536
REGIONS = "regions"
_ROW_BYTES = 2 * DIMENSION


class VectorStore:
    """Reads and appends rows below one folder. Reading is safe while another process appends.

    `regions` is how many further `picture` vectors each row has.
    """

    def __init__(self, folder: Path, shard_rows: int = SHARD_ROWS, regions: int = 0) -> None:
        self.folder = folder
        self.shard_rows = shard_rows
        self.regions = regions
        self._maps: dict[tuple[str, int], NDArray[np.float16]] = {}

    def _streams(self) -> dict[str, int]:
        """The names of the files, and how many of their rows belong to one row of the index."""
        streams: dict[str, int] = {str(view): 1 for view in View}
        return streams | ({REGIONS: self.regions} if self.regions else {})

    # ------------------------------------------------------------------ writing

    def rows(self) -> int:
        """How many complete rows lie there, in the view that has fewest."""
        return min(self._rows(name) // each for name, each in self._streams().items())

    def _rows(self, view: str) -> int:
        total, shard = 0, 0
        while (path := self._path(view, shard)).exists():
            total += path.stat().st_size // _ROW_BYTES
            shard += 1
        return total

    def truncate(self, rows: int) -> None:
        """Cut every view to `rows`. Raises `IndexDamaged` when a view has fewer."""
        for view, each in self._streams().items():
            have, named = self._rows(view), rows * each
            if have < named:
                raise IndexDamaged(
                    f"{self.folder} holds {have} {view} vectors and the catalog names {named}: "
                    "restore the folder from a copy, or delete the index and build it again"
                )
            for shard in range(-(-have // self.shard_rows) + 1):
                self._cut(self._path(view, shard), named - shard * self.shard_rows)
        self._maps.clear()

    def _cut(self, path: Path, rows: int) -> None:
        if not path.exists():
            return
        if rows <= 0:
            path.unlink()
        elif path.stat().st_size > rows * _ROW_BYTES:
            os.truncate(path, rows * _ROW_BYTES)

    def append(self, first_row: int, encoded: PanelEmbeddings) -> None:
        """Write P rows from `first_row` (the present end) on and sync them to disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for view, each in self._streams().items():
            self._append(view, first_row * each, self._stored(view, encoded))

    def copy(self, first_row: int, rows: NDArray[np.int64]) -> None:
        """Write the vectors of P `rows` once more, from `first_row` (the present end) on, and sync them to disk."""
        for view, each in self._streams().items():
            places = (rows[:, None] * each + np.arange(each)).reshape(-1)
            stored = np.empty((len(places), DIMENSION), dtype="<f2")
            self._copy(view, places, stored)
            self._append(view, first_row * each, stored)

    def punch(self, rows: NDArray[np.int64]) -> None:
        """Let `rows` (sorted) read as zeros and give their space back to the disk where it can be; no row moves."""
        for view, each in self._streams().items():
            for shard, ranges in self._ranges(rows, each).items():
                punch_holes(self._path(view, shard), ranges)

    def _ranges(self, rows: NDArray[np.int64], each: int) -> dict[int, list[tuple[int, int]]]:
        """(first byte, length) of each run of rows, by shard."""
        found: dict[int, list[tuple[int, int]]] = {}
        for run in np.split(rows, np.nonzero(np.diff(rows) != 1)[0] + 1) if len(rows) else ():
            start, end = int(run[0]) * each, (int(run[-1]) + 1) * each
            while start < end:
                shard, inside = divmod(start, self.shard_rows)
                length = min(end - start, self.shard_rows - inside)
                found.setdefault(shard, []).append((inside * _ROW_BYTES, length * _ROW_BYTES))
                start += length
        return found

    def _append(self, view: str, row: int, vectors: NDArray[np.float16]) -> None:
        while len(vectors):
            shard, inside = divmod(row, self.shard_rows)
            part = vectors[: self.shard_rows - inside]
            self._write(self._path(view, shard), inside, part)
            vectors, row = vectors[len(part) :], row + len(part)

    def _stored(self, name: str, encoded: PanelEmbeddings) -> NDArray[np.float16]:
        """(P or P R, 512) float16 of one stream."""
        vectors = encoded.regions if name == REGIONS else encoded.view(View(name))
        assert vectors is not None, "the index keeps region vectors and the encoder gives none"
        flat: NDArray[np.float16] = vectors.reshape(-1, DIMENSION).astype("<f2")
        return flat

    def _write(self, path: Path, inside: int, vectors: NDArray[np.float16]) -> None:
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(inside * _ROW_BYTES)
            file.write(np.ascontiguousarray(vectors).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _path(self, view: str, shard: int) -> Path:
        return self.folder / f"{view}-{shard:05d}.f16"

    # ------------------------------------------------------------------ reading

    def read_regions(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(P R, 512) float32 unit rows: the region vectors of P rows, one panel after another."""
        return self.read(REGIONS, self.region_rows(rows))

    def region_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(P R,) rows of the region vectors of P rows."""
        places: NDArray[np.int64] = (rows[:, None] * self.regions + np.arange(self.regions)).reshape(-1)
        return places

    def read(self, view: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(R, 512) float32 unit rows (rounding to float16 undone in length, all-zero rows stay zero)."""
        out = np.empty((len(rows), DIMENSION), dtype=np.float32)
        self._copy(view, rows, out)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, norms, out=out, where=norms > 0)
        return out

    def digest(self, view: str, rows: NDArray[np.int64], size: int = 16_384) -> str:
        """SHA-256 over these rows as they are stored, in this order."""
        found = hashlib.sha256()
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            stored = np.empty((len(part), DIMENSION), dtype="<f2")
            self._copy(view, part, stored)
            found.update(stored.data)
        return found.hexdigest()

    def blocks(
        self, view: str, rows: NDArray[np.int64], size: int = 16_384
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(start, vectors) over `rows` in blocks, so that any number of rows takes bounded memory."""
        for start in range(0, len(rows), size):
            yield start, self.read(view, rows[start : start + size])

    def _copy(self, view: str, rows: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Rows from whichever shards hold them, in the order asked for."""
        shards = rows // self.shard_rows
        for shard in np.unique(shards):
            chosen = shards == shard
            inside = rows[chosen] - shard * self.shard_rows
            out[chosen] = self._map(view, int(shard), int(inside.max()) + 1)[inside]

    def _map(self, view: str, shard: int, rows: int) -> NDArray[np.float16]:
        """A shard's rows, mapped again when it has grown past the last look."""
        known = self._maps.get((view, shard))
        if known is not None and len(known) >= rows:
            return known
        path = self._path(view, shard)
        try:
            whole = (path.stat().st_size // _ROW_BYTES, DIMENSION)  # a row that is being written does not count
            mapped: NDArray[np.float16] = np.memmap(path, dtype="<f2", mode="r", shape=whole)
        except (OSError, ValueError) as error:
            raise IndexDamaged(
                f"{path} is missing or unreadable ({error}): restore it from a copy, or build the index again"
            ) from error
        if len(mapped) < rows:
            raise IndexDamaged(
                f"{path} holds {len(mapped)} vectors where at least {rows} are expected: "
                "restore it from a copy, or build the index again"
            )
        self._maps[view, shard] = mapped
        return mapped
