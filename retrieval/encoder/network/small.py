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

WIDTHS = (24, 48, 96, 192)
"""Channels of the four stages; ResNet-18 has 64, 128, 256 and 512."""

STRIDES = (1, 2, 2, 1)
"""Strides of the stages. The last one keeps the size of the third, so that windows align with cells."""

CELLS = 14
"""Side of the last feature map: one cell for each 16 pixels of the 224 x 224 image."""

WINDOWS = ((CELLS, 1), (10, 4), (8, 3))
"""(side, step) in cells: the whole image, 2 x 2 regions of half the area, 3 x 3 regions of a third of it."""

VECTORS_PER_PANEL = sum(((CELLS - side) // step + 1) ** 2 for side, step in WINDOWS)
"""14: the whole image, then its regions row by row, larger ones first."""

QUERY_WINDOWS = ((8, 3), (8, 2), (6, 2))
"""(side, step) in cells of the windows of a query image, read at each of the three sizes: 9, 4 and 4 windows."""

_PIXELS = 8
"""Pixels of the half-size image per cell."""

_SMALLEST = 1e-4
"""Lower bound of activations before they are raised to a power, which has no gradient at 0."""

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
        sizes = [side * _PIXELS for side, _ in WINDOWS]
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
        powered = maps.clamp(min=_SMALLEST).pow(self.power).mean(dim=(2, 3), keepdim=True)
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
        powered = functional.avg_pool2d(maps.clamp(min=_SMALLEST).pow(self.power), side, step)
        return self._join(powered, functional.avg_pool2d(maps, side, step))

    def _join(self, powered: Tensor, mean: Tensor) -> Tensor:
        """Join the generalised mean of all maps (Radenovic et al., 2018) and the plain mean of the last stage's."""
        return torch.cat([powered.pow(1 / self.power), mean[:, -WIDTHS[-1] :]], dim=1)

    def _adapt(self, pooled: list[Tensor]) -> Tensor:
        """Project pooled windows, (P, F, n, n) each: (P, number of windows, dim)."""
        features = torch.cat([windows.flatten(2) for windows in pooled], dim=2).transpose(1, 2)
        adapted: Tensor = self.adaptation(features)
        return adapted


def feature_width() -> int:
    """Return F, the number of features pooled from a window."""
    return WIDTHS[-2] + 2 * WIDTHS[-1]


def windows() -> list[tuple[float, float, float, float]]:
    """Return (x, y, w, h) of the whole and its regions, as fractions of the image's sides.

    In the order of `SmallBackbone.with_regions`.
    """
    boxes = []
    for side, step in WINDOWS:
        offsets = range(0, CELLS - side + 1, step)
        boxes += [(x / CELLS, y / CELLS, side / CELLS, side / CELLS) for y in offsets for x in offsets]
    return boxes


def _stage(width_in: int, width_out: int, stride: int) -> nn.Module:
    """Return one residual block; stride 2 halves each side."""
    shortcut = None
    if stride != 1 or width_in != width_out:
        shortcut = nn.Sequential(nn.Conv2d(width_in, width_out, 1, stride, bias=False), nn.BatchNorm2d(width_out))
    block: nn.Module = BasicBlock(width_in, width_out, stride, shortcut)
    return block
