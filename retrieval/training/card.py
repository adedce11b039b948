"""The result of a training: weights that `load_encoder` takes, a card that describes them, and a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from retrieval.encoder.state_dicts import State
from retrieval.encoder.weight_files import sha256
from retrieval.training.files import replace_file, write_text

MODEL, LAST = "model", "last"
"""Names of the weight files: the epoch that is the result, and the last epoch."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The result of a training; `best` has the figures of the epoch whose weights are in `encoder`.

    skipped: (page, reason) of pages that could not be read in this run. seconds: of this run.
    """

    output: str
    encoder: str
    epochs: int
    steps: int
    best: dict[str, Any]
    data: dict[str, Any]
    skipped: tuple[tuple[str, str], ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        skipped = [{"page": page, "reason": reason} for page, reason in self.skipped]
        return asdict(self) | {"skipped": skipped}


def write_weights(folder: Path, name: str, state: State) -> None:
    """Write `name`.safetensors and `name`.pt: the same tensors; the second a bare dict, as the published file is."""
    replace_file(folder / f"{name}.safetensors", lambda partial: partial.write_bytes(save(state)))
    replace_file(folder / f"{name}.pt", lambda partial: torch.save(state, partial))


def write_card(folder: Path, card: Mapping[str, Any]) -> Path:
    """Write `model.json` next to the weights, whose SHA-256 it holds."""
    files = {name: sha256(folder / name) for name in (f"{MODEL}.safetensors", f"{MODEL}.pt")}
    path = folder / f"{MODEL}.json"
    write_text(path, json.dumps({**card, "sha256": files}, indent=1, ensure_ascii=False) + "\n")
    return path
