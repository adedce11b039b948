"""The small vision branch: a compact network that runs and trains on a laptop's CPU.

It gives several vectors per panel: one for the whole image and one for each of its 13 regions, all pooled from the
same feature maps in one pass. A query that shows only a piece of a panel can then match the region it came from.
Both must be read at the same size, so a query is also read at smaller sizes: scaled to the width of a region, it gives
nearly the vector of that region. Windows of the query itself measure how much of it a panel shows, even where
something was pasted over a piece of it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from retrieval.encoder.small_shape import (
    PIXELS_PER_CELL,
    QUERY_WINDOWS,
    SMALLEST,
    STRIDES,
    WIDTHS,
    WINDOWS,
    feature_width,
)

_INITIAL_POWER = 3.0
"""Initial exponent of the generalised mean, as published (Radenovic et al., 2018)."""


class SmallBackbone(nn.Module):
    """A four-stage residual network: (P, 3, 224, 224) float32, normalised -> (P, dim), the whole image."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], kernel_size=5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
        )
        stages = zip(pairwise((WIDTHS[0], *WIDTHS)), STRIDES, strict=True)
        self.stages = nn.ModuleList([_stage(width_in, width_out, stride) for (width_in, width_out), stride in stages])
        self.power = nn.Parameter(torch.tensor(_INITIAL_POWER))
        self.adaptation = nn.Sequential(nn.Linear(feature_width(), dim), nn.LayerNorm(dim))

    def forward(self, images: Tensor) -> Tensor:
        """Return the vectors of the whole images, (P, dim)."""
        return self.whole(functional.avg_pool2d(images, 2))

    def with_regions(self, images: Tensor) -> Tensor:
        """Return the vectors of the whole images and of their regions, (P, 14, dim), of images (P, 3, 224, 224)."""
        return self.pool_regions(self.maps(functional.avg_pool2d(images, 2)))

    def query_regions(self, images: Tensor) -> list[Tensor]:
        """Return (P, 1 + W, dim) for each size of `WINDOWS`: the image scaled to that size, and W windows of it."""
        sizes = [side * PIXELS_PER_CELL for side, _ in WINDOWS]
        smaller = [functional.interpolate(images, (s, s), mode="bilinear", antialias=True) for s in sizes[1:]]
        halves = [functional.avg_pool2d(images, 2), *smaller]
        return [
            self._with_windows(self.maps(half), *window) for half, window in zip(halves, QUERY_WINDOWS, strict=True)
        ]

    def _with_windows(self, maps: Tensor, side: int, step: int) -> Tensor:
        """(P, 288, h, h) -> (P, 1 + W, dim)."""
        return self._adapt([self._pool(maps, maps.shape[-1], 1), self._pool(maps, side, step)])

    def whole(self, half: Tensor) -> Tensor:
        """Return the vectors of images that are at half size already: (P, 3, 8 h, 8 w) -> (P, dim)."""
        return self.pool_whole(self.maps(half))

    def pool_regions(self, maps: Tensor) -> Tensor:
        """Pool the whole and its regions from the feature maps: (P, 288, 14, 14) -> (P, 14, dim)."""
        return self._adapt([self._pool(maps, side, step) for side, step in WINDOWS])

    def pool_whole(self, maps: Tensor) -> Tensor:
        """Pool the whole from the feature maps: (P, 288, h, w) -> (P, dim)."""
        powered = maps.clamp(min=SMALLEST).pow(self.power).mean(dim=(2, 3), keepdim=True)
        return self._adapt([self._join(powered, maps.mean(dim=(2, 3), keepdim=True))])[:, 0]

    def maps(self, half: Tensor) -> Tensor:
        """Return the feature maps of the last two stages: (P, 3, 8 h, 8 w) -> (P, 288, h, w) float32."""
        last = self.stem(half)
        outputs = []
        for stage in self.stages:
            last = stage(last)
            outputs.append(last)
        return torch.cat(outputs[-2:], dim=1).float()

    def _pool(self, maps: Tensor, side: int, step: int) -> Tensor:
        powered = functional.avg_pool2d(maps.clamp(min=SMALLEST).pow(self.power), side, step)
        return self._join(powered, functional.avg_pool2d(maps, side, step))

    def _join(self, powered: Tensor, mean: Tensor) -> Tensor:
        """Join the generalised mean of all maps (Radenovic et al., 2018) and the plain mean of the last stage's."""
        return torch.cat([powered.pow(1 / self.power), mean[:, -WIDTHS[-1] :]], dim=1)

    def _adapt(self, pooled: list[Tensor]) -> Tensor:
        """Project pooled windows, (P, F, n, n) each: (P, number of windows, dim)."""
        features = torch.cat([windows.flatten(2) for windows in pooled], dim=2).transpose(1, 2)
        adapted: Tensor = self.adaptation(features)
        return adapted


def _stage(width_in: int, width_out: int, stride: int) -> nn.Module:
    """Return one residual block; stride 2 halves each side."""
    shortcut = None
    if stride != 1 or width_in != width_out:
        shortcut = nn.Sequential(nn.Conv2d(width_in, width_out, 1, stride, bias=False), nn.BatchNorm2d(width_out))
    block: nn.Module = BasicBlock(width_in, width_out, stride, shortcut)
    return block
