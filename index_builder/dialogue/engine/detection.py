"""Text detection: a page -> the corners of its lines."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from index_builder.dialogue.engine.networks import detection_network

MIN_BOX_SCORE = 0.4
"""Detection score, 0-1, of text boxes. It is below RapidOCR's default: the recognition score filters again."""

_MIN_SHORT_SIDE = 736
"""Pixels; an image with a shorter side is enlarged, as RapidOCR does it."""

_MAX_RATIO = 4
"""Ratio of the sides from which a narrow image is enlarged no more than a less narrow one."""

_MULTIPLE = 32
"""The sides of the network's input are multiples of this many pixels."""

_MIN_PIXEL_SCORE = 0.3
"""Probability from which a pixel is text."""

_GROWTH = 1.6
"""The network marks the core of a line; its box grows by this ratio of area to circumference."""

_MAX_BOXES = 1000

Corners = NDArray[np.float32]
"""Corners of lines, (N, 4, 2) in pixels, clockwise from top left."""


class TextDetector:
    """Finds the lines of text in an image."""

    def __init__(self, model: Path, threads: int, precision: str) -> None:
        self._network = detection_network(model, threads, precision)
        self._boxes = DBPostProcess(_MIN_PIXEL_SCORE, MIN_BOX_SCORE, _MAX_BOXES, _GROWTH, use_dilation=True)

    def find(self, image: NDArray[np.uint8]) -> Corners:
        """Return the corners of the lines in an image, (H, W, 3) uint8 BGR, from top to bottom."""
        return self._find(image, full_scale(image.shape))

    def _find(self, image: NDArray[np.uint8], scale: float) -> Corners:
        height, width = image.shape[:2]
        size = _multiple(width * scale), _multiple(height * scale)
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        (probabilities,) = self._network.run(resized[None])
        corners, _ = self._boxes(probabilities, (height, width))
        return np.asarray(corners, np.float32).reshape(-1, 4, 2)


def full_scale(shape: tuple[int, ...]) -> float:
    """Return the factor by which an image of `shape` (H, W, ...) is enlarged for detection at full size."""
    short, long = sorted(shape[:2])
    return max(1.0, _MIN_SHORT_SIDE / max(short, long / _MAX_RATIO))


def _multiple(side: float) -> int:
    return max(1, round(side / _MULTIPLE)) * _MULTIPLE
