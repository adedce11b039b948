"""Tensors that are read from weight files when they are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from retrieval.encoder.runtime.weights import WeightTensors, rows_of
from retrieval.errors import CheckpointError


def test_tensors_of_two_files(tmp_path: Path) -> None:
    """Each file has its prefix; rows are read in the given order, also twice."""
    one, two = np.arange(12, dtype=np.float32).reshape(4, 3), np.ones(2, np.float16)
    save_file({"matrix": one}, tmp_path / "one.safetensors")
    save_file({"bias": two}, tmp_path / "two.safetensors")
    state = WeightTensors({tmp_path / "one.safetensors": "", tmp_path / "two.safetensors": "text."})
    assert set(state) == {"matrix", "text.bias"}
    assert len(state) == 2
    np.testing.assert_array_equal(state["matrix"], one)
    np.testing.assert_array_equal(state["text.bias"], two)
    numbers = np.array([3, 0, 3])
    np.testing.assert_array_equal(rows_of(state, "matrix", numbers), one[numbers])
    np.testing.assert_array_equal(rows_of({"matrix": one}, "matrix", numbers), one[numbers])
    with pytest.raises(KeyError):
        state["bias"]


@pytest.mark.parametrize("content", [None, b"", b"\x00" * 64])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """The error names the file."""
    path = tmp_path / "bad.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"bad\.safetensors: the weights cannot be read"):
        WeightTensors({path: ""})
