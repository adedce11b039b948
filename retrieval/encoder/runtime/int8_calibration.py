"""Calibration of int8: ranges measured on panels, and layers left in float32 until the vectors are near enough."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrieval.encoder.runtime.base import Floats
from retrieval.encoder.runtime.graphs.quantized import int8_layers, is_convolution, layer_weights, noises, observed
from retrieval.encoder.runtime.int8_ranges import Int8Ranges
from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime, has_vnni
from retrieval.errors import CheckpointError
from retrieval.progress import ProgressCallback, StageProgress, no_progress

log = logging.getLogger("panelseek")

LEAST_COSINE = 0.999
"""Between the vectors of each checked panel in int8 and in float32."""

LEAST_PANELS = 64
"""Panels for a calibration, at least: fewer say too little about the panels that follow."""

MOST_PANELS = 192
"""Panels that a calibration uses. In float32 they take about a minute and a half on two cores."""

CHECKED = 3
"""One panel in so many is not used for the ranges. Its vectors are compared."""

FLOAT_SHARES = (0.0, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Parts of the layers that stay float32, tried in turn; those with the most noise come first."""

SMOOTHING = 0.7
"""How much of the differences between input channels moves into the weights (Xiao et al. 2022, "SmoothQuant").

With MiniLM, whose weights are trained, in 7 bits, the mean of 1 - cosine over 32 texts of 24 words is 0.0093 without,
0.0051 at 0.6, 0.0037 at 0.7, 0.0038 at 0.8, and 0.0049 at 0.9."""

_BATCH = 8
_NOISE_PANELS = 8
_SMALLEST = 1e-5
"""A channel is taken to reach at least this far from 0."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of a calibration.

    ranges: of the layers that are computed in int8. least, mean: cosines between int8 and float32 over the checked
    panels.
    """

    ranges: Int8Ranges
    least: float
    mean: float


def calibrate(
    exact: OpenVinoRuntime, images: Floats, progress: ProgressCallback = no_progress, largest_weight: int | None = None
) -> Calibration:
    """Calibrate a network on panels.

    exact: its runtime in float32. images: (P, 3, S, S), normalised; P is at least `LEAST_PANELS`. progress: stage
    "calibrate int8", unit "panels". largest_weight: None is the best one of this CPU.

    Raises `CheckpointError` for too few panels, and if the vectors do not become near enough.
    """
    if len(images) < LEAST_PANELS:
        problem = f"int8 is calibrated on panels of the comics: found {len(images)}, expected {LEAST_PANELS} at least"
        raise CheckpointError(problem, hint="use --precision auto, or build from more comics")
    largest = largest_weight or (127 if has_vnni() else 64)
    checked = np.arange(len(images)) % CHECKED == CHECKED - 1
    report = StageProgress(progress, "calibrate int8", "panels", len(images))
    ranges = _measured_ranges(exact, images[~checked], report)
    expected = exact.unit(_in_batches(exact, images[checked]))
    report(len(images))
    order: list[str] = []
    for share in FLOAT_SHARES:
        if share and not order:
            order = _noisiest(exact, Int8Ranges.of(ranges, largest), images[~checked][:_NOISE_PANELS])
        left = order[: round(share * len(ranges))]
        found = _checked(exact, {k: v for k, v in ranges.items() if k not in left}, largest, images[checked], expected)
        text = "int8: %d layers, %d in float32; cosine %.5f at least, %.5f in the mean"
        log.info(text, len(found.ranges.ranges), len(left), found.least, found.mean)
        if found.least >= LEAST_COSINE:
            return found
    problem = (
        f"int8 is not exact enough for these panels: the cosine with float32 is {found.least:.4f}, "
        f"expected {LEAST_COSINE} at least"
    )
    raise CheckpointError(problem, hint="use --precision auto")


def _checked(
    exact: OpenVinoRuntime, ranges: Mapping[str, Floats], largest: int, images: Floats, expected: Floats
) -> Calibration:
    """Compare the vectors of int8 with those of float32."""
    made = Int8Ranges.of(ranges, largest)
    cosines = (exact.unit(_in_batches(exact.in_int8(made), images)) * expected).sum(axis=1)
    return Calibration(made, float(cosines.min()), float(cosines.mean()))


def _in_batches(runtime: OpenVinoRuntime, images: Floats) -> Floats:
    return np.concatenate([runtime.image(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)])


def _measured_ranges(exact: OpenVinoRuntime, images: Floats, report: StageProgress) -> dict[str, Floats]:
    """Return the range of each layer over all panels."""
    reaches = _weight_reaches(exact)
    model = exact.compiled(observed(exact.image_graph()))
    lows: list[Floats] = []
    highs: list[Floats] = []
    for start in range(0, len(images), _BATCH):
        found = exact.outputs(model, images[start : start + _BATCH])
        low, high = found[::2], found[1::2]
        lows = [np.minimum(*pair) for pair in zip(lows or low, low, strict=True)]
        highs = [np.maximum(*pair) for pair in zip(highs or high, high, strict=True)]
        report(min(start + _BATCH, len(images)))
    limits = zip(reaches.items(), lows, highs, strict=True)
    return {name: _range(low, high, reach) for (name, reach), low, high in limits}


def _weight_reaches(exact: OpenVinoRuntime) -> dict[str, Floats | None]:
    """Return the largest weight of each input channel, over all layers with one input; None for a convolution."""
    inputs: dict[str, Floats] = {}
    layers: dict[str, str | None] = {}
    for name, node in int8_layers(exact.image_graph()).items():
        layers[name] = None
        if not is_convolution(node):
            layers[name] = source = node.input_value(0).get_node().get_name()
            reach = np.abs(layer_weights(node)).max(axis=0)
            inputs[source] = np.maximum(reach, inputs.get(source, reach))
    return {name: None if source is None else inputs[source] for name, source in layers.items()}


def _range(low: Floats, high: Floats, reach: Floats | None) -> Floats:
    """Return the range of a layer; see `graphs.quantized.Int8Settings`.

    low, high: of each input channel. reach: of the weights of each input channel; None for a convolution.
    """
    scale = np.ones(0, np.float32)
    if reach is not None:
        inputs = np.maximum(np.maximum(-low, high), _SMALLEST)
        scale = (inputs**SMOOTHING / np.maximum(reach, _SMALLEST) ** (1 - SMOOTHING)).astype(np.float32)
        low, high = low / scale, high / scale
    lowest, highest = min(float(low.min()), 0.0), max(float(high.max()), _SMALLEST)
    step = (highest - lowest) / 255
    zero = round(-lowest / step)  # a whole number of steps, so that 0 stays 0
    return np.concatenate([np.array([-zero * step, (255 - zero) * step], np.float32), scale])


def _noisiest(exact: OpenVinoRuntime, ranges: Int8Ranges, images: Floats) -> list[str]:
    """Return the layers, those with the most noise first."""
    graph = exact.image_graph()
    names = [name for name in int8_layers(graph) if name in ranges.ranges]
    found = exact.outputs(exact.compiled(noises(graph, ranges.settings(kernels=has_vnni()))), images)
    return [name for _, name in sorted(zip(map(float, found), names, strict=True), reverse=True)]
