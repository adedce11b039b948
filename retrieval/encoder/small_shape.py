"""Sizes of the vision branch of `small`, shared by the runtimes; see `network.small`. Needs no torch."""

from __future__ import annotations

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

PIXELS_PER_CELL = 8
"""Pixels of the half-size image per cell."""

SMALLEST = 1e-4
"""Lower bound of activations before they are raised to a power, which has no gradient at 0."""


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
