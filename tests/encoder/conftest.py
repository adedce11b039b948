"""The golden model: v1's shape, filled with reproducible numbers, loaded once through the real loader."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from retrieval.encoder import PanelEncoder, PanelFeatureExtractor, load_encoder
from retrieval.encoder.protocol import PanelInput
from retrieval.records import Box

GOLDEN = Path(__file__).parent.parent / "golden"

TEXTS = ("", "I was never here", "KRAK!", "Look over there, " * 20, "  ", "", "Potions for sale", "KRAK!")


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    return json.loads((GOLDEN / "state_dict_v1.json").read_text())


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "public.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def cfg(golden: dict[str, np.ndarray]) -> dict[str, Any]:
    return json.loads(str(golden["meta"]))


@pytest.fixture(scope="session")
def golden_encoder(
    recipe: ModuleType, manifest: dict[str, Any], cfg: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> PanelEncoder:
    """Loaded from a real .pt file with the 676 published keys; the file is gone afterwards."""
    path = tmp_path_factory.mktemp("golden") / "best_model.pt"
    weights = recipe.weights(manifest, cfg["weights_seed"])
    torch.save({key: torch.from_numpy(weights[key]) for key in manifest}, path)
    del weights
    encoder = load_encoder(path, device="cpu", runtime="torch", precision="float32")
    path.unlink()
    return encoder


@pytest.fixture(scope="session")
def golden_model(golden_encoder: PanelEncoder) -> PanelFeatureExtractor:
    return golden_encoder.model


@pytest.fixture(scope="session")
def batch(recipe: ModuleType, cfg: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The golden inputs, one row per panel; the last is a padding slot."""
    n, seed = len(cfg["lengths"]), cfg["inputs_seed"]
    ids, mask = recipe.tokens(cfg["lengths"], seed)
    arrays = {"images": recipe.images(n, seed), "input_ids": ids, "attention_mask": mask}
    arrays["comp_feats"] = recipe.comps(n, seed)
    return {key: torch.from_numpy(array) for key, array in arrays.items()}


@pytest.fixture(scope="session")
def small() -> PanelEncoder:
    return load_encoder("small", device="cpu")


@pytest.fixture(scope="session")
def small_state(small: PanelEncoder) -> dict[str, torch.Tensor]:
    """The small model's weights without its text encoder: a complete checkpoint of 12 MB."""
    return {k: v.clone() for k, v in small.model.state_dict().items() if not k.startswith("text.encoder.")}


def draw_picture(seed: int) -> np.ndarray:
    """(224, 224, 3) uint8: blocks of colour under noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (7, 7, 3)).repeat(32, 0).repeat(32, 1)
    return np.clip(blocks + rng.normal(0, 20, blocks.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def panels() -> list[PanelInput]:
    """Eight panels: no words, blanks, long words, the same words twice."""
    return [
        PanelInput(draw_picture(i), text, Box(10 + 5 * i, 20, 300, 200 + 30 * i), 1000, 1500, number=i + 1)
        for i, text in enumerate(TEXTS)
    ]
