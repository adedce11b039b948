"""What comes out of a training: weights that `load_encoder` takes, and a card that says what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from retrieval.encoder.state_dicts import State, sha256
from retrieval.training.state import replace, write_text

BEST, LAST = "model", "last"


def write_weights(folder: Path, name: str, state: State) -> None:
    """`name`.safetensors and `name`.pt: the same tensors; the second a bare dict, as the published file is."""
    replace(folder / f"{name}.safetensors", lambda beside: beside.write_bytes(save(state)))
    replace(folder / f"{name}.pt", lambda beside: torch.save(state, beside))


def write_card(folder: Path, card: Mapping[str, Any]) -> Path:
    """`model.json` beside the weights, which it names by their SHA-256."""
    files = {name: sha256(folder / name) for name in (f"{BEST}.safetensors", f"{BEST}.pt")}
    path = folder / f"{BEST}.json"
    write_text(path, json.dumps({**card, "sha256": files}, indent=1, ensure_ascii=False) + "\n")
    return path
