"""The composition branch and the fusion as one graph: `network.composition` and `network.fusion`."""

from __future__ import annotations

import numpy as np
import openvino.opset13 as ops
from openvino import Model, Node

from retrieval.encoder.runtime.graphs.layers import batch_norm, constant, integers, layer_norm, linear, mean, number
from retrieval.encoder.runtime.weights import State
from retrieval.encoder.spec import ABSENT, FEATURES, MODALITIES


def fusion_graph(state: State) -> Model:
    """Return the graph image, text (P, dim), geometry (P, 7), mask (P, 3) -> fused (P, dim), gate (P, 3)."""
    dim = len(state["text.proj.bias"])
    image, text, geometry, mask = (
        ops.parameter([-1, width], np.float32, name=name)
        for name, width in (("image", dim), ("text", dim), ("geometry", FEATURES), ("mask", MODALITIES))
    )
    vectors = {"vision": image, "text": text, "comp": _composition(geometry, state)}
    normed = [layer_norm(vector, state, f"fusion.norm_{name}") for name, vector in vectors.items()]
    gate = _gate(normed, mask, state)
    stacked = ops.concat([ops.unsqueeze(vector, integers(1)) for vector in normed], 1)
    weighted = ops.reduce_sum(ops.multiply(ops.unsqueeze(gate, integers(-1)), stacked), integers(1))
    residual = ops.multiply(number(float(state["fusion.residual_weight"])), mean(stacked, 1))
    return Model([ops.add(weighted, residual), gate], [image, text, geometry, mask], "fusion")


def _composition(x: Node, state: State) -> Node:
    for layer, norm in ((0, 1), (4, 5)):
        scale, shift = batch_norm(state, f"comp.mlp.{norm}")
        x = linear(x, state, f"comp.mlp.{layer}")
        x = ops.relu(ops.add(ops.multiply(x, constant(scale)), constant(shift)))
    return linear(x, state, "comp.mlp.8")


def _gate(normed: list[Node], mask: Node, state: State) -> Node:
    """Return the weights of the modalities, (P, 3); an absent one has a weight of almost 0."""
    with_mask = state["fusion.gate.0.weight"].shape[1] % len(state["text.proj.bias"]) == MODALITIES
    inputs = ops.concat([*normed, mask] if with_mask else normed, 1)
    logits = linear(ops.gelu(linear(inputs, state, "fusion.gate.0"), "erf"), state, "fusion.gate.2")
    absent = ops.multiply(ops.subtract(number(1), mask), number(ABSENT))
    return ops.softmax(ops.add(logits, absent), 1)
