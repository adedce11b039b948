"""The basis of region vectors that comes with an encoder's weights."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from retrieval.encoder import load_encoder, weight_files
from retrieval.encoder.inputs import panel_input
from retrieval.encoder.protocol import region_basis
from retrieval.encoder.spec import DIMENSION
from retrieval.encoder.weight_files import WEIGHTS, basis_file, basis_path, read_basis, sha256, small_basis
from retrieval.errors import CheckpointError
from retrieval.records import Box
from retrieval.store.region_basis import from_coordinates, to_coordinates
from tests.conftest import GridEncoder, draw_page, panel_boxes, unit

SMALL = WEIGHTS / "small.safetensors"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Some weights with a basis of two directions next to them."""
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"weights")
    basis_path(path).write_bytes(basis_file(np.eye(2, DIMENSION, dtype=np.float32), ["0" * 64, sha256(path)]))
    return path


def test_small_takes_less_than_3000_bytes_a_panel(small) -> None:
    basis = region_basis(small)
    assert basis is not None
    assert (basis.dtype, small.spec.regions * len(basis)) == (np.float32, 2_912)
    np.testing.assert_allclose(basis.astype(np.float64) @ basis.T, np.eye(len(basis)), atol=1e-6)
    card = json.loads((WEIGHTS / "small.json").read_text(encoding="utf-8"))
    assert card["region_basis"]["sha256"] == sha256(basis_path(SMALL))
    assert card["region_basis"]["left_out"] == ["abstruse-goose", "ubunchu"]


def test_both_runtimes_of_small_have_it() -> None:
    for runtime in ("openvino", "torch"):
        np.testing.assert_array_equal(load_encoder("small", device="cpu", runtime=runtime).region_basis, small_basis())


def test_regions_of_small_keep_their_direction(small) -> None:
    """Even of drawings that are unlike any comic, the stored form has a cosine of at least 0.98."""
    page = draw_page(5)
    panels = [panel_input(page, Box(*box), "", n) for n, box in enumerate(panel_boxes(4), 1)]
    regions = small.encode(panels).regions.reshape(-1, DIMENSION)
    basis = small_basis()
    stored = unit(from_coordinates(to_coordinates(regions, basis).astype(np.float32), basis))
    assert (regions * stored).sum(axis=1).min() > 0.98


def test_encoders_without_a_basis() -> None:
    assert region_basis(GridEncoder()) is None


def test_a_basis_lies_next_to_its_weights(weights: Path) -> None:
    np.testing.assert_array_equal(read_basis(weights, sha256(weights)), np.eye(2, DIMENSION))
    assert read_basis(weights.with_name("other.safetensors"), "1" * 64) is None


def test_a_basis_of_other_weights_counts_as_none(weights: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert read_basis(weights, "1" * 64) is None
    assert "mine.regions.safetensors belongs to other weights than" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"damaged", r"mine\.regions\.safetensors: the basis of the region vectors cannot be read"),
        (np.ones((2, DIMENSION), np.float32), r"float32 \(2, 512\); expected orthonormal float32 rows of 512 numbers"),
        (np.full((2, DIMENSION), np.nan, np.float32), "expected orthonormal"),
        (np.eye(2, DIMENSION), r"the file holds float64 \(2, 512\)"),
        (np.eye(2, 12, dtype=np.float32), r"the file holds float32 \(2, 12\)"),
    ],
)
def test_a_file_that_is_no_basis_is_refused(weights: Path, content: bytes | np.ndarray, message: str) -> None:
    if isinstance(content, bytes):
        basis_path(weights).write_bytes(content)
    else:
        save_file({"basis": content}, basis_path(weights), {"weights": sha256(weights)})
    with pytest.raises(CheckpointError, match=f"(?s){message}.*\ntrain again, or delete it"):
        read_basis(weights, sha256(weights))


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_a_damaged_basis_of_small_is_named(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    path = basis_path(tmp_path / "weights" / "small.safetensors")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    if damage == "missing":
        path.unlink()
    monkeypatch.setattr(weight_files, "WEIGHTS", tmp_path / "weights")
    expected = "the file is missing" if damage == "missing" else "the file is damaged: found SHA-256 .*, expected "
    message = rf"(?s)small\.regions\.safetensors: {expected}.*\nInstall panelseek again"
    with pytest.raises(CheckpointError, match=message):
        small_basis()
