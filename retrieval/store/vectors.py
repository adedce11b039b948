"""The only copy of the vectors: unit rows in append-only files, memory-mapped for exact scores.

    vectors/picture-00000.f16    65,536 rows of 512 little-endian float16, row-major, no header
    vectors/dialogue-00000.f16   the same rows of the next view
    ...
    vectors/regions-00000.i8     region vectors, if the index has them: R rows per panel, those of row n from n R on, as
                                 int8 coordinates; regions-00000.f16 in an index without a basis

A panel has the same row number in all views. Rows are written and synced before the catalog names them. An interrupted
build leaves rows without a name at the end; the next build cuts them off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged, raise_limit
from retrieval.files import cut_file, make_folder, punch_holes, sync, write_at
from retrieval.records import View
from retrieval.store.checksums import CHECKSUM_BYTES, checksum
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.region_basis import RegionBasis, from_coordinates, to_coordinates
from retrieval.store.settings import BasisRecord

SHARD_ROWS = 65_536
"""Rows of one file: 64 MiB as float16."""

REGIONS = "regions"
"""Name of the stream of region vectors; the other streams are the views."""

_BLOCK_ROWS = 16_384
"""Rows read at once: 34 MB as float32."""

_CHECKED_PANELS = 1_024
"""Panels whose vectors are compared at once: 17 MB with 13 regions as float16."""


@dataclass(frozen=True, slots=True)
class RowFormat:
    """Rows of a stream as they are stored. ending: of its files. width: numbers of a row."""

    ending: str = "f16"
    dtype: str = "<f2"
    width: int = DIMENSION

    @property
    def row_bytes(self) -> int:
        """Return the bytes of a row."""
        return self.width * np.dtype(self.dtype).itemsize

    def empty(self, rows: int) -> NDArray[Any]:
        """Return an array for rows to be read into."""
        return np.empty((rows, self.width), self.dtype)


class VectorStore:
    """The vectors of one folder, for reading and appending. Reading is safe while another process appends.

    regions: region vectors per panel, further vectors in the view `picture`. A stream is a view or the region vectors.
    basis: record of the basis on which region vectors are stored; None if they are stored as float16, as all others.
    Only what turns them into vectors or back reads it, and raises `IndexDamaged` if it is damaged.
    """

    def __init__(
        self, folder: Path, shard_rows: int = SHARD_ROWS, regions: int = 0, basis: BasisRecord | None = None
    ) -> None:
        self.folder = folder
        self.shard_rows = shard_rows
        self.regions = regions
        self.basis = None if basis is None or not regions else RegionBasis(folder, basis)
        self._region_format = RowFormat("i8", "i1", basis.directions) if basis else RowFormat()
        self._maps: dict[tuple[str, int], NDArray[Any]] = {}

    def streams(self) -> dict[str, int]:
        """Return the names of the streams, and the rows of each that belong to one panel."""
        streams: dict[str, int] = {str(view): 1 for view in View}
        return streams | ({REGIONS: self.regions} if self.regions else {})

    def damaged_basis(self) -> IndexDamaged | None:
        """Return the error that reading the basis gives; None if it is intact, or if there is none."""
        return self.basis.problem() if self.basis else None

    def _format(self, stream: str) -> RowFormat:
        return self._region_format if stream == REGIONS else RowFormat()

    # ------------------------------------------------------------------ writing

    def rows(self) -> int:
        """Return the number of complete rows, in the stream that has fewest."""
        return min(self._stream_rows(stream) // per_panel for stream, per_panel in self.streams().items())

    def _stream_rows(self, stream: str) -> int:
        total, shard, row_bytes = 0, 0, self._format(stream).row_bytes
        while (path := self._path(stream, shard)).exists():
            total += min(path.stat().st_size // row_bytes, self.shard_rows)
            shard += 1
        return total

    def truncate(self, rows: int) -> None:
        """Cut every stream to `rows` panels. Raises `IndexDamaged` if a stream has fewer."""
        for stream, per_panel in self.streams().items():
            stored, named = self._stream_rows(stream), rows * per_panel
            if stored < named:
                problem = f"the folder has {stored} {stream} vectors; the catalog names {named}"
                raise IndexDamaged(problem, self.folder, REPAIR_HINT)
            row_bytes = self._format(stream).row_bytes
            for shard in range(-(-stored // self.shard_rows) + 1):
                cut_file(self._path(stream, shard), (named - shard * self.shard_rows) * row_bytes)
        self._maps.clear()

    def append(self, first_row: int, encoded: PanelEmbeddings) -> list[bytes]:
        """Write P rows from `first_row` (the present end) on, and sync them to disk; return their checksums."""
        make_folder(self.folder)
        sums = [b""] * len(encoded.picture)
        for stream, per_panel in self.streams().items():
            stored = self._as_stored(stream, encoded)
            self._append(stream, first_row * per_panel, stored)
            for place, panel in enumerate(stored.reshape(len(sums), -1)):
                sums[place] += checksum(panel)
        return sums

    def pad(self, rows: int) -> None:
        """Lengthen every stream to `rows` panels with zeros, and make missing files: rows that were lost."""
        make_folder(self.folder)
        for stream, per_panel in self.streams().items():
            row_bytes = self._format(stream).row_bytes
            for shard in range(-(-rows * per_panel // self.shard_rows)):
                path = self._path(stream, shard)
                length = min(rows * per_panel - shard * self.shard_rows, self.shard_rows) * row_bytes
                if not path.exists() or path.stat().st_size < length:
                    with path.open("ab") as file:
                        file.truncate(length)
                        os.fsync(file.fileno())
        sync(self.folder)
        self._maps.clear()

    def copy(self, first_row: int, rows: NDArray[np.int64]) -> None:
        """Write the vectors of P `rows` again, from `first_row` (the present end) on, and sync them to disk."""
        for stream, per_panel in self.streams().items():
            places = (rows[:, None] * per_panel + np.arange(per_panel)).reshape(-1)
            stored = self._format(stream).empty(len(places))
            self._read_into(stream, places, stored)
            self._append(stream, first_row * per_panel, stored)

    def punch(self, rows: NDArray[np.int64]) -> None:
        """Erase sorted `rows`: they read as zeros, no row moves, and their space is freed where the system can."""
        for stream, per_panel in self.streams().items():
            for shard, ranges in self._byte_ranges(stream, rows, per_panel).items():
                punch_holes(self._path(stream, shard), ranges)

    def _byte_ranges(self, stream: str, rows: NDArray[np.int64], per_panel: int) -> dict[int, list[tuple[int, int]]]:
        """Return (first byte, length) of each run of rows, by shard."""
        row_bytes = self._format(stream).row_bytes
        ranges: dict[int, list[tuple[int, int]]] = {}
        for run in np.split(rows, np.nonzero(np.diff(rows) != 1)[0] + 1) if len(rows) else ():
            start, end = int(run[0]) * per_panel, (int(run[-1]) + 1) * per_panel
            while start < end:
                shard, inside = divmod(start, self.shard_rows)
                length = min(end - start, self.shard_rows - inside)
                ranges.setdefault(shard, []).append((inside * row_bytes, length * row_bytes))
                start += length
        return ranges

    def _append(self, stream: str, row: int, stored: NDArray[Any]) -> None:
        while len(stored):
            shard, inside = divmod(row, self.shard_rows)
            part = stored[: self.shard_rows - inside]
            write_at(self._path(stream, shard), inside * self._format(stream).row_bytes, part.tobytes())
            stored, row = stored[len(part) :], row + len(part)

    def _as_stored(self, stream: str, encoded: PanelEmbeddings) -> NDArray[Any]:
        """Return the rows of one stream as they are stored: (P or P R, 512) float16, or (P R, K) int8."""
        vectors = encoded.regions if stream == REGIONS else encoded.view(View(stream))
        assert vectors is not None, "the index has region vectors, and the encoder gives none"
        flat = vectors.reshape(-1, DIMENSION)
        return to_coordinates(flat, self.basis.rows) if stream == REGIONS and self.basis else flat.astype("<f2")

    def _path(self, stream: str, shard: int) -> Path:
        return self.folder / f"{stream}-{shard:05d}.{self._format(stream).ending}"

    # ------------------------------------------------------------------ reading

    def read_regions(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the (P R, 512) float32 region vectors of P rows, one panel after another, with length 1."""
        return self.read(REGIONS, self.region_rows(rows))

    def region_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the (P R,) rows of the region vectors of P rows."""
        return np.asarray((rows[:, None] * self.regions + np.arange(self.regions)).reshape(-1), np.int64)

    def read(self, stream: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (R, 512) float32 rows, scaled to length 1 after their rounding; zero rows stay zero.

        Damaged rows that are not numbers are zeros, too: their scores are 0, and they do not disturb the order.
        """
        return _unit(self.read_stored(stream, rows))

    def read_stored(self, stream: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (R, 512) float32 rows, not scaled since they were rounded: `append` writes the same bytes again."""
        stored = np.empty((len(rows), self._format(stream).width), np.float32)
        self._read_into(stream, rows, stored)
        return from_coordinates(stored, self.basis.rows) if stream == REGIONS and self.basis else stored

    def region_coordinates(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the (P R, K) float32 region vectors of P rows on the basis, with length 1; (P R, 512) without one.

        Their products with `query_coordinates` of queries are the scores of `read_regions`: the basis is orthonormal.
        """
        coordinates = np.empty((len(rows) * self.regions, self._region_format.width), np.float32)
        self._read_into(REGIONS, self.region_rows(rows), coordinates)
        return _unit(coordinates)

    def query_coordinates(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (Q, 512) query vectors as (Q, K) on the basis, as they are compared with `region_coordinates`."""
        return queries @ self.basis.rows.T if self.basis else queries

    def damaged(
        self, rows: NDArray[np.int64], sums: Sequence[bytes], streams: Sequence[str] | None = None
    ) -> NDArray[np.bool_]:
        """Return (P, S) True for each panel and stream that is not what was written, or not there.

        rows, sums: of P panels, from `PanelReader.vector_checksums`. streams: S of them; all without it.
        """
        places = {stream: place for place, stream in enumerate(self.streams())}
        chosen = list(places) if streams is None else list(streams)
        found = np.ones((len(rows), len(chosen)), bool)
        for column, stream in enumerate(chosen):
            per_panel, place = self.streams()[stream], CHECKSUM_BYTES * places[stream]
            for start in range(0, len(rows), _CHECKED_PANELS):
                block = slice(start, start + _CHECKED_PANELS)
                stored = self._stored_panels(stream, rows[block], per_panel)
                expected = (one[place : place + CHECKSUM_BYTES] for one in sums[block])
                pairs = zip(stored, expected, strict=True)
                found[block, column] = [panel is None or checksum(panel) != wanted for panel, wanted in pairs]
        return found

    def _stored_panels(self, stream: str, rows: NDArray[np.int64], per_panel: int) -> list[NDArray[Any] | None]:
        """Return the (per_panel, width) rows of each panel as they are stored; None if they are not there."""
        places: NDArray[np.int64] = rows[:, None] * per_panel + np.arange(per_panel)
        try:
            stored = self._format(stream).empty(places.size)
            self._read_into(stream, places.reshape(-1), stored)
            return list(stored.reshape(len(rows), per_panel, -1))
        except IndexDamaged:
            if len(rows) == 1:
                return [None]
            return [panel for row in rows for panel in self._stored_panels(stream, row[None], per_panel)]

    def blocks(
        self, stream: str, rows: NDArray[np.int64], size: int = _BLOCK_ROWS
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Return (start, vectors) over `rows` in blocks of `size`, so that memory is bounded."""
        for start in range(0, len(rows), size):
            yield start, self.read(stream, rows[start : start + size])

    def _read_into(self, stream: str, rows: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Copy rows of any shards into `out`, in the order of `rows`."""
        shards = rows // self.shard_rows
        for shard in np.unique(shards):
            chosen = shards == shard
            inside = rows[chosen] - shard * self.shard_rows
            out[chosen] = self._map(stream, int(shard), int(inside.max()) + 1)[inside]

    def _map(self, stream: str, shard: int, rows: int) -> NDArray[Any]:
        """Return a shard with at least `rows` rows, mapped again if it has grown."""
        cached = self._maps.get((stream, shard))
        if cached is not None and len(cached) >= rows:
            return cached
        path, rows_of = self._path(stream, shard), self._format(stream)
        try:
            shape = (path.stat().st_size // rows_of.row_bytes, rows_of.width)  # not a row that is being written
            mapped: NDArray[Any] = np.memmap(path, dtype=rows_of.dtype, mode="r", shape=shape)
        except (OSError, ValueError) as error:
            raise_limit(error, path)
            reason = getattr(error, "strerror", None) or error
            raise IndexDamaged(f"the file is missing or unreadable ({reason})", path, REPAIR_HINT) from error
        if len(mapped) < rows:
            problem = f"the file has {len(mapped)} vectors; at least {rows} were expected"
            raise IndexDamaged(problem, path, REPAIR_HINT)
        self._maps[stream, shard] = mapped
        return mapped


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1, in place, and return them; rows that are not numbers become zeros."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows[~np.isfinite(norms[:, 0])] = 0
    np.divide(rows, norms, out=rows, where=(norms > 0) & np.isfinite(norms))
    return rows
