"""A generation: everything searched that is derived from catalog and vectors, as of one moment.

    generations/N/manifest.json         counts, kinds, checksums, measured recall
    generations/N/<view>.panels.npy     (2, P) int64: panel ids in order, and their vector rows
    generations/N/<view>.faiss          the IVF-PQ index, where the view is large enough for one

It is written beside and renamed, then named by the catalog; readers keep the one they opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import DIMENSION
from retrieval.errors import IndexDamaged
from retrieval.records import View
from retrieval.store.ann.ivfpq import (
    IvfPq,
)
from retrieval.store.layout import file_sha256, generation_folder
from retrieval.store.scoring import vectors_per_panel
from retrieval.store.vectors import REGIONS, VectorStore

FORMAT = 2
_REPAIR = "run `panelseek verify --repair`"
_CHECK_ON_OPEN = 64 * 2**20
"""Files up to this size are hashed whenever an index opens; larger ones by `verify`."""


@dataclass(frozen=True, slots=True)
class ViewIndex:
    """One view of a generation: which panels it holds, at which rows, and how candidates are found."""

    view: View
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    ann: AnnIndex | None

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(ids, rows) of those `ids` that this view holds, sorted by id."""
        if not len(self.ids) or not len(ids):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        wanted = np.unique(ids)
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        places = places[self.ids[places] == wanted]
        return np.asarray(self.ids[places]), np.asarray(self.rows[places])


@dataclass(frozen=True, slots=True)
class Generation:
    """The opened snapshot that a reader searches."""

    number: int
    manifest: dict[str, Any]
    views: dict[View, ViewIndex]


# ---------------------------------------------------------------------- writing


def digest(shards: VectorStore, view: View, rows: NDArray[np.int64]) -> str:
    """SHA-256 over the stored vectors of a view, and over those of its parts where it has some."""
    found = shards.digest(view, rows)
    if vectors_per_panel(shards, view) == 1:
        return found
    return hashlib.sha256((found + shards.digest(REGIONS, shards.region_rows(rows))).encode()).hexdigest()


# ---------------------------------------------------------------------- reading


def open_generation(index: Path, number: int) -> Generation:
    """Open a generation. Raises `IndexDamaged` naming the file that is missing, altered or inconsistent."""
    folder = generation_folder(index, number)
    manifest = _read_manifest(folder, number)
    try:
        problems = list(file_problems(folder, manifest, hash_up_to=_CHECK_ON_OPEN))
        if problems:
            raise IndexDamaged(f"{problems[0]}: {_REPAIR}")
        views = {view: _open_view(folder, view, manifest["views"][str(view)]) for view in View}
    except (OSError, ValueError) as error:  # a file that a build took away in this moment, or no array in it
        raise IndexDamaged(f"{folder} cannot be read ({error}): {_REPAIR}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"{folder / 'manifest.json'} is not a manifest: {_REPAIR}") from error
    return Generation(number, manifest, views)


def _read_manifest(folder: Path, number: int) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"{path} is missing or unreadable: {_REPAIR}") from error
    if not isinstance(manifest, dict):
        raise IndexDamaged(f"{path} is not a manifest: {_REPAIR}")
    expected = {"format": FORMAT, "generation": number, "dimension": DIMENSION}
    found = {key: manifest.get(key) for key in expected}
    if found != expected:
        raise IndexDamaged(f"{path} says {found}, expected {expected}: {_REPAIR}")
    return manifest


def file_problems(folder: Path, manifest: dict[str, Any], hash_up_to: float) -> Iterable[str]:
    """What is wrong with a generation's files: missing, another size, another checksum."""
    for view in manifest["views"].values():
        for name, expected in view["files"].items():
            path = folder / name
            if not path.exists():
                yield f"{path} is missing"
            elif path.stat().st_size != expected["bytes"]:
                yield f"{path} has {path.stat().st_size} bytes, {expected['bytes']} were written"
            elif expected["bytes"] <= hash_up_to and file_sha256(path) != expected["sha256"]:
                yield f"{path} was altered: its SHA-256 is not the one that was written"


def _open_view(folder: Path, view: View, manifest: dict[str, Any]) -> ViewIndex:
    pairs = np.load(folder / f"{view}.panels.npy", mmap_mode="r")
    open_ann = partial(IvfPq.open, folder / f"{view}.faiss", manifest["vectors"])
    ann = open_ann() if manifest["kind"] == "ivfpq" else None
    return ViewIndex(view, pairs[0], pairs[1], ann)
