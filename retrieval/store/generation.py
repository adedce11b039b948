"""A generation: a snapshot of everything that is searched, derived from catalog and vectors.

    generations/N/manifest.json         counts, kinds, checksums, measured recall
    generations/N/<view>.panels.npy     (2, P) int64: panel ids in order, and their vector rows
    generations/N/<view>.trained.faiss  the training of its IVF-PQ index, if the view is large enough
    generations/N/<view>.00000.faiss    the vectors in the index, a file for each 262,144 vector rows

It is written under another name, renamed, and then named by the catalog. Readers keep the one that they opened. A file
of vectors without changes is a link to that of the former generation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged, raise_limit
from retrieval.records import View
from retrieval.store.ann.base import AnnIndex, IndexFiles
from retrieval.store.ann.index_types import ANN_INDEX_TYPES
from retrieval.store.checksums import checksum
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.id_sets import as_mask, ascending
from retrieval.store.layout import file_sha256, generation_folder

FORMAT = 4

_CHECK_ON_OPEN = 64 * 2**20
"""Bytes: smaller files are hashed whenever an index opens, larger ones by `verify`."""


_MANY = 0.05
"""Fraction of a view's panels from which it is faster to look at all of them than to look ids up."""


@dataclass(frozen=True, slots=True)
class ViewIndex:
    """One view of a generation: ids and vector rows (P,) int64 of its panels, and its ANN index if it has one."""

    view: View
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    ann: AnnIndex | None

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (ids, rows) of those `ids` that this view has, sorted by id."""
        if not len(self.ids) or not len(ids):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        wanted = ascending(ids)
        mask = as_mask(wanted) if len(wanted) >= _MANY * len(self.ids) else None
        if mask is not None:
            kept = mask[np.minimum(self.ids, len(mask) - 1)]
            return np.asarray(self.ids[kept]), np.asarray(self.rows[kept])
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        places = places[self.ids[places] == wanted]
        return np.asarray(self.ids[places]), np.asarray(self.rows[places])


@dataclass(frozen=True, slots=True)
class Generation:
    """An opened generation: its number, its manifest and its views."""

    number: int
    manifest: dict[str, Any]
    views: dict[View, ViewIndex]

    @property
    def left_out(self) -> list[int]:
        """Ids of panels that are not searched, because their vectors were damaged."""
        return list(self.manifest["left_out"])


# ---------------------------------------------------------------------- writing


def sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with its own checksum, over everything else in it."""
    content = {key: value for key, value in manifest.items() if key != "checksum"}
    return content | {"checksum": checksum(json.dumps(content, sort_keys=True).encode()).hex()}


def without_left_out(
    ids: NDArray[np.int64], rows: NDArray[np.int64], left_out: Iterable[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and rows without the panels that are left out."""
    kept = ~np.isin(ids, np.fromiter(left_out, np.int64))
    return ids[kept], rows[kept]


# ---------------------------------------------------------------------- reading


def open_generation(index: Path, number: int, *, approximate: bool = True) -> Generation:
    """Open a generation. Raises `IndexDamaged` with the file that is missing, altered or inconsistent.

    approximate: False leaves the ANN indexes closed.
    """
    folder = generation_folder(index, number)
    manifest = _read_manifest(folder, number)
    try:
        for path, problem in file_problems(folder, manifest, hash_up_to=_CHECK_ON_OPEN):
            raise IndexDamaged(problem, path, REPAIR_HINT)
        views = {view: _open_view(folder, view, manifest["views"][str(view)], approximate) for view in View}
    except (OSError, EOFError, ValueError) as error:  # a build deletes the file at this moment, or it is not an array
        raise_limit(error, folder)
        raise IndexDamaged(f"the generation cannot be read ({error})", folder, REPAIR_HINT) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged("the file is not a manifest", folder / "manifest.json", REPAIR_HINT) from error
    return Generation(number, manifest, views)


def _read_manifest(folder: Path, number: int) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise_limit(error, path)
        raise IndexDamaged("the manifest is missing or unreadable", path, REPAIR_HINT) from error
    if not isinstance(manifest, dict):
        raise IndexDamaged("the file is not a manifest", path, REPAIR_HINT)
    expected = {"format": FORMAT, "generation": number, "dimension": DIMENSION}
    found = {key: manifest.get(key) for key in expected}
    if found != expected:
        raise IndexDamaged(f"the manifest has {found}; expected {expected}", path, REPAIR_HINT)
    if sealed(manifest) != manifest:
        raise IndexDamaged("the manifest was altered: its checksum is not the one that was written", path, REPAIR_HINT)
    return manifest


def file_problems(folder: Path, manifest: dict[str, Any], hash_up_to: float) -> Iterable[tuple[Path, str]]:
    """Return (path, problem) for each file of a generation that is missing or has another size or checksum.

    hash_up_to: bytes; larger files are not hashed.
    """
    for view in manifest["views"].values():
        for name, expected in view["files"].items():
            path = folder / name
            if not path.exists():
                yield path, "the file is missing"
            elif path.stat().st_size != expected["bytes"]:
                yield path, f"the file has {path.stat().st_size} bytes; {expected['bytes']} were written"
            elif expected["bytes"] <= hash_up_to and file_sha256(path) != expected["sha256"]:
                yield path, "the file was altered: its SHA-256 is not the one that was written"


def _open_view(folder: Path, view: View, manifest: dict[str, Any], approximate: bool) -> ViewIndex:
    pairs = np.lib.format.open_memmap(folder / f"{view}.panels.npy", mode="r")  # takes no other kind of file
    if pairs.dtype != np.int64 or pairs.shape != (2, manifest["panels"]):
        raise ValueError(f"{view}.panels.npy has {pairs.dtype} {pairs.shape}; expected int64 (2, {manifest['panels']})")
    ann_type = ANN_INDEX_TYPES.get(manifest["index_type"]) if approximate else None
    ann = ann_type.open(IndexFiles(folder, str(view)), manifest["vectors"]) if ann_type else None
    return ViewIndex(view, pairs[0], pairs[1], ann)
