"""The vision branches of the published encoders as graphs: `network.vision`."""

from __future__ import annotations

import numpy as np
import openvino.opset13 as ops
from openvino import Model, Node

from retrieval.encoder.runtime.graphs.layers import (
    attention,
    constant,
    convolution,
    convolution_with_norm,
    integers,
    join_heads,
    layer_norm,
    linear,
    mean,
    scaled_attention,
    split_heads,
)
from retrieval.encoder.runtime.weights import State
from retrieval.encoder.spec import IMAGE_SIZE

SIGLIP_HEADS = 12
SIGLIP_LAYERS = 12
SIGLIP_EPS = 1e-6
PATCH = 16
"""Sizes of siglip-base-patch16-224."""

RESNET_BLOCKS = (3, 4, 6, 3)
"""Blocks of the four stages of ResNet-50."""


def vision_graph(state: State) -> Model:
    """Return the graph images (P, 3, 224, 224) -> image vectors (P, dim), of one or both backbones."""
    images = ops.parameter([-1, 3, IMAGE_SIZE, IMAGE_SIZE], np.float32, name="images")
    if "vision.siglip.siglip.vision_model.head.probe" in state:
        output = _both(images, state)
    elif "vision.siglip.vision_model.head.probe" in state:
        output = _adapted(_siglip(images, state, "vision.siglip.vision_model"), state, "vision.adaptation")
    else:
        output = _adapted(_resnet(images, state, "vision.resnet"), state, "vision.adaptation")
    return Model([output], [images], "image")


def _both(images: Node, state: State) -> Node:
    """Return the sum of both backbones, each with one weight per panel."""
    siglip = _adapted(_siglip(images, state, "vision.siglip.siglip.vision_model"), state, "vision.siglip.adaptation")
    resnet = _adapted(_resnet(images, state, "vision.resnet.resnet"), state, "vision.resnet.adaptation")
    joined = ops.concat([siglip, resnet], 1)
    if "vision.attention.0.weight" in state:
        logits = linear(joined, state, "vision.attention.0")
    else:
        logits = linear(ops.gelu(linear(joined, state, "vision.gate.0"), "erf"), state, "vision.gate.2")
    weights = ops.split(ops.softmax(logits, 1), ops.constant(np.int64(1)), 2)
    return ops.add(
        ops.multiply(weights.output(0), siglip),
        ops.multiply(weights.output(1), resnet),
    )


def _adapted(pooled: Node, state: State, prefix: str) -> Node:
    """Return the pooled output of a backbone through its two-layer head, (P, dim)."""
    hidden = ops.gelu(layer_norm(linear(pooled, state, f"{prefix}.0"), state, f"{prefix}.1"), "erf")
    return layer_norm(linear(hidden, state, f"{prefix}.4"), state, f"{prefix}.5")


# ------------------------------------------------------------------------------------------------ SigLIP


def _siglip(images: Node, state: State, prefix: str) -> Node:
    """Return the output of the attention-pooling head, (P, 768)."""
    weight = state[f"{prefix}.embeddings.patch_embedding.weight"]
    patches = convolution(images, weight, stride=PATCH)
    tokens = ops.transpose(ops.reshape(patches, integers(0, 0, -1), True), integers(0, 2, 1))
    bias = state[f"{prefix}.embeddings.patch_embedding.bias"].astype(np.float32)
    x = ops.add(tokens, constant(state[f"{prefix}.embeddings.position_embedding.weight"] + bias))
    for layer in range(SIGLIP_LAYERS):
        x = _siglip_layer(x, state, f"{prefix}.encoder.layers.{layer}")
    return _siglip_head(layer_norm(x, state, f"{prefix}.post_layernorm", SIGLIP_EPS), state, f"{prefix}.head")


def _siglip_layer(x: Node, state: State, prefix: str) -> Node:
    names = (f"{prefix}.self_attn.q_proj", f"{prefix}.self_attn.k_proj", f"{prefix}.self_attn.v_proj")
    attended = attention(layer_norm(x, state, f"{prefix}.layer_norm1", SIGLIP_EPS), state, names, SIGLIP_HEADS)
    x = ops.add(x, linear(attended, state, f"{prefix}.self_attn.out_proj"))
    return ops.add(x, _siglip_mlp(layer_norm(x, state, f"{prefix}.layer_norm2", SIGLIP_EPS), state, f"{prefix}.mlp"))


def _siglip_mlp(x: Node, state: State, prefix: str) -> Node:
    return linear(ops.gelu(linear(x, state, f"{prefix}.fc1"), "tanh"), state, f"{prefix}.fc2")


def _siglip_head(x: Node, state: State, prefix: str) -> Node:
    """Return (P, 768): a learned query attends to all tokens, (P, L, 768)."""
    weight, bias = state[f"{prefix}.attention.in_proj_weight"], state[f"{prefix}.attention.in_proj_bias"]
    parts = {
        f"{prefix}.attention.{part}.{kind}": values
        for kind, array in (("weight", weight), ("bias", bias))
        for part, values in zip(("query", "key", "value"), np.split(array, 3), strict=True)
    }
    query = split_heads(linear(constant(state[f"{prefix}.probe"]), parts, f"{prefix}.attention.query"), SIGLIP_HEADS)
    key, value = (
        split_heads(linear(x, parts, f"{prefix}.attention.{part}"), SIGLIP_HEADS) for part in ("key", "value")
    )
    batch = ops.concat([ops.gather(ops.shape_of(x), integers(0), integers(0)), integers(1, 1, 1)], 0)
    attended = join_heads(scaled_attention(ops.tile(query, batch), key, value))
    pooled = linear(attended, state, f"{prefix}.attention.out_proj")
    mlp = _siglip_mlp(layer_norm(pooled, state, f"{prefix}.layernorm", SIGLIP_EPS), state, f"{prefix}.mlp")
    return ops.squeeze(ops.add(pooled, mlp), integers(1))


# ------------------------------------------------------------------------------------------------ ResNet-50


def _resnet(images: Node, state: State, prefix: str) -> Node:
    """Return the global average of the last stage, (P, 2048)."""
    x = ops.relu(convolution_with_norm(images, state, f"{prefix}.conv1", f"{prefix}.bn1", stride=2, padding=3))
    x = ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    for stage, blocks in enumerate(RESNET_BLOCKS, start=1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _bottleneck(x, state, f"{prefix}.layer{stage}.{block}", stride)
    return mean(x, 2, 3)


def _bottleneck(x: Node, state: State, prefix: str, stride: int) -> Node:
    """Return `x` through one block of ResNet-50 v1.5: the 3 x 3 convolution has the stride."""
    inner = ops.relu(convolution_with_norm(x, state, f"{prefix}.conv1", f"{prefix}.bn1"))
    inner = ops.relu(convolution_with_norm(inner, state, f"{prefix}.conv2", f"{prefix}.bn2", stride, padding=1))
    inner = convolution_with_norm(inner, state, f"{prefix}.conv3", f"{prefix}.bn3")
    if f"{prefix}.downsample.0.weight" in state:
        x = convolution_with_norm(x, state, f"{prefix}.downsample.0", f"{prefix}.downsample.1", stride)
    return ops.relu(ops.add(inner, x))
