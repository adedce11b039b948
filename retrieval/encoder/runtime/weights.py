"""Tensors of weight files by their published key names, each read when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from retrieval.errors import CheckpointError

State = Mapping[str, NDArray[Any]]
"""Tensors by their published key names; float16 and float32."""


class WeightTensors(Mapping[str, NDArray[Any]]):
    """The tensors of .safetensors files. A search by words needs no picture weights and few rows of the vocabulary.

    files: each path with the prefix of its names. Raises `CheckpointError` for a file that cannot be read.
    """

    def __init__(self, files: Mapping[Path, str]) -> None:
        self._places: dict[str, tuple[Any, str]] = {}
        for path, prefix in files.items():
            opened = _open(path)
            self._places |= {f"{prefix}{name}": (opened, name) for name in opened.keys()}  # noqa: SIM118

    def __getitem__(self, name: str) -> NDArray[Any]:
        opened, own = self._places[name]
        tensor: NDArray[Any] = opened.get_tensor(own)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def rows(self, name: str, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of a matrix: nothing else of it is read."""
        opened, own = self._places[name]
        matrix = opened.get_slice(own)
        return np.concatenate([matrix[number : number + 1] for number in numbers.tolist()])


def rows_of(state: State, name: str, numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows of a matrix of `state`."""
    return state.rows(name, numbers) if isinstance(state, WeightTensors) else state[name][numbers]


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"the weights cannot be read ({error})", path) from error
