"""Derived arrays that readers add to a generation; a damaged file counts as none."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged
from retrieval.store.layout import generation_folder, replace_file

_GENERATION = "generation"
"""Name of the array with the number of the generation: a file of another one has other panels."""

_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    NotImplementedError,
    BadZipFile,
    zlib.error,
    struct.error,
)
"""Errors of NumPy and zipfile for damaged bytes."""


def save_derived(index: Path, number: int, name: str, **arrays: NDArray[Any]) -> None:
    """Write named arrays into a file of a generation.

    Raises `IndexDamaged` if the generation is gone or cannot be written.
    """
    path = generation_folder(index, number) / name
    try:
        replace_file(path, lambda temporary: _write(temporary, {**arrays, _GENERATION: np.array(number)}))
    except OSError as error:
        problem = f"the file cannot be written ({error.strerror or error})"
        raise IndexDamaged(problem, path, "check the disk and its permissions") from error


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_derived(index: Path, number: int, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of such a file; none if it is missing, damaged or of another generation."""
    try:
        # np.load itself leaves a damaged file open
        with (generation_folder(index, number) / name).open("rb") as file, np.load(file) as stored:
            arrays = dict(stored)
        return arrays if arrays.pop(_GENERATION) == number else {}
    except _DAMAGED:
        return {}
