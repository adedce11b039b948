"""Derived arrays kept beside a generation: written beside and renamed, absent where damaged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged
from retrieval.store.layout import generation_folder


def save_derived(index: Path, number: int, name: str, **arrays: NDArray[Any]) -> None:
    """Add a derived file to a generation, written beside and renamed: what a reader makes on request.

    Raises `IndexDamaged` where the generation is gone or cannot be written.
    """
    path = generation_folder(index, number) / name
    beside = path.with_name(f"{name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        beside.replace(path)
    except OSError as error:
        why = error.strerror or error
        raise IndexDamaged(f"{path} cannot be written ({why}): check the disk and its permissions") from error


def load_derived(index: Path, number: int, name: str) -> dict[str, NDArray[Any]]:
    """The arrays of such a file; empty where there is none, or none that can be read."""
    try:
        with np.load(generation_folder(index, number) / name) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}
