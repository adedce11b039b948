"""int8 layers in a graph: fake-quantised inputs and weights, from which OpenVINO makes 8-bit kernels.

Convolutions and the linear layers over all tokens can be computed in int8. Layers that read the pixels, those after
pooling, and everything between layers stay float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino import Model, Node, Output

from retrieval.encoder.runtime.graphs.layers import constant, integers, number
from retrieval.errors import CheckpointError

Floats = NDArray[np.float32]

INPUT_LEVELS, WEIGHT_LEVELS = 256, 255
"""Numbers of 8 bits. Weights are symmetric around 0."""

SMALLEST_WEIGHT = 1e-8
"""A row of weights is taken to reach at least this far from 0, so that its range is not empty."""


_Inputs = dict[tuple[str, int, bytes], Node]
"""Quantised inputs by their source and range: layers with one input share it."""


class Int8Settings(NamedTuple):
    """The ranges and the width of int8 layers.

    ranges: by the prefix of a layer's weights, a float32 array: the lowest and the highest number of its input, then
        one scale per input channel of a linear layer. Inputs are divided by the scale, weights multiplied by it.
    largest_weight: in int8, 64 or 127. A CPU without VNNI adds two products in 16 bits: 2 x 255 x 127 would not fit.
    kernels: False computes the same numbers in float32, slowly.
    """

    ranges: Mapping[str, Floats]
    largest_weight: int
    kernels: bool = True


def int8_layers(graph: Model) -> dict[str, Node]:
    """Return the convolutions and products that can be computed in int8, in order, by the prefix of their weights."""
    nodes = (node for node in graph.get_ordered_ops() if node.get_type_name() in ("Convolution", "MatMul"))
    return {node.get_friendly_name(): node for node in nodes if _takes_int8(node)}


def _takes_int8(node: Node) -> bool:
    source, weights = (node.input_value(place).get_node().get_type_name() for place in range(2))
    if weights != "Constant" or source in ("Constant", "Parameter"):
        return False
    if is_convolution(node):
        return True
    shape = node.input_value(0).get_partial_shape()
    return len(shape) == 3 and not (shape[1].is_static and shape[1].get_length() == 1)


def is_convolution(node: Node) -> bool:
    """Return True for a convolution, False for a product."""
    return bool(node.get_type_name() == "Convolution")


def layer_weights(node: Node) -> Floats:
    """Return a copy of a layer's weights, (m, c, k, k) or (m, n) float32."""
    return np.array(node.input_value(1).get_node().data, dtype=np.float32)


def observed(graph: Model) -> Model:
    """Return the graph images -> the lowest and the highest number of each channel of each layer's input.

    Two outputs per layer, in the order of `int8_layers`. `graph` must not be used afterwards.
    """
    outputs: list[Node] = []
    for node in int8_layers(graph).values():
        axes = integers(0, 2, 3) if is_convolution(node) else integers(0, 1)
        outputs += [ops.reduce_min(node.input_value(0), axes), ops.reduce_max(node.input_value(0), axes)]
    return Model(outputs, graph.get_parameters(), "observed")


def quantized(graph: Model, settings: Int8Settings) -> Model:
    """Change a graph so that the layers with a range are computed in int8; return it."""
    for output, in_int8 in _twins(graph, settings):
        output.replace(in_int8().output(0))
    return graph


def noises(graph: Model, settings: Int8Settings) -> Model:
    """Return the graph images -> the noise of int8 in each layer with a range, in order; each gets float32 inputs.

    The noise is the mean square of the error over the variance of the output. `graph` must not be used afterwards.
    """
    outputs = []
    for output, in_int8 in list(_twins(graph, settings)):
        axes = integers(*range(len(output.get_partial_shape())))
        error = ops.reduce_mean(ops.power(ops.subtract(in_int8(), output), number(2)), axes)
        centred = ops.subtract(output, ops.reduce_mean(output, axes, True))
        outputs.append(ops.divide(error, ops.reduce_mean(ops.power(centred, number(2)), axes)))
    return Model(outputs, graph.get_parameters(), "noises")


def _twins(graph: Model, settings: Int8Settings) -> Iterator[tuple[Output, Callable[[], Node]]]:
    """Return the output of each layer with a range, and what makes the same in int8; of a product, with its bias."""
    inputs: _Inputs = {}
    for name, node in int8_layers(graph).items():
        if name not in settings.ranges:
            continue
        if is_convolution(node):
            yield node.output(0), partial(_convolution, node, settings.ranges[name], settings, inputs)
        else:
            (bias,) = node.output(0).get_target_inputs()
            added = bias.get_node()
            yield added.output(0), partial(_linear, node, added, settings.ranges[name], settings, inputs)


def _convolution(node: Node, limits: Floats, settings: Int8Settings, inputs: _Inputs) -> Node:
    source, attributes = node.input_value(0), node.get_attributes()
    key = _key(source, limits)
    if key not in inputs:
        inputs[key] = _rounded_input(source, limits)
    windows = [list(attributes[name]) for name in ("strides", "pads_begin", "pads_end", "dilations")]
    return ops.convolution(inputs[key], _rounded_weights(layer_weights(node), settings), *windows)


def _linear(node: Node, added: Node, limits: Floats, settings: Int8Settings, inputs: _Inputs) -> Node:
    """Return a linear layer with its bias as a convolution of 1 x 1 over (P, n, L, 1).

    A CPU without VNNI has a fast int8 kernel for convolutions only.
    """
    source, scale, weights = node.input_value(0), limits[2:], layer_weights(node)
    if len(scale) != weights.shape[1]:
        raise CheckpointError(f"the ranges of int8 are of another network ({node.get_friendly_name()})")
    key = _key(source, limits)
    if key not in inputs:
        inputs[key] = _channels_first(source, limits, scale)
    kernel = _rounded_weights((weights * scale)[:, :, None, None], settings)
    product = ops.convolution(inputs[key], kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    sources = (place.get_source_output().get_node() for place in added.inputs())
    (bias,) = (source.data for source in sources if source.get_type_name() == "Constant")
    biased = ops.add(product, constant(np.array(bias, dtype=np.float32).reshape(1, -1, 1, 1)))
    return ops.reshape(ops.transpose(biased, integers(0, 2, 3, 1)), integers(0, -1, len(weights)), True)


def _channels_first(source: Output, limits: Floats, scale: Floats) -> Node:
    """Return the quantised input of a linear layer, (P, L, n) -> (P, n, L, 1)."""
    # not as ranges of the channels: the CPU has such a kernel only for the second axis
    share = (1 / scale).astype(np.float32)
    before = _before_gelu(source.get_node())
    if before is not None:
        active = ops.gelu(before, source.get_node().get_attributes()["approximation_mode"].lower())
        return _rounded_input(ops.multiply(active, constant(share.reshape(1, -1, 1, 1))), limits)
    small = _rounded_input(ops.multiply(source, constant(share)), limits)
    return ops.transpose(ops.reshape(small, integers(0, 0, 1, len(scale)), True), integers(0, 3, 1, 2))


def _before_gelu(node: Node) -> Output | None:
    """Return the input of a GELU, channels first, if it comes from a linear layer in int8."""
    if node.get_type_name() != "Gelu":
        return None
    reshape = node.input_value(0).get_node()
    transpose = reshape.input_value(0).get_node() if reshape.get_type_name() == "Reshape" else reshape
    return transpose.input_value(0) if transpose.get_type_name() == "Transpose" else None


def _rounded_weights(weights: Floats, settings: Int8Settings) -> Node:
    """Return weights in int8, symmetric for each output channel."""
    reach = np.abs(weights).reshape(len(weights), -1).max(axis=1).reshape(-1, *[1] * (weights.ndim - 1))
    step = np.maximum(reach, SMALLEST_WEIGHT) / np.float32(settings.largest_weight)
    if not settings.kernels:
        return constant(np.rint(weights / step) * step)
    ends = [constant(step * sign * (WEIGHT_LEVELS // 2)) for sign in (-1, 1)]
    return ops.fake_quantize(constant(weights), *ends, *ends, WEIGHT_LEVELS)


def _rounded_input(x: Node | Output, limits: Floats) -> Node:
    """Return `x` rounded to 8 bits between the limits."""
    ends = [number(float(limit)) for limit in limits[:2]]
    return ops.fake_quantize(x, *ends, *ends, INPUT_LEVELS)


def _key(source: Output, limits: Floats) -> tuple[str, int, bytes]:
    return source.get_node().get_name(), source.get_index(), limits.tobytes()
