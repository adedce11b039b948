"""Fingerprint of an encoder: its weight files and the settings of its inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from retrieval.encoder import inputs
from retrieval.encoder.spec import EncoderSpec


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
