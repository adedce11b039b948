"""The paper of a scan, upright and without the scanner's bed around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.gutters import common_colour, edge_pixels
from index_builder.panels.rects import Rect, area

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOK_PIXELS = 250_000  # lines are looked for in a picture of this size
_LONG = 0.07  # shortest line that counts, as a fraction of the picture's shorter side
_MOST_TILT = 5.0  # degrees; a steeper line is drawing
_LEAST_TILT = 0.2  # degrees; less does no harm, and turning costs sharpness
_STEP = 0.1  # degrees between two candidates
_AGREE = 0.4  # share of the length of nearly upright lines that must agree on a tilt
_BED = 24  # grey levels a scanner's bed may differ from its colour
_APART = 40  # ... and by which paper must differ from it
_MOSTLY = 0.6  # paper fills this share of the scan
_UNIFORM = 0.75  # ... and shows one colour along this share of its edge
_SOLID = 0.97  # share of the paper's box that is not the bed's colour
_INSET = 0.012  # how far inside its edge paper shows its colour, as a fraction of its shorter side


def straightened(page: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The upright paper of `page` (H, W, 3) uint8, and the (2, 3) matrix from its pixels back to those of `page`."""
    upright, back = page, np.eye(2, 3)
    tilt = tilt_of(page)
    if abs(tilt) >= _LEAST_TILT:
        upright, back = _turned(page, tilt)
    left, top, right, bottom = _paper(upright)
    back[:, 2] += back[:, :2] @ (left, top)
    return upright[top:bottom, left:right], back


def tilt_of(page: NDArray[Any]) -> float:
    """Degrees by which nearly upright lines lean clockwise, -5 to 5; 0 where they do not agree."""
    scale = min(1.0, (_LOOK_PIXELS / (page.shape[0] * page.shape[1])) ** 0.5)
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if min(grey.shape) < 16:
        return 0.0
    segments = cv2.createLineSegmentDetector().detect(grey)[0]
    if segments is None:
        return 0.0
    steps = segments.reshape(-1, 4)[:, 2:] - segments.reshape(-1, 4)[:, :2]
    lengths = np.hypot(*steps.T)
    angles = (np.degrees(np.arctan2(steps[:, 1], steps[:, 0])) + 45) % 90 - 45
    near = (np.abs(angles) <= _MOST_TILT) & (lengths >= _LONG * min(grey.shape))
    return _agreed(angles[near], lengths[near])


def _agreed(angles: NDArray[Any], weights: NDArray[Any]) -> float:
    """The angle that most of the weight lies close to, or 0."""
    if not len(angles):
        return 0.0
    places = np.arange(-_MOST_TILT, _MOST_TILT + _STEP / 2, _STEP)
    close = np.abs(angles[None] - places[:, None]) <= 3 * _STEP
    support = close @ weights
    best = close[support.argmax()]
    if weights[best].sum() < _AGREE * weights.sum():
        return 0.0
    return float(np.average(angles[best], weights=weights[best]))


def _turned(page: NDArray[Any], tilt: float) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The page turned upright on a sheet of the same size, and the matrix back."""
    height, width = page.shape[:2]
    there = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1.0)
    turned: NDArray[Any] = cv2.warpAffine(page, there, (width, height), borderMode=cv2.BORDER_REPLICATE)
    back: NDArray[np.float64] = cv2.invertAffineTransform(there)
    return turned, back


def _paper(page: NDArray[Any]) -> Rect:
    """Where the paper lies in a scan that shows the bed around it; else all of the page."""
    height, width = page.shape[:2]
    whole = (0, 0, width, height)
    bed = common_colour(edge_pixels(page))
    other = (np.abs(page.astype(np.int16) - bed).max(axis=2) > _BED).astype(np.uint8)
    other = cv2.morphologyEx(other, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    rect = _solid_box(other)
    if area(rect) < _MOSTLY * area(whole) or area(rect) > _SOLID * area(whole):
        return whole
    left, top, right, bottom = rect
    inset = max(2, round(_INSET * min(right - left, bottom - top)))
    left, top, right, bottom = left + inset, top + inset, right - inset, bottom - inset
    inside = page[top:bottom, left:right]
    rim = edge_pixels(inside)
    colour = common_colour(rim)
    one_colour = (np.abs(rim.astype(np.int16) - colour).max(axis=1) <= _BED).mean()
    if one_colour < _UNIFORM or np.abs(colour - bed).max() < _APART:
        return whole
    # light or dark sheets have gutters of their own colour; a picture in a frame has none
    filled = (np.abs(inside.astype(np.int16) - bed).max(axis=2) > _BED).mean()
    return (left, top, right, bottom) if filled >= _MOSTLY else whole


def _solid_box(mask: NDArray[np.uint8]) -> Rect:
    """The box of the rows and columns that are mostly set."""
    rows = np.flatnonzero(mask.mean(axis=1) >= 0.5)
    columns = np.flatnonzero(mask.mean(axis=0) >= 0.5)
    if not len(rows) or not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
