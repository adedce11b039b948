"""Pages to cut panels from, and boxes on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.records import Box

Pixels = NDArray[np.uint8]
Rect = tuple[float, float, float, float]
"""x, y, w, h."""

PAGE_SIDE = 1100
"""Longer side of a page in pixels, at most: keeps a page at 3 MB."""

PANEL_SIDE = 288
"""Side in pixels of the square a panel is resized to: larger than the network's 224, so that pieces stay sharp."""

_SMALLEST_PANEL = 24
"""Shorter side in pixels from which a panel is used."""

_SMALLEST_CUT = 8
"""Shorter side in pixels of a cut, at least."""

_USES_PANELS = 0.6
"""How often the panels of a page are used where they are known. A random division adds variety."""


@dataclass(frozen=True)
class PairPage:
    """A page (H, W, 3) uint8 RGB, and the boxes of its panels in page pixels where they are known."""

    pixels: Pixels
    panels: tuple[Rect, ...]

    @classmethod
    def of(cls, image: Image.Image, boxes: Sequence[Box]) -> Self:
        """Return a page at `PAGE_SIDE`; boxes are in pixels of `image`, small ones are left out."""
        scale = min(1.0, PAGE_SIDE / max(image.size))
        size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
        pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))
        rects = [_on_page(box, scale, *size) for box in boxes]
        return cls(pixels, tuple(rect for rect in rects if min(rect[2:]) >= _SMALLEST_PANEL))

    def panel_squares(self, count: int, rng: np.random.Generator) -> list[Pixels]:
        """Return `count` panels drawn at random, (288, 288, 3) uint8 each."""
        height, width = self.pixels.shape[:2]
        boxes = self._boxes(rng)
        while len(boxes) < count:
            boxes += random_division(width, height, rng)
        chosen = rng.permutation(len(boxes))[:count]
        return [self._square(boxes[i]) for i in chosen]

    def _boxes(self, rng: np.random.Generator) -> list[Rect]:
        """Return boxes that do not overlap: the panels, or a random division of the page."""
        if len(self.panels) > 1 and rng.random() < _USES_PANELS:
            return list(self.panels)
        return random_division(self.pixels.shape[1], self.pixels.shape[0], rng)

    def _square(self, box: Rect) -> Pixels:
        x, y, w, h = (round(value) for value in box)
        cut = self.pixels[y : y + max(h, _SMALLEST_CUT), x : x + max(w, _SMALLEST_CUT)]
        shrinks = cut.shape[0] > PANEL_SIDE and cut.shape[1] > PANEL_SIDE
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(cut, (PANEL_SIDE, PANEL_SIDE), interpolation=method), np.uint8)


def random_division(width: int, height: int, rng: np.random.Generator) -> list[Rect]:
    """Return the boxes of a page cut into rows and each row into one to three, about the shape of panels."""
    rows = max(1, min(round(rng.integers(2, 5) * height / width / 1.4), 12))
    ys = _random_cuts(height, rows, rng)
    boxes = []
    for top, bottom in pairwise(ys):
        xs = _random_cuts(width, int(rng.integers(1, 4)), rng)
        boxes += [(left, top, right - left, bottom - top) for left, right in pairwise(xs)]
    return boxes


def _on_page(box: Box, scale: float, width: int, height: int) -> Rect:
    x, y, w, h = box.x * scale, box.y * scale, box.w * scale, box.h * scale
    x, y = max(x, 0.0), max(y, 0.0)
    return x, y, min(w, width - x), min(h, height - y)


def _random_cuts(length: int, count: int, rng: np.random.Generator) -> list[float]:
    """Return the edges of `count` pieces of roughly equal length."""
    inner = (np.arange(1, count) + rng.uniform(-0.25, 0.25, count - 1)) * length / count
    return [0.0, *inner.tolist(), float(length)]
