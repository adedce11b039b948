"""Layers of the network as OpenVINO operations: weights come from a state dict of NumPy arrays.

Each function takes a node and the prefix of its weights' keys, and returns the node of its output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino import Node

from retrieval.encoder.runtime.weights import State

BATCH_NORM_EPS = 1e-5
"""Torch's default, which every batch norm of the network has."""

LAYER_NORM_EPS = 1e-5
"""Torch's default. SigLIP and MiniLM have their own."""


def constant(array: NDArray[Any]) -> Node:
    """Return float32 weights as a node. It shares the memory of a contiguous float32 array."""
    return ops.constant(np.ascontiguousarray(array, dtype=np.float32), shared_memory=True)


def number(value: float) -> Node:
    """Return one float32 as a node."""
    return ops.constant(np.float32(value))


def integers(*values: int) -> Node:
    """Return (n,) int64 as a node: axes, shapes and sizes of other operations."""
    return ops.constant(np.array(values, dtype=np.int64))


def linear(x: Node, state: State, prefix: str) -> Node:
    """Return `x`, (..., n), through a linear layer: (..., m). The product has the name `prefix`; see `quantized`."""
    product = ops.matmul(x, constant(state[f"{prefix}.weight"]), False, True)
    product.set_friendly_name(prefix)
    return ops.add(product, constant(state[f"{prefix}.bias"]))


def layer_norm(x: Node, state: State, prefix: str, eps: float = LAYER_NORM_EPS) -> Node:
    """Return `x`, (..., n), with a layer norm over its last axis."""
    normed = ops.mvn(x, integers(-1), True, eps, "inside_sqrt")
    return ops.add(ops.multiply(normed, constant(state[f"{prefix}.weight"])), constant(state[f"{prefix}.bias"]))


def convolution(x: Node, weight: NDArray[Any], stride: int = 1, padding: int = 0) -> Node:
    """Return `x`, (P, c, h, w), through a convolution without bias; `weight` is (m, c, k, k)."""
    return ops.convolution(x, constant(weight), [stride] * 2, [padding] * 2, [padding] * 2, [1, 1])


def convolution_with_norm(x: Node, state: State, prefix: str, norm: str, stride: int = 1, padding: int = 0) -> Node:
    """Return `x` through a convolution, named `prefix`, and its batch norm, which scales weights and adds a bias."""
    scale, shift = batch_norm(state, norm)
    weight = state[f"{prefix}.weight"].astype(np.float32) * scale[:, None, None, None]
    convolved = convolution(x, weight, stride, padding)
    convolved.set_friendly_name(prefix)
    return ops.add(convolved, constant(shift[None, :, None, None]))


def batch_norm(state: State, prefix: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scale and shift, (c,) each, of a batch norm in eval mode: it gives x * scale + shift."""
    variance = state[f"{prefix}.running_var"].astype(np.float64)
    scale = state[f"{prefix}.weight"] / np.sqrt(variance + BATCH_NORM_EPS)
    shift = state[f"{prefix}.bias"] - state[f"{prefix}.running_mean"] * scale
    return scale.astype(np.float32), shift.astype(np.float32)


def attention(x: Node, state: State, prefixes: tuple[str, str, str], heads: int, bias: Node | None = None) -> Node:
    """Return `x`, (P, L, n), through self-attention without its output layer.

    prefixes: of query, key and value. bias: added to the logits, broadcast to (P, heads, L, L).
    """
    query, key, value = (split_heads(linear(x, state, prefix), heads) for prefix in prefixes)
    return join_heads(scaled_attention(query, key, value, bias))


def scaled_attention(query: Node, key: Node, value: Node, bias: Node | None = None) -> Node:
    """Return the attention of heads, (P, heads, L, n / heads) each; logits are scaled by sqrt(n / heads)."""
    if bias is None:
        return ops.scaled_dot_product_attention(query, key, value)
    return ops.scaled_dot_product_attention(query, key, value, bias)


def split_heads(x: Node, heads: int) -> Node:
    """(P, L, n) -> (P, heads, L, n / heads)."""
    width = x.get_output_partial_shape(0)[2].get_length()
    return ops.transpose(ops.reshape(x, integers(0, 0, heads, width // heads), True), integers(0, 2, 1, 3))


def join_heads(x: Node) -> Node:
    """(P, heads, L, n / heads) -> (P, L, n)."""
    shape = x.get_output_partial_shape(0)
    width = shape[1].get_length() * shape[3].get_length()
    return ops.reshape(ops.transpose(x, integers(0, 2, 1, 3)), integers(0, 0, width), True)


def mean(x: Node, *axes: int, keep: bool = False) -> Node:
    """Return the mean of `x` over `axes`."""
    return ops.reduce_mean(x, integers(*axes), keep)


def average_pool(x: Node, side: int, step: int) -> Node:
    """Return the means of windows of (side, side) every `step` pixels: (P, c, h, w) -> (P, c, n, m)."""
    return ops.avg_pool(x, [step] * 2, [0, 0], [0, 0], [side] * 2, True)
