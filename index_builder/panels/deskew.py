"""Deskewing: the paper of a scan, rotated upright and cropped to its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.gutters import dominant_colour, edge_pixels, near_colour
from index_builder.panels.rects import Rect, area

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINE_PIXELS = 250_000  # pixels of the reduced image in which line segments are detected
_MIN_LENGTH = 0.07  # shortest segment that counts, as a fraction of the reduced image's shorter side
_MAX_TILT = 5.0  # degrees; a steeper segment is drawing
_MIN_TILT = 0.2  # degrees; less does no harm, and a rotation costs sharpness
_TILT_STEP = 0.1  # degrees between two candidates
_MIN_SUPPORT = 0.4  # share of the length of nearly upright segments that must agree on a tilt
_BED_TOLERANCE = 24  # grey levels that the scanner bed or the paper may differ from its own colour
_MIN_CONTRAST = 40  # grey levels between paper and scanner bed
_MIN_PAPER = 0.6  # smallest share of the scan that paper fills
_MAX_PAPER = 0.97  # larger paper leaves no bed that needs cropping
_MIN_UNIFORM = 0.75  # share of the paper's edge that shows one colour
_INSET = 0.012  # margin cut off inside the paper's edge, as a fraction of its shorter side; scans are dark there


def deskew(page: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the upright paper of `page` (H, W, 3) uint8, and the matrix from its pixels to those of `page`.

    The matrix is affine, (2, 3) float64.
    """
    upright, to_page = page, np.eye(2, 3)
    tilt = estimate_tilt(page)
    if abs(tilt) >= _MIN_TILT:
        upright, to_page = _rotate(page, tilt)
    left, top, right, bottom = _paper_rect(upright)
    to_page[:, 2] += to_page[:, :2] @ (left, top)
    return upright[top:bottom, left:right], to_page


def estimate_tilt(page: NDArray[Any]) -> float:
    """Return the clockwise tilt of nearly upright lines in degrees, -5 to 5; 0 if the lines disagree."""
    scale = min(1.0, (_LINE_PIXELS / (page.shape[0] * page.shape[1])) ** 0.5)
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
    near = (np.abs(angles) <= _MAX_TILT) & (lengths >= _MIN_LENGTH * min(grey.shape))
    return _dominant_angle(angles[near], lengths[near])


def _dominant_angle(angles: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return the angle in degrees that most of the weight is close to, or 0."""
    if not len(angles):
        return 0.0
    candidates = np.arange(-_MAX_TILT, _MAX_TILT + _TILT_STEP / 2, _TILT_STEP)
    close = np.abs(angles[None] - candidates[:, None]) <= 3 * _TILT_STEP
    support = close @ weights
    best = close[support.argmax()]
    if weights[best].sum() < _MIN_SUPPORT * weights.sum():
        return 0.0
    return float(np.average(angles[best], weights=weights[best]))


def _rotate(page: NDArray[Any], tilt: float) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the page rotated by `tilt` degrees at the same size, and the inverse (2, 3) matrix."""
    height, width = page.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1.0)
    rotated: NDArray[Any] = cv2.warpAffine(page, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    inverse: NDArray[np.float64] = cv2.invertAffineTransform(matrix)
    return rotated, inverse


def _paper_rect(page: NDArray[Any]) -> Rect:
    """Return the rectangle of the paper if a scanner bed shows around it, else the rectangle of the whole page."""
    height, width = page.shape[:2]
    full = (0, 0, width, height)
    bed = dominant_colour(edge_pixels(page))
    other = 1 - near_colour(page, bed, _BED_TOLERANCE)
    other = cv2.morphologyEx(other, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    rect = _solid_rect(other)
    if area(rect) < _MIN_PAPER * area(full) or area(rect) > _MAX_PAPER * area(full):
        return full
    left, top, right, bottom = rect
    inset = max(2, round(_INSET * min(right - left, bottom - top)))
    left, top, right, bottom = left + inset, top + inset, right - inset, bottom - inset
    inside = page[top:bottom, left:right]
    rim = edge_pixels(inside)
    colour = dominant_colour(rim)
    uniform = (np.abs(rim.astype(np.int16) - colour).max(axis=1) <= _BED_TOLERANCE).mean()
    if uniform < _MIN_UNIFORM or np.abs(colour - bed).max() < _MIN_CONTRAST:
        return full
    # Paper differs from the bed nearly everywhere. Inside a drawn frame, the colour around it shows again.
    filled = (near_colour(inside, bed, _BED_TOLERANCE) == 0).mean()
    return (left, top, right, bottom) if filled >= _MIN_PAPER else full


def _solid_rect(mask: NDArray[np.uint8]) -> Rect:
    """Return the rectangle of the rows and columns of which at least half is set."""
    rows = np.flatnonzero(mask.mean(axis=1) >= 0.5)
    columns = np.flatnonzero(mask.mean(axis=0) >= 0.5)
    if not len(rows) or not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
