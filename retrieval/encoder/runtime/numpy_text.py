"""The text branch in NumPy, for a query of a few words: no graph to compile, and few weights to read.

Computes what `graphs.text` computes; a tenth of a millionth apart. One short text takes as long as with OpenVINO.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.runtime.base import Floats
from retrieval.encoder.runtime.weights import State, rows_of

HEADS = 12
EPS = 1e-12
LAYERS = 6
"""Sizes of all-MiniLM-L6-v2; see `network.text`."""

MOST_TOKENS = 48
"""Tokens of the longest text that is read here: five to forty words."""


def text_vector(ids: NDArray[np.int64], state: State) -> Floats:
    """Return the text vector, (1, dim), of the token ids (L,) of one text without padding, L >= 1."""
    prefix = "text.encoder.embeddings"
    words = rows_of(state, f"{prefix}.word_embeddings.weight", ids)
    positions = state[f"{prefix}.position_embeddings.weight"][: len(ids)]
    kind = state[f"{prefix}.token_type_embeddings.weight"][0]
    x = _layer_norm(words + positions + kind, state, f"{prefix}.LayerNorm")
    for layer in range(LAYERS):
        x = _layer(x, state, f"text.encoder.encoder.layer.{layer}")
    return _linear(x.mean(axis=0, keepdims=True), state, "text.proj")


def _layer(x: Floats, state: State, prefix: str) -> Floats:
    output = f"{prefix}.attention.output"
    attended = _linear(_attention(x, state, f"{prefix}.attention.self"), state, f"{output}.dense")
    x = _layer_norm(attended + x, state, f"{output}.LayerNorm")
    widened = _gelu(_linear(x, state, f"{prefix}.intermediate.dense"))
    narrowed = _linear(widened, state, f"{prefix}.output.dense")
    return _layer_norm(narrowed + x, state, f"{prefix}.output.LayerNorm")


def _attention(x: Floats, state: State, prefix: str) -> Floats:
    """Return `x`, (L, n), through self-attention without its output layer."""
    length, width = x.shape
    query, key, value = (
        _linear(x, state, f"{prefix}.{name}").reshape(length, HEADS, -1).transpose(1, 0, 2)
        for name in ("query", "key", "value")
    )
    logits = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(width // HEADS))
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    attended: Floats = (weights @ value).transpose(1, 0, 2).reshape(length, width)
    return attended


def _linear(x: Floats, state: State, prefix: str) -> Floats:
    result: Floats = x @ state[f"{prefix}.weight"].astype(np.float32, copy=False).T + state[f"{prefix}.bias"]
    return result


def _layer_norm(x: Floats, state: State, prefix: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(EPS))
    result: Floats = normed * state[f"{prefix}.weight"] + state[f"{prefix}.bias"]
    return result


def _gelu(x: Floats) -> Floats:
    """Return x times the normal distribution function of x."""
    scaled = (x / np.sqrt(np.float32(2))).ravel().tolist()
    erf = np.fromiter(map(math.erf, scaled), np.float32, len(scaled)).reshape(x.shape)
    result: Floats = np.float32(0.5) * x * (1 + erf)
    return result
