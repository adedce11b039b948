"""Derived arrays that readers add to a generation; a damaged file counts as none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from retrieval.errors import IndexError_, system_hint, system_problem
from retrieval.files import replace_file
from retrieval.store.layout import generation_folder

Expected = tuple[DTypeLike, tuple[int | None, ...]]
"""Type and shape of an array; None is any length."""

_GENERATION = "generation"
"""Name of the array with the number of the generation: a file of another one has other panels."""


def save_derived(index: Path, number: int, name: str, **arrays: NDArray[Any]) -> None:
    """Write named arrays into a file of a generation.

    Raises `IndexError_` if the generation is gone or cannot be written.
    """
    path = generation_folder(index, number) / name
    try:
        replace_file(path, lambda temporary: _write(temporary, {**arrays, _GENERATION: np.array(number)}))
    except OSError as error:
        problem = f"the file cannot be written ({system_problem(error)})"
        raise IndexError_(problem, path, system_hint(error)) from error


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_derived(index: Path, number: int, name: str, expected: Mapping[str, Expected]) -> dict[str, NDArray[Any]]:
    """Return the arrays of such a file; none if it is missing, damaged, of another generation, or has others."""
    try:
        # opened here: NumPy leaves a file that is no archive open
        with (generation_folder(index, number) / name).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: np.asarray(stored[key]) for key in expected}
            if int(stored[_GENERATION]) != number:
                return {}
    except Exception:  # a damaged archive can fail with any exception
        return {}
    return arrays if all(_fits(arrays[key], *each) for key, each in expected.items()) else {}


def _fits(array: NDArray[Any], dtype: DTypeLike, shape: tuple[int | None, ...]) -> bool:
    """Return True if an array has a type and a shape, and no number that is not finite."""
    same = len(array.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    return same and array.dtype == np.dtype(dtype) and bool(np.isfinite(array).all())
