"""The vision branch of `small` as graphs: `network.small.SmallBackbone`."""

from __future__ import annotations

import numpy as np
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino import Model, Node

from retrieval.encoder.runtime.graphs.layers import (
    average_pool,
    constant,
    convolution_with_norm,
    integers,
    layer_norm,
    linear,
    number,
)
from retrieval.encoder.runtime.weights import State
from retrieval.encoder.small_shape import (
    CELLS,
    PIXELS_PER_CELL,
    QUERY_WINDOWS,
    SMALLEST,
    STRIDES,
    WIDTHS,
    WINDOWS,
)
from retrieval.encoder.spec import IMAGE_SIZE


def region_graph(state: State) -> Model:
    """Return the graph images (P, 3, 224, 224) -> vectors of the whole and its regions (P, 14, dim)."""
    images = _images()
    maps = _maps(average_pool(images, 2, 2), state)
    return Model([_adapt([_pool(maps, state, *window) for window in WINDOWS], state)], [images], "image regions")


def query_graph(state: State) -> Model:
    """Return the graph images (P, 3, 224, 224) -> (P, 1 + W, dim) for each size that a query is read at."""
    images = _images()
    halves = [average_pool(images, 2, 2), *(_scaled(images, side * PIXELS_PER_CELL) for side, _ in WINDOWS[1:])]
    outputs = []
    for half, (side, _), window in zip(halves, WINDOWS, QUERY_WINDOWS, strict=True):
        maps = _maps(half, state)
        outputs.append(_adapt([_pool(maps, state, side, 1), _pool(maps, state, *window)], state))
    return Model(outputs, [images], "query regions")


def whole_graph(state: State) -> Model:
    """Return the graph images (P, 3, 224, 224) -> vectors of the whole image (P, dim)."""
    images = _images()
    whole = _adapt([_pool(_maps(average_pool(images, 2, 2), state), state, CELLS, 1)], state)
    return Model([ops.squeeze(whole, integers(1))], [images], "image")


def _images() -> Node:
    return ops.parameter([-1, 3, IMAGE_SIZE, IMAGE_SIZE], np.float32, name="images")


def _scaled(images: Node, side: int) -> Node:
    """Return images scaled to (side, side): bilinear with antialiasing, as torch does it."""
    weights = constant(antialiased(IMAGE_SIZE, side))
    return ops.matmul(ops.matmul(weights, images, False, False), weights, False, True)


def antialiased(size: int, side: int) -> NDArray[np.float32]:
    """Return the (side, size) weights that scale one axis down: a triangle filter as wide as the scale."""
    scale = size / side
    centres = (np.arange(side)[:, None] + 0.5) * scale
    distances = np.abs(np.arange(size)[None, :] + 0.5 - centres) / scale
    weights = np.clip(1 - distances, 0, None)
    rows: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


def _maps(half: Node, state: State) -> Node:
    """Return the feature maps of the last two stages: (P, 3, 8 h, 8 w) -> (P, 288, h, w)."""
    x = ops.relu(convolution_with_norm(half, state, "vision.stem.0", "vision.stem.1", stride=2, padding=2))
    outputs = []
    for stage, stride in enumerate(STRIDES):
        x = _stage(x, state, f"vision.stages.{stage}", stride)
        outputs.append(x)
    return ops.concat(outputs[-2:], 1)


def _stage(x: Node, state: State, prefix: str, stride: int) -> Node:
    """Return `x` through one residual block (`torchvision.models.resnet.BasicBlock`)."""
    inner = ops.relu(convolution_with_norm(x, state, f"{prefix}.conv1", f"{prefix}.bn1", stride, padding=1))
    inner = convolution_with_norm(inner, state, f"{prefix}.conv2", f"{prefix}.bn2", padding=1)
    if f"{prefix}.downsample.0.weight" in state:
        x = convolution_with_norm(x, state, f"{prefix}.downsample.0", f"{prefix}.downsample.1", stride)
    return ops.relu(ops.add(inner, x))


def _pool(maps: Node, state: State, side: int, step: int) -> Node:
    """Pool windows: (P, 288, h, w) -> (P, 480, n, n), see `SmallBackbone`."""
    power = float(state["vision.power"])
    powered = average_pool(ops.power(ops.maximum(maps, number(SMALLEST)), number(power)), side, step)
    last = ops.slice(maps, integers(WIDTHS[-2]), integers(sum(WIDTHS[-2:])), integers(1), integers(1))
    mean = average_pool(last, side, step)
    return ops.concat([ops.power(powered, number(1 / power)), mean], 1)


def _adapt(pooled: list[Node], state: State) -> Node:
    """Project pooled windows, (P, F, n, n) each: (P, number of windows, dim)."""
    flat = [ops.reshape(windows, integers(0, 0, -1), True) for windows in pooled]
    features = ops.transpose(ops.concat(flat, 2) if len(flat) > 1 else flat[0], integers(0, 2, 1))
    return layer_norm(linear(features, state, "vision.adaptation.0"), state, "vision.adaptation.1")
