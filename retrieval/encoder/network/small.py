"""The small vision branch: a compact network that a laptop's CPU runs and trains.

It speaks for a panel with several vectors: one for the whole picture and one for each of 13 windows of it,
all pooled from one pass over the same maps. A query that is only a piece of a panel then meets the window it
came from. For that both must be seen at one size, so a query is also read smaller: a piece as wide as a
window, drawn as wide as that window, gives nearly the window's own numbers. Windows of the query itself then say
whether the rest of it is there too, also where something was pasted over a part.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

WIDTHS = (24, 48, 96, 192)
"""Channels of the four stages; ResNet-18 has 64, 128, 256, 512 there."""

STRIDES = (1, 2, 2, 1)
"""The last stage keeps the third's size, so that windows have edges to lie on."""

CELLS = 14
"""Side of the last map: one cell for each 16 pixels of the 224 x 224 picture."""

WINDOWS = ((CELLS, 1), (10, 4), (8, 3))
"""(side, step) in cells: the whole, 2 x 2 windows of half the area, 3 x 3 windows of a third of it."""

PARTS = sum(((CELLS - side) // step + 1) ** 2 for side, step in WINDOWS)
"""Vectors of a panel: 14, the whole first, then windows row by row, the larger ones before."""

QUERY_WINDOWS = ((8, 3), (8, 2), (6, 2))
"""(side, step) in cells: the windows of a picture that asks, read at each of the three sizes: 9, 4 and 4."""

_PIXELS = 8
"""Pixels of the halved picture under a cell."""

_SMALLEST = 1e-4
_POOLED = 3.0


class SmallBackbone(nn.Module):
    """(P, 3, 224, 224) float32, normalised -> (P, dim): the vector of the whole picture."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], kernel_size=5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
        )
        steps = zip(pairwise((WIDTHS[0], *WIDTHS)), STRIDES, strict=True)
        self.stages = nn.ModuleList([_stage(before, after, stride) for (before, after), stride in steps])
        self.power = nn.Parameter(torch.tensor(_POOLED))
        self.adaptation = nn.Sequential(nn.Linear(feature_width(), dim), nn.LayerNorm(dim))

    def forward(self, images: Tensor) -> Tensor:
        return self.whole(functional.avg_pool2d(images, 2))

    def parts(self, images: Tensor) -> Tensor:
        """(P, 3, 224, 224) -> (P, 14, dim): the whole and its windows, from one pass."""
        return self.pooled_parts(self.maps(functional.avg_pool2d(images, 2)))

    def query_parts(self, images: Tensor) -> list[Tensor]:
        """(P, 3, 224, 224) -> (P, 1 + W, dim) for each size of `WINDOWS`: as if it were one, and W windows of it."""
        sides = [side * _PIXELS for side, _ in WINDOWS]
        seen = [functional.interpolate(images, (s, s), mode="bilinear", antialias=True) for s in sides[1:]]
        halves = [functional.avg_pool2d(images, 2), *seen]
        return [self._with_windows(self.maps(half), *inner) for half, inner in zip(halves, QUERY_WINDOWS, strict=True)]

    def _with_windows(self, maps: Tensor, side: int, step: int) -> Tensor:
        """(P, 288, h, h) -> (P, 1 + W, dim)."""
        return self._adapted([self._pooled(maps, maps.shape[-1], 1), self._pooled(maps, side, step)])

    def whole(self, half: Tensor) -> Tensor:
        """(P, 3, h, w), already at half size, any multiple of 8 -> (P, dim)."""
        return self.pooled_whole(self.maps(half))

    def pooled_parts(self, maps: Tensor) -> Tensor:
        """(P, 288, 14, 14) -> (P, 14, dim)."""
        return self._adapted([self._pooled(maps, side, step) for side, step in WINDOWS])

    def pooled_whole(self, maps: Tensor) -> Tensor:
        """(P, 288, h, w) -> (P, dim)."""
        powered = maps.clamp(min=_SMALLEST).pow(self.power).mean(dim=(2, 3), keepdim=True)
        return self._adapted([self._joined(powered, maps.mean(dim=(2, 3), keepdim=True))])[:, 0]

    def maps(self, half: Tensor) -> Tensor:
        """(P, 3, 8 h, 8 w) -> (P, 288, h, w) float32: the last two stages side by side."""
        last = self.stem(half)
        kept = []
        for stage in self.stages:
            last = stage(last)
            kept.append(last)
        return torch.cat(kept[-2:], dim=1).float()

    def _pooled(self, maps: Tensor, side: int, step: int) -> Tensor:
        powered = functional.avg_pool2d(maps.clamp(min=_SMALLEST).pow(self.power), side, step)
        return self._joined(powered, functional.avg_pool2d(maps, side, step))

    def _joined(self, powered: Tensor, mean: Tensor) -> Tensor:
        """Generalised mean of all maps (Radenovic et al., 2018), plain mean of the last stage's."""
        return torch.cat([powered.pow(1 / self.power), mean[:, -WIDTHS[-1] :]], dim=1)

    def _adapted(self, pooled: list[Tensor]) -> Tensor:
        """Pooled windows, (P, F, n, n) each -> (P, all of them, dim)."""
        features = torch.cat([windows.flatten(2) for windows in pooled], dim=2).transpose(1, 2)
        adapted: Tensor = self.adaptation(features)
        return adapted


def feature_width() -> int:
    """F: how many numbers are pooled from a window."""
    return WIDTHS[-2] + 2 * WIDTHS[-1]


def windows() -> list[tuple[float, float, float, float]]:
    """(x, y, w, h) of each part as shares of the picture's sides, in the order of `SmallBackbone.parts`."""
    found = []
    for side, step in WINDOWS:
        places = range(0, CELLS - side + 1, step)
        found += [(x / CELLS, y / CELLS, side / CELLS, side / CELLS) for y in places for x in places]
    return found


def _stage(before: int, after: int, stride: int) -> nn.Module:
    """One residual block, half as large in each direction where `stride` is 2."""
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
    block: nn.Module = BasicBlock(before, after, stride, shortcut)
    return block
