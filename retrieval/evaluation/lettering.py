"""Lettering found by its look and taken out: rows of small dark strokes on a bright, even ground.

No model and no annotation is needed. It is there to make pictures whose words are gone, not to read: what it leaves
standing (white letters on black, sound effects drawn into the art) stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]

_BRIGHT = 150
"""Grey from which the ground counts as that of a balloon or caption."""
_CONTRAST = 55
"""How much darker than its ground a stroke is."""
_LEAST_LETTERS = 4
_EVEN = 0.72
"""Share of a word group's ground that has nearly its commonest colour."""
_NEAR = 38
"""How far from that colour, as the largest difference of a channel, still counts as the same."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Stroke components by (N, 5) [x, y, w, h, area] in pixels, and the picture that says which pixel is whose."""

    stats: NDArray[np.int32]
    labels: NDArray[np.int32]
    kept: NDArray[np.int64]


def erase_lettering(panel: Pixels) -> Pixels | None:
    """`panel` (H, W, 3) uint8 RGB with its lettering filled by the colour around it; None when none was found."""
    grey = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY)
    strokes = _strokes(grey)
    letters = _letters(strokes)
    erased = panel.copy()
    found = False
    for members in _groups(letters):
        found |= _erase(erased, panel, strokes, letters, members)
    return erased if found else None


def _strokes(grey: Pixels) -> Mask:
    """255 where a stroke is darker than the bright ground it stands on (black-hat), else 0."""
    side = max(15, max(grey.shape) // 24) | 1
    ground = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    stroke = (ground.astype(np.int16) - grey > _CONTRAST) & (ground > _BRIGHT)
    strokes: Mask = stroke.astype(np.uint8) * 255
    return strokes


def _letters(strokes: Mask) -> Letters:
    """The components that are as large as letters are."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    height, width = strokes.shape
    w, h, area = stats[:, 2], stats[:, 3], stats[:, 4]
    kept = (h >= 4) & (h <= max(14, height * 0.11)) & (w <= max(14, width * 0.2)) & (w <= 7 * h) & (area >= 6)
    kept[0] = False  # the ground
    return Letters(stats, labels, np.flatnonzero(kept))


def _groups(letters: Letters) -> list[NDArray[np.int64]]:
    """The components of each group of letters of like size that stand in rows: a letter apart, a line apart."""
    near = np.zeros(letters.labels.shape, np.uint8)
    stats = letters.stats[letters.kept]
    for x, y, w, h, _ in stats:
        across, down = round(0.8 * h) + 1, round(0.45 * h) + 1
        cv2.rectangle(near, (x - across, y - down), (x + w + across, y + h + down), 255, -1)
    count, places = cv2.connectedComponents(near)
    home = places[stats[:, 1], stats[:, 0]]
    found = (_same_hand(letters.kept[home == place], letters.stats) for place in range(1, count))
    return [members for members in found if len(members) >= _LEAST_LETTERS]


def _same_hand(members: NDArray[np.int64], stats: NDArray[np.int32]) -> NDArray[np.int64]:
    """Those of a group that are no taller than its letters, none where most heights differ from the usual one."""
    heights = stats[members, 3]
    letters = heights >= 0.5 * np.max(heights, initial=0)  # dots and commas say nothing about the size
    if letters.sum() < _LEAST_LETTERS:
        letters = np.ones(len(heights), bool)
    usual = np.median(heights[letters]) if len(heights) else 0
    alike = np.abs(heights - usual) <= max(2.0, 0.3 * usual)
    if alike.sum() < _LEAST_LETTERS or alike.mean() < 0.5:
        return members[:0]
    kept: NDArray[np.int64] = members[heights <= 1.8 * usual]
    return kept


def _erase(erased: Pixels, panel: Pixels, strokes: Mask, letters: Letters, members: NDArray[np.int64]) -> bool:
    """Fill these letters where the ground close to them is even; whether it did."""
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
    even = np.abs(ground - colour).max(axis=1) <= _NEAR
    if even.mean() < _EVEN:
        return False
    erased[part][cv2.dilate(shape, rim) > 0] = np.rint(colour).astype(np.uint8)
    return True


def _around(stats: NDArray[np.int32], reach: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns that hold these components and `reach` pixels more."""
    left, top = np.maximum(stats[:, :2].min(axis=0) - reach, 0)
    right, bottom = np.minimum((stats[:, :2] + stats[:, 2:4]).max(axis=0) + reach, (shape[1], shape[0]))
    return slice(int(top), int(bottom)), slice(int(left), int(right))
