"""The text branch as a graph: `network.text.TextBranch`."""

from __future__ import annotations

import numpy as np
import openvino.opset13 as ops
from openvino import Model, Node

from retrieval.encoder.runtime.graphs.layers import attention, constant, integers, layer_norm, linear, number
from retrieval.encoder.runtime.weights import State

HEADS = 12
EPS = 1e-12
LAYERS = 6
"""Sizes of all-MiniLM-L6-v2; see `network.text`."""

HIDDEN_LOGIT = -1e9
"""Added to the logits of tokens that are padding."""


def text_graph(state: State) -> Model:
    """Return the graph ids, mask (P, L) int64 -> text vectors (P, dim)."""
    ids = ops.parameter([-1, -1], np.int64, name="ids")
    mask = ops.parameter([-1, -1], np.int64, name="mask")
    present = ops.convert(mask, "f32")
    states = _hidden_states(ids, present, state)
    weights = ops.unsqueeze(present, integers(-1))
    total = ops.reduce_sum(ops.multiply(states, weights), integers(1))
    pooled = ops.divide(total, ops.maximum(ops.reduce_sum(weights, integers(1)), number(1e-6)))
    return Model([linear(pooled, state, "text.proj")], [ids, mask], "text")


def _hidden_states(ids: Node, present: Node, state: State) -> Node:
    """Return the hidden states, (P, L, 384). A row without tokens attends to everything; its mean is zeros."""
    x = _embeddings(ids, state)
    empty = ops.convert(ops.equal(ops.reduce_sum(present, integers(1), True), number(0)), "f32")
    hidden = ops.subtract(number(1), ops.maximum(present, empty))
    bias = ops.multiply(ops.unsqueeze(hidden, integers(1, 2)), number(HIDDEN_LOGIT))
    for layer in range(LAYERS):
        x = _layer(x, bias, state, f"text.encoder.encoder.layer.{layer}")
    return x


def _embeddings(ids: Node, state: State) -> Node:
    prefix = "text.encoder.embeddings"
    words = ops.gather(constant(state[f"{prefix}.word_embeddings.weight"]), ids, integers(0))
    length = ops.gather(ops.shape_of(ids), integers(1), integers(0))
    table = constant(state[f"{prefix}.position_embeddings.weight"])
    positions = ops.slice(table, integers(0), length, integers(1), integers(0))
    kind = constant(state[f"{prefix}.token_type_embeddings.weight"][0])
    return layer_norm(ops.add(ops.add(words, positions), kind), state, f"{prefix}.LayerNorm", EPS)


def _layer(x: Node, bias: Node, state: State, prefix: str) -> Node:
    names = (f"{prefix}.attention.self.query", f"{prefix}.attention.self.key", f"{prefix}.attention.self.value")
    output = f"{prefix}.attention.output"
    attended = linear(attention(x, state, names, HEADS, bias), state, f"{output}.dense")
    x = layer_norm(ops.add(attended, x), state, f"{output}.LayerNorm", EPS)
    widened = ops.gelu(linear(x, state, f"{prefix}.intermediate.dense"), "erf")
    narrowed = linear(widened, state, f"{prefix}.output.dense")
    return layer_norm(ops.add(narrowed, x), state, f"{prefix}.output.LayerNorm", EPS)
