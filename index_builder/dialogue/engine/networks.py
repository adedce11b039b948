"""The networks of the OCR engine, executed by OpenVINO on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from retrieval.encoder.runtime.openvino_runtime import PRECISIONS, has_bfloat16

_CACHED_LAYERS = 30
"""Compiled layers that are kept for other sizes of input. With OpenVINO's 5,000, memory grows with every size."""

_GREY = [127.5] * 3
"""Subtracted from each pixel of 0-255, and the divisor after it: the networks take -1 to 1."""

_CHARACTERS = 2
"""Axis of the characters in the output of the recognition network."""


class Network:
    """A compiled network. It takes (N, H, W, 3) uint8 BGR and returns arrays that its next run overwrites."""

    def __init__(self, model: ov.Model, threads: int, precision: str) -> None:
        config = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "CPU_RUNTIME_CACHE_CAPACITY": _CACHED_LAYERS,
        }
        self._request = ov.Core().compile_model(_from_pixels(model), "CPU", config).create_infer_request()

    def run(self, images: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Return the outputs for a batch of images."""
        self._request.infer([images])
        return [tensor.data for tensor in self._request.output_tensors]


def fastest_precision() -> str:
    """Return bfloat16 if the CPU computes in it, else float32. It reads as well and takes about half of the time."""
    return "bfloat16" if has_bfloat16() else "float32"


def detection_network(path: Path, threads: int, precision: str) -> Network:
    """Return the network of text detection. Output: probability of text, (N, 1, H, W); H and W divide by 32."""
    return Network(ov.Core().read_model(path), threads, precision)


def recognition_network(path: Path, threads: int, precision: str) -> tuple[Network, list[str]]:
    """Return the network of text recognition and its characters, the first of which stands for none.

    Outputs: probability and index of the most likely character of each step, both (N, T, 1). The choice is part of the
    graph, which is faster than to hand out the probabilities of 18,710 characters.
    """
    model = ov.Core().read_model(path)
    characters = str(model.get_rt_info()["framework"]["character"].value).splitlines()
    probabilities = model.get_results()[0].input_value(0)
    one = ops.constant(1, dtype=np.int32)
    best = ops.topk(probabilities, one, _CHARACTERS, "max", "value", index_element_type="i32")
    chosen = ov.Model([best.output(0), best.output(1)], model.get_parameters(), "recognition")
    return Network(chosen, threads, precision), ["", *characters, " "]


def _from_pixels(model: ov.Model) -> ov.Model:
    """Make the conversion of pixels part of the graph."""
    steps = PrePostProcessor(model)
    steps.input(0).tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input(0).model().set_layout(ov.Layout("NCHW"))
    steps.input(0).preprocess().convert_element_type(ov.Type.f32).mean(_GREY).scale(_GREY)
    return steps.build()
