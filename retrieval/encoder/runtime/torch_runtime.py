"""The encoder's network executed by torch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from retrieval.encoder import inputs
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.network.small import SmallBackbone
from retrieval.encoder.runtime.base import EncoderRuntime, Floats, Fusion
from retrieval.encoder.small_shape import VECTORS_PER_PANEL
from retrieval.encoder.spec import EncoderSpec


class TorchRuntime(EncoderRuntime):
    """A `PanelFeatureExtractor` in eval mode on one device; see `EncoderRuntime`."""

    def __init__(self, model: PanelFeatureExtractor, device: torch.device, precision: str = "float32") -> None:
        self.model = model.eval().to(device)
        self._device = torch.device(device)
        self._precision = precision
        regions = VECTORS_PER_PANEL - 1 if isinstance(model.vision, SmallBackbone) else 0
        self._spec = EncoderSpec(dimension=model.text.proj.out_features, regions=regions)

    @property
    def spec(self) -> EncoderSpec:
        """Return the sizes of the model."""
        return self._spec

    @property
    def device(self) -> torch.device:
        """Return the device that the model is on."""
        return self._device

    @property
    def precision(self) -> str:
        """Return the number type of the network, float32 or bfloat16."""
        return self._precision

    @property
    def constant_gate(self) -> bool:
        """Return True if the model's gate depends only on which branches are present."""
        return self.model.fusion.constant_gate

    def normalized(self, pixels: NDArray[np.uint8]) -> Floats | Tensor:
        """Return (P, S, S, 3) uint8 as images that the other methods take; on a GPU as a tensor there.

        A GPU gets the bytes, a quarter of the data, and does the arithmetic.
        """
        if self._device.type == "cpu":
            return inputs.normalize(pixels)
        return normalized_tensor(torch.from_numpy(pixels).to(self._device))

    @torch.inference_mode()
    def image(self, images: Floats | Tensor) -> Floats:
        """Return the image vectors, (P, D)."""
        with self._cast():
            return _array(self.model.encode_image_only(self._tensor(images)))

    @torch.inference_mode()
    def image_regions(self, images: Floats | Tensor) -> Floats:
        """Return the vectors of each image and of its regions, (P, 1 + R, D)."""
        branch = self.model.vision
        if isinstance(branch, SmallBackbone):
            with self._cast():
                return _array(branch.with_regions(self._tensor(images)))
        return self.image(images)[:, None]

    @torch.inference_mode()
    def query_regions(self, images: Floats | Tensor) -> list[Floats]:
        """Return the vectors of query images at each size, (P, 1 + W, D) each."""
        branch = self.model.vision
        if isinstance(branch, SmallBackbone):
            with self._cast():
                return [_array(vectors) for vectors in branch.query_regions(self._tensor(images))]
        return [self.image(images)[:, None]]

    @torch.inference_mode()
    def text(self, ids: NDArray[Any], mask: NDArray[Any]) -> Floats:
        """Return the text vectors, (P, D)."""
        with self._cast():
            return _array(self.model.encode_text_only(self._tensor(ids), self._tensor(mask)))

    @torch.inference_mode()
    def fuse(self, image: Floats, text: Floats, geometry: Floats, mask: Floats) -> Fusion:
        """Return the fused vectors and the gate weights of P panels."""
        branches = self.model.combine(*map(self._tensor, (image, text, geometry, mask)))
        return Fusion(_array(branches.fused), _array(branches.gate))

    @torch.inference_mode()
    def unit(self, vectors: Floats) -> Floats:
        """Return `vectors`, (..., D), scaled to length 1; rows of zeros stay zero."""
        return _array(normalize(self._tensor(vectors), dim=-1, eps=1e-12))

    def _cast(self) -> AbstractContextManager[None]:
        """Return the context in which the branches run. The fusion always runs in float32."""
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bfloat16")

    def _tensor(self, array: NDArray[Any] | Tensor) -> Tensor:
        return array if isinstance(array, Tensor) else torch.from_numpy(array).to(self.device)


def normalized_tensor(pixels: Tensor) -> Tensor:
    """Return (P, H, W, 3) uint8 as (P, 3, H, W) float32 on the same device, as `inputs.normalize` does."""
    mean, std = (torch.tensor(values, device=pixels.device) for values in (inputs.MEAN, inputs.STD))
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)


def has_bfloat16(device: torch.device) -> bool:
    """Return True if a device computes in bfloat16."""
    return device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))


def device_name(device: torch.device) -> str:
    """Return the name of a device's model, as its driver tells it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.float().cpu().numpy()
    return array
