"""Text recognition: crops of lines -> their texts, in batches of equal width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr.utils.process_img import get_rotate_crop_image

from index_builder.dialogue.engine.networks import recognition_network

HEIGHT = 48
"""Height of a crop in pixels, as the network takes it."""

_MIN_WIDTH = 320
"""Width to which shorter crops are padded, as RapidOCR does it. Fewer widths are faster: each is compiled anew."""

_STEPS_PER_DOUBLING = 8
"""Widths between one power of two and the next: at most an eighth of a wide crop is padding."""

_BATCH = 6
"""Most crops of one batch: more are not faster."""

_PADDING = 127
"""Grey right of the text."""

Crop = NDArray[np.uint8]
"""The image of one line, (H, W, 3) uint8 BGR."""


class TextRecognizer:
    """Reads lines. What it reads in a line does not depend on the other lines."""

    def __init__(self, model: Path, threads: int, precision: str) -> None:
        self._network, self._characters = recognition_network(model, threads, precision)

    def read(self, image: Crop, corners: NDArray[np.float32]) -> list[tuple[str, float]]:
        """Return text and score, 0-1, of each line of an image. corners: of the lines, (N, 4, 2) in its pixels."""
        crops = [_crop(image, line) for line in corners]
        texts = [("", 0.0)] * len(crops)
        for width, indices in batches([_text_width(crop) for crop in crops]):
            scores, characters = self._network.run(np.stack([_to_input(crops[i], width) for i in indices]))
            for i, score, character in zip(indices, scores[:, :, 0], characters[:, :, 0], strict=True):
                texts[i] = self._decode(score, character)
        return texts

    def _decode(self, scores: NDArray[np.float32], characters: NDArray[np.int32]) -> tuple[str, float]:
        """Return text and mean score. Equal neighbours are one character; 0 is none and separates doubles."""
        kept = characters != 0
        kept[1:] &= characters[1:] != characters[:-1]
        text = "".join(self._characters[i] for i in characters[kept])
        return text, float(scores[kept].mean()) if text else 0.0


def batches(widths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield padded width and indices of the texts of each batch. widths: of the texts, in pixels at `HEIGHT`."""
    by_width: dict[int, list[int]] = {}
    for i, width in enumerate(widths):
        by_width.setdefault(padded_width(width), []).append(i)
    for width, indices in sorted(by_width.items()):
        for start in range(0, len(indices), _BATCH):
            yield width, indices[start : start + _BATCH]


def padded_width(width: int) -> int:
    """Return the width of the network's input for a text `width` pixels wide at `HEIGHT`."""
    width = max(_MIN_WIDTH, width)
    step = (1 << width.bit_length() - 1) // _STEPS_PER_DOUBLING
    return -(-width // step) * step


def _crop(image: Crop, corners: NDArray[np.float32]) -> Crop:
    """Return the image of one line: slanted lines are straightened, columns turned."""
    crop: Crop = get_rotate_crop_image(image, corners.copy())
    return crop


def _text_width(crop: Crop) -> int:
    height, width = crop.shape[:2]
    scaled: int = -(-HEIGHT * width // height)  # rounded up
    return max(1, scaled)


def _to_input(crop: Crop, width: int) -> NDArray[Any]:
    resized = cv2.resize(crop, (_text_width(crop), HEIGHT))
    return np.pad(resized, ((0, 0), (0, width - resized.shape[1]), (0, 0)), constant_values=_PADDING)
