"""Removal of lettering, found as rows of small dark strokes on a bright, even ground.

It needs no model and no annotation. White letters on black and sound effects drawn into the art remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]

_BRIGHT = 150
"""Grey level, 0-255, from which the ground counts as that of a balloon or caption."""
_CONTRAST = 55
"""Grey levels that a stroke is darker than its ground, at least."""
_MIN_LETTERS = 4
"""Letters of a group of lettering, at least."""
_EVEN = 0.72
"""Share of a group's ground that has nearly its median colour, at least."""
_SAME_COLOUR = 38
"""Largest difference of a channel, 0-255, between two colours that count as the same."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Stroke components: (N, 5) [x, y, w, h, area] in pixels, the component of each pixel, and which are letters."""

    stats: NDArray[np.int32]
    labels: NDArray[np.int32]
    kept: NDArray[np.int64]


def erase_lettering(panel: Pixels) -> Pixels | None:
    """Return `panel` (H, W, 3) uint8 RGB with its lettering filled in the colour around it; None if none is found."""
    grey = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY)
    strokes = _strokes(grey)
    letters = _letters(strokes)
    erased = panel.copy()
    found = False
    for members in _groups(letters):
        found |= _erase(erased, panel, strokes, letters, members)
    return erased if found else None


def _strokes(grey: Pixels) -> Mask:
    """Return 255 for strokes darker than the bright ground around them (black-hat), else 0."""
    side = max(15, max(grey.shape) // 24) | 1
    ground = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    stroke = (ground.astype(np.int16) - grey > _CONTRAST) & (ground > _BRIGHT)
    strokes: Mask = stroke.astype(np.uint8) * 255
    return strokes


def _letters(strokes: Mask) -> Letters:
    """Return the components of the size of letters."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    height, width = strokes.shape
    w, h, area = stats[:, 2], stats[:, 3], stats[:, 4]
    kept = (h >= 4) & (h <= max(14, height * 0.11)) & (w <= max(14, width * 0.2)) & (w <= 7 * h) & (area >= 6)
    kept[0] = False  # component 0 is the ground
    return Letters(stats, labels, np.flatnonzero(kept))


def _groups(letters: Letters) -> list[NDArray[np.int64]]:
    """Return the components of each group of letters of similar size in rows: a letter apart, a line apart."""
    near = np.zeros(letters.labels.shape, np.uint8)
    stats = letters.stats[letters.kept]
    for x, y, w, h, _ in stats:
        across, down = round(0.8 * h) + 1, round(0.45 * h) + 1
        cv2.rectangle(near, (x - across, y - down), (x + w + across, y + h + down), 255, -1)
    count, places = cv2.connectedComponents(near)
    home = places[stats[:, 1], stats[:, 0]]
    found = (_same_hand(letters.kept[home == place], letters.stats) for place in range(1, count))
    return [members for members in found if len(members) >= _MIN_LETTERS]


def _same_hand(members: NDArray[np.int64], stats: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the members of a group no taller than its letters; none if most heights differ from the median."""
    heights = stats[members, 3]
    letters = heights >= 0.5 * np.max(heights, initial=0)  # dots and commas have other sizes
    if letters.sum() < _MIN_LETTERS:
        letters = np.ones(len(heights), bool)
    median = np.median(heights[letters]) if len(heights) else 0
    similar = np.abs(heights - median) <= max(2.0, 0.3 * median)
    if similar.sum() < _MIN_LETTERS or similar.mean() < 0.5:
        return members[:0]
    kept: NDArray[np.int64] = members[heights <= 1.8 * median]
    return kept


def _erase(erased: Pixels, panel: Pixels, strokes: Mask, letters: Letters, members: NDArray[np.int64]) -> bool:
    """Fill these letters if the ground around them is even; return True if it is."""
    stats = letters.stats[members]
    reach = max(3, round(float(np.median(stats[:, 3])) / 2)) | 1
    part = _around(stats, reach, panel.shape)
    rim = np.ones((3, 3) if min(panel.shape[:2]) < 300 else (5, 5), np.uint8)
    shape = np.isin(letters.labels[part], members).astype(np.uint8)
    close = cv2.dilate(shape, np.ones((reach, reach), np.uint8)) > 0
    ground = panel[part][close & (cv2.dilate(strokes[part], rim) == 0)]
    if len(ground) < 20:
        return False
    colour = np.median(ground, axis=0)
    even = np.abs(ground - colour).max(axis=1) <= _SAME_COLOUR
    if even.mean() < _EVEN:
        return False
    erased[part][cv2.dilate(shape, rim) > 0] = np.rint(colour).astype(np.uint8)
    return True


def _around(stats: NDArray[np.int32], reach: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of these components and `reach` pixels around them."""
    left, top = np.maximum(stats[:, :2].min(axis=0) - reach, 0)
    right, bottom = np.minimum((stats[:, :2] + stats[:, 2:4]).max(axis=0) + reach, (shape[1], shape[0]))
    return slice(int(top), int(bottom)), slice(int(left), int(right))
