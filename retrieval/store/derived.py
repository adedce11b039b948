"""Derived arrays that readers add to a generation; a damaged file counts as none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexError_, system_hint, system_problem
from retrieval.store.files import replace_file
from retrieval.store.layout import generation_folder


def save_derived(index: Path, number: int, name: str, **arrays: NDArray[Any]) -> None:
    """Write named arrays into a file of a generation.

    Raises `IndexError_` if the generation is gone or cannot be written.
    """
    path = generation_folder(index, number) / name
    try:
        replace_file(path, lambda temporary: _write(temporary, arrays))
    except OSError as error:
        problem = f"the file cannot be written ({system_problem(error)})"
        raise IndexError_(problem, path, system_hint(error)) from error


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_derived(index: Path, number: int, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of such a file; none if it is missing or damaged."""
    try:
        with np.load(generation_folder(index, number) / name) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}
