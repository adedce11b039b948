"""The encoder's network executed by OpenVINO on the CPU. Needs neither torch nor transformers.

OpenVINO is imported with the first graph: a search for a few words needs none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.runtime.base import EncoderRuntime, Floats, Fusion
from retrieval.encoder.runtime.int8_ranges import AGAIN, Int8Ranges
from retrieval.encoder.runtime.numpy_text import MOST_TOKENS, text_vector
from retrieval.encoder.runtime.precision import NO_INT8, NO_INT8_HINT
from retrieval.encoder.runtime.weights import State
from retrieval.encoder.small_shape import VECTORS_PER_PANEL
from retrieval.encoder.spec import EncoderSpec
from retrieval.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    import openvino as ov

    from retrieval.encoder.network.model import PanelFeatureExtractor

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
"""OpenVINO's names. Without a hint it would compute in bfloat16 wherever the CPU can."""

_VNNI = {"avx512_vnni", "avx_vnni", "amx_int8"}
"""Instructions that add products of 8 bits in 32 bits."""

SMALLEST_NORM = 1e-12
"""Vectors are divided by at least this, as torch does it."""


class OpenVinoRuntime(EncoderRuntime):
    """The branches of one network as compiled graphs; each is compiled when it is first needed.

    state: tensors by their published key names.
    threads: of one inference. None is OMP_NUM_THREADS, as torch has it, else OpenVINO's own choice: one per core.
    torch_model: makes the same network in torch, for `model`; None if there is none.
    one_query: True in a process that ends after one query. A short text is then read by `numpy_text`, in less time
        than its graph takes to compile.
    ranges: computes the image branch of a published encoder in int8, for layers that have a range. The other layers
        and branches are float32.
    """

    def __init__(
        self,
        state: State,
        precision: str = "float32",
        threads: int | None = None,
        torch_model: Callable[[], PanelFeatureExtractor] | None = None,
        one_query: bool = False,
        ranges: Int8Ranges | None = None,
    ) -> None:
        self.ranges = ranges
        self._state = state
        self._precision = precision
        self._torch_model = torch_model
        self._one_query = one_query
        self._small = "vision.stem.0.weight" in state
        regions = VECTORS_PER_PANEL - 1 if self._small else 0
        self._spec = EncoderSpec(dimension=len(state["text.proj.bias"]), regions=regions)
        self._config: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._threads = threads = threads or _environment_threads()
        if threads:
            self._config["INFERENCE_NUM_THREADS"] = threads

    @property
    def spec(self) -> EncoderSpec:
        """Return the sizes of the network."""
        return self._spec

    @property
    def device(self) -> str:
        """Return the device that the network runs on."""
        return "cpu"

    @property
    def precision(self) -> str:
        """Return the number type of the network: float32, bfloat16 or int8."""
        return "int8" if self.ranges else self._precision

    @property
    def constant_gate(self) -> bool:
        """Return True if the gate depends only on which branches are present: its last layer has no weights."""
        return not bool(self._state["fusion.gate.2.weight"].any())

    @cached_property
    def model(self) -> PanelFeatureExtractor:
        """Return the same network as a torch module, in eval mode. Loads torch."""
        if self._torch_model is None:
            raise AttributeError("this runtime has no torch module")
        return self._torch_model()

    def image(self, images: Floats) -> Floats:
        """Return the image vectors, (P, D)."""
        return self.outputs(self._image, images)[0]

    def image_regions(self, images: Floats) -> Floats:
        """Return the vectors of each image and of its regions, (P, 1 + R, D)."""
        if self._small:
            return self.outputs(self._regions, images)[0]
        return self.image(images)[:, None]

    def query_regions(self, images: Floats) -> list[Floats]:
        """Return the vectors of query images at each size, (P, 1 + W, D) each."""
        if self._small:
            return self.outputs(self._query, images)
        return [self.image(images)[:, None]]

    def text(self, ids: NDArray[Any], mask: NDArray[Any]) -> Floats:
        """Return the text vectors, (P, D)."""
        if self._one_query and len(ids) == 1 and 0 < mask.sum() <= MOST_TOKENS:
            return text_vector(ids[mask > 0], self._state)
        return self.outputs(self._text, ids, mask)[0]

    def fuse(self, image: Floats, text: Floats, geometry: Floats, mask: Floats) -> Fusion:
        """Return the fused vectors and the gate weights of P panels."""
        return Fusion(*self.outputs(self._fusion, image, text, geometry, mask))

    def unit(self, vectors: Floats) -> Floats:
        """Return `vectors`, (..., D), scaled to length 1; rows of zeros stay zero."""
        norms = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
        rows: Floats = (vectors / np.maximum(norms, SMALLEST_NORM)).astype(np.float32)
        return rows

    def compiled(self, graph: ov.Model) -> ov.CompiledModel:
        """Return a graph compiled for this runtime."""
        import openvino as ov

        return ov.Core().compile_model(graph, "CPU", self._config)

    def outputs(self, model: ov.CompiledModel, *arrays: NDArray[Any]) -> list[Floats]:
        """Return the outputs of a compiled graph for some arrays."""
        outputs = model([np.ascontiguousarray(array) for array in arrays])
        return [outputs[port] for port in model.outputs]

    def in_int8(self, ranges: Int8Ranges) -> OpenVinoRuntime:
        """Return a runtime of the same network with the image branch in int8.

        Raises `UsageError` for `small`, and `CheckpointError` for ranges of another network.
        """
        self.check_int8()
        if not all(f"{name}.weight" in self._state or ".head.attention." in name for name in ranges.ranges):
            raise CheckpointError("the ranges of int8 are of another network", hint=AGAIN)
        return OpenVinoRuntime(self._state, self._precision, self._threads, self._torch_model, self._one_query, ranges)

    def image_graph(self) -> ov.Model:
        """Return the graph of the image branch of a published encoder in float32."""
        from retrieval.encoder.runtime.graphs.published import vision_graph

        return vision_graph(self._state)

    def check_int8(self) -> None:
        """Raise `UsageError` for `small`, which has no int8."""
        if self._small:
            raise UsageError(NO_INT8, hint=NO_INT8_HINT)

    @cached_property
    def _image(self) -> ov.CompiledModel:
        if self._small:
            from retrieval.encoder.runtime.graphs.small import whole_graph

            return self.compiled(whole_graph(self._state))
        if self.ranges is None:
            return self.compiled(self.image_graph())
        from retrieval.encoder.runtime.graphs.quantized import quantized

        return self.compiled(quantized(self.image_graph(), self.ranges.settings(kernels=has_vnni())))

    @cached_property
    def _regions(self) -> ov.CompiledModel:
        from retrieval.encoder.runtime.graphs.small import region_graph

        return self.compiled(region_graph(self._state))

    @cached_property
    def _query(self) -> ov.CompiledModel:
        from retrieval.encoder.runtime.graphs.small import query_graph

        return self.compiled(query_graph(self._state))

    @cached_property
    def _text(self) -> ov.CompiledModel:
        from retrieval.encoder.runtime.graphs.text import text_graph

        return self.compiled(text_graph(self._state))

    @cached_property
    def _fusion(self) -> ov.CompiledModel:
        from retrieval.encoder.runtime.graphs.fusion import fusion_graph

        return self.compiled(fusion_graph(self._state))


def has_bfloat16() -> bool:
    """Return True if the CPU computes in bfloat16."""
    import openvino as ov

    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def has_vnni() -> bool:
    """Return True if the CPU adds products of 8 bits in 32 bits, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    return any(_VNNI & set(line.split()) for line in lines if line.startswith("flags"))


def _environment_threads() -> int:
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdecimal() else 0
