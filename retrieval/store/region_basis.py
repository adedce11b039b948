"""The basis of an index: orthonormal directions on which its region vectors are stored as int8 coordinates.

    vectors/regions.basis.f32    K rows of 512 little-endian float32, row-major, no header

It is a copy of the encoder's, so that an index is read without its encoder. Region vectors have length 1, and are
scaled to it when they are read: no scale is stored with their coordinates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged, raise_limit
from retrieval.files import make_folder, replace_file
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.settings import BasisRecord

Floats = NDArray[np.float32]

FILE = "regions.basis.f32"

DIRECTIONS = 224
"""Rows of a basis that is computed: with 13 regions, 2,912 bytes a panel."""

LARGEST = 127
"""Largest coordinate of a stored vector, by amount."""


class RegionBasis:
    """The basis in the vectors' folder of an index, read at its first use and compared with its record."""

    def __init__(self, folder: Path, record: BasisRecord) -> None:
        self.path = folder / FILE
        self.record = record

    @cached_property
    def rows(self) -> Floats:
        """The (K, 512) float32 orthonormal rows. Raises `IndexDamaged` if they are not what was written."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise_limit(error, self.path)
            problem = f"the basis of the region vectors is missing or unreadable ({error.strerror or error})"
            raise IndexDamaged(problem, self.path, REPAIR_HINT) from error
        if _record(content) != self.record:
            problem = "the basis of the region vectors was altered: its SHA-256 is not the one that was written"
            raise IndexDamaged(problem, self.path, REPAIR_HINT)
        return np.frombuffer(content, "<f4").reshape(-1, DIMENSION)

    def problem(self) -> IndexDamaged | None:
        """Return the error that reading the file gives; None if it is intact, or was when it was read."""
        try:
            self.rows  # noqa: B018
        except IndexDamaged as error:
            return error
        return None


def basis_record(basis: Floats) -> BasisRecord:
    """Return the record of (K, 512) orthonormal rows."""
    return _record(_content(basis))


def write_basis(folder: Path, basis: Floats) -> BasisRecord:
    """Write the basis into the vectors' folder, sync it, and return its record, which the catalog may name then."""
    make_folder(folder)
    content = _content(basis)
    replace_file(folder / FILE, lambda temporary: temporary.write_bytes(content))
    return _record(content)


def to_coordinates(vectors: Floats, basis: Floats) -> NDArray[np.int8]:
    """Return (N, K) int8 coordinates of (N, 512) vectors; the largest of a vector is 127 or -127.

    A vector that was made of coordinates gives the same ones again. Zeros stay zeros.
    """
    # in float64 the result does not depend on how many vectors are multiplied at once
    found = vectors.astype(np.float64) @ basis.T.astype(np.float64)
    largest = np.abs(found).max(axis=1, keepdims=True)
    scaled = np.divide(LARGEST * found, largest, out=np.zeros_like(found), where=largest > 0)
    coordinates: NDArray[np.int8] = np.rint(scaled).astype(np.int8)
    return coordinates


def from_coordinates(coordinates: Floats, basis: Floats) -> Floats:
    """Return the (N, 512) float32 vectors of (N, K) coordinates, not scaled to length 1."""
    return coordinates @ basis


def principal_directions(blocks: Iterable[Floats], count: int = DIRECTIONS) -> Floats:
    """Return (count, 512) float32 orthonormal rows: the right singular vectors of all blocks, largest first.

    The mean is not subtracted, since vectors are to be kept, not their differences: the first direction is near it.
    """
    moments = np.zeros((DIMENSION, DIMENSION))
    for block in blocks:
        rows = block.astype(np.float64)
        moments += rows.T @ rows
    _, vectors = np.linalg.eigh(moments)  # in ascending order, as columns
    basis: Floats = np.ascontiguousarray(vectors[:, ::-1].T[:count], np.float32)
    return basis


def kept_cosines(blocks: Iterable[Floats], basis: Floats) -> NDArray[np.float64]:
    """Return the cosine of each vector of all blocks with its stored form; zeros are left out."""
    found = [np.empty(0)]
    for block in blocks:
        rows = block[block.any(axis=1)]
        stored = from_coordinates(to_coordinates(rows, basis).astype(np.float32), basis)
        lengths = np.linalg.norm(rows, axis=1).astype(np.float64) * np.linalg.norm(stored, axis=1)
        products = np.einsum("nd,nd->n", rows, stored, dtype=np.float64)
        found.append(products / np.maximum(lengths, np.finfo(np.float64).tiny))
    return np.concatenate(found)


def _content(basis: Floats) -> bytes:
    return np.ascontiguousarray(basis, "<f4").tobytes()


def _record(content: bytes) -> BasisRecord:
    return BasisRecord(hashlib.sha256(content).hexdigest(), len(content) // (4 * DIMENSION))
