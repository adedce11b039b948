"""The small vision branch: a compact network that a laptop's CPU runs and trains.

Shallow on purpose: before training, wide fields of random convolutions say less about a panel than its
first layers do, and the layout of a panel (grids) matters as much as its texture (means).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

WIDTHS = (32, 64, 128)
"""Channels of the three stages; ResNet-18 has 64, 128, 256 there."""

GRIDS = (1, 3)
"""Every map is averaged over the whole panel and over 3 x 3 cells."""

COLOUR_GRID = 4


class SmallBackbone(nn.Module):
    """(P, 3, 224, 224) float32, normalised -> (P, dim)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], kernel_size=5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
        )
        self.stages = nn.ModuleList([_stage(WIDTHS[0], WIDTHS[0], stride=1)])
        for before, after in pairwise(WIDTHS):
            self.stages.append(_stage(before, after, stride=2))
        self.adaptation = nn.Sequential(nn.Linear(feature_width(), dim), nn.LayerNorm(dim))

    def features(self, images: Tensor) -> Tensor:
        """(P, F): a colour grid, then every map's cells."""
        half = functional.avg_pool2d(images, 2)  # 112 x 112: a quarter of the work
        maps = [self.stem(half)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        cells = [functional.adaptive_avg_pool2d(m, g) for m in maps for g in GRIDS]
        colours = functional.adaptive_avg_pool2d(half, COLOUR_GRID)
        return torch.cat([part.flatten(1) for part in (colours, *cells)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        adapted: Tensor = self.adaptation(self.features(images))
        return adapted


def feature_width() -> int:
    """F: how many numbers `SmallBackbone.features` gives per panel."""
    channels = WIDTHS[0] + sum(WIDTHS)
    return 3 * COLOUR_GRID**2 + channels * sum(g * g for g in GRIDS)


def _stage(before: int, after: int, stride: int) -> nn.Module:
    """One residual block, half as large in each direction where `stride` is 2."""
    shortcut = None
    if stride != 1:
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
    block: nn.Module = BasicBlock(before, after, stride, shortcut)
    return block
