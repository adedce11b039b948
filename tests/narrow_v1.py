"""A network of v1's shape with narrow, shallow backbones and reproducible random weights: encodes in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from retrieval.encoder.runtime import converted
from retrieval.encoder.runtime.graphs import published
from retrieval.encoder.runtime.weights import WeightTensors
from retrieval.encoder.weight_files import minilm_file

SIGLIP = {768: 24, 2304: 72, 3072: 48}
SEED = 3


def narrow_state(recipe: ModuleType, seed: int = SEED) -> dict[str, np.ndarray]:
    """The weights, with MiniLM as the text encoder."""
    manifest = json.loads((Path(__file__).parent / "golden" / "state_dict_v1.json").read_text())
    state: dict[str, np.ndarray] = dict(WeightTensors({minilm_file().path: "text.encoder."}))
    for key, (shape, dtype) in manifest.items():
        if not key.startswith("text.encoder."):
            state[key] = recipe.tensor(key, _narrow(key, shape), dtype, seed)
    return state


def _narrow(key: str, shape: list[int]) -> list[int]:
    if key.startswith(("vision.siglip.siglip", "vision.siglip.adaptation.0")):
        return [SIGLIP.get(width, width) for width in shape]
    if key.startswith("vision.resnet.resnet"):
        return [width // 8 if width >= 64 else width for width in shape]
    return [256 if width == 2048 else width for width in shape]


@contextmanager
def narrow_files(state: dict[str, np.ndarray]) -> Iterator[None]:
    """Load every weight file as this network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "SIGLIP_LAYERS", 1)
        patch.setattr(published, "RESNET_BLOCKS", (1, 1, 1, 1))
        patch.setattr(converted, "converted_state", lambda path, digest: (state, [minilm_file().sha256]))
        yield
