"""The basis of region vectors that a training computes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoder import load_encoder
from retrieval.store.region_basis import DIRECTIONS
from retrieval.training import RECIPES, region_basis
from tests.training.trainer import train

TINY = replace(RECIPES["small"], pages_per_batch=2, epochs=1, batches_per_epoch=1)


@pytest.mark.parametrize("fraction", [0.05, 0.0])
def test_a_training_makes_a_basis(
    fraction: float,
    tiny_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both weight files have it, others do not; with or without pages to validate on."""
    monkeypatch.setattr(region_basis, "LEAST_MEAN_COSINE", 0.5)
    out = tmp_path / "out"
    train([tiny_index], out, replace(TINY, validation_fraction=fraction))
    found = [load_encoder(out / f"model{suffix}", device="cpu").region_basis for suffix in (".safetensors", ".pt")]
    assert found[0] is not None
    assert found[0].shape == (DIRECTIONS, 512)
    np.testing.assert_array_equal(found[0], found[1])
    assert load_encoder(out / "last.safetensors", device="cpu").region_basis is None
    (tmp_path / "other.safetensors").write_bytes((out / "start.safetensors").read_bytes())
    shutil.copy(out / "model.regions.safetensors", tmp_path / "other.regions.safetensors")
    assert load_encoder(tmp_path / "other.safetensors", device="cpu").region_basis is None
    assert "belongs to other weights" in caplog.text


def test_too_few_panels_give_no_basis(tiny_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A basis that keeps less than the least mean cosine is not written; a former one goes."""
    monkeypatch.setattr(region_basis, "LEAST_MEAN_COSINE", 0.5)
    train([tiny_index], tmp_path / "out", TINY)
    assert (tmp_path / "out" / "model.regions.safetensors").exists()
    monkeypatch.setattr(region_basis, "LEAST_MEAN_COSINE", 1.1)
    train([tiny_index], tmp_path / "out", TINY)
    assert not (tmp_path / "out" / "model.regions.safetensors").exists()
    assert load_encoder(tmp_path / "out" / "model.safetensors", device="cpu").region_basis is None
