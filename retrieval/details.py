"""Details of a picture, and how many of them lie in another one just as they do here.

Vectors tell which panels look alike; details tell which of them hold the very same drawing, also when most of it was
cut away, pasted over or had its lettering taken out. A detail is an ORB keypoint (Rublee et al. 2011, "ORB: an
efficient alternative to SIFT or SURF"); it is matched by Lowe's ratio test (2004, "Distinctive image features from
scale-invariant keypoints"), and a match counts when one affine map, found by RANSAC, carries it over with the others.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 320
"""Longest side in pixels at which details are looked for: that of the thumbnails."""

ENOUGH = 10
"""Details in place from which two pictures are taken to share a drawing; by chance a few always fall into place."""

MOST = 500
"""Details that are kept of a picture, the strongest."""

_FASTEST = 10  # of the FAST corner test: line art on scans has soft corners
_RIM = 15  # pixels at the edge without details; a piece of a panel has no more than its middle to show
_RATIO = 0.8
_SLIP = 5.0  # pixels that a detail may lie off its place
_TRIES = 500
_SCALES = (0.02, 25.0)  # area of one picture in the other, as a factor; more is a degenerate map
_SPOT = 4  # pixels; several details of one spot count once


Grey = NDArray[np.uint8]
"""(H, W) uint8, its longest side `SIDE` pixels."""


@dataclass(frozen=True, slots=True)
class Details:
    """`points`: (N, 2) float32 x, y in a picture whose longest side is 320 px. `codes`: (N, 32) uint8, ORB."""

    points: NDArray[np.float32]
    codes: NDArray[np.uint8]


NO_DETAILS = Details(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))


def grey_of(picture: NDArray[np.uint8]) -> Grey:
    """An (H, W, 3) uint8 RGB picture of any size, as details are looked for in it."""
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def details_of(grey: Grey) -> Details:
    """The details of a picture; a blank one has none."""
    if min(grey.shape) <= 2 * _RIM:  # all rim
        return NO_DETAILS
    found, codes = _finder().detectAndCompute(grey, None)
    if codes is None:
        return NO_DETAILS
    return Details(np.array([f.pt for f in found], np.float32), codes)


def both_ways(grey: Grey) -> Iterator[Details]:
    """The details of a picture as it is, then mirrored: ORB tells left from right, a reprint may not."""
    yield details_of(grey)
    yield details_of(np.ascontiguousarray(grey[:, ::-1]))


def details_of_thumbnail(webp: bytes) -> Details:
    """The details of a stored small picture. Raises `OSError` when it is damaged."""
    with Image.open(io.BytesIO(webp)) as picture:
        return details_of(grey_of(np.asarray(picture.convert("RGB"))))


def in_place(asked: Details, seen: Details) -> int:
    """How many details of one picture lie in the other as one affine map puts them, 0 to 500."""
    pairs = _pairs(asked.codes, seen.codes)
    if len(pairs) < 4:  # three points fit some map always
        return 0
    here, there = asked.points[pairs[:, 0]], seen.points[pairs[:, 1]]
    found, kept = cv2.estimateAffine2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=_SLIP, maxIters=_TRIES, confidence=0.99
    )
    if found is None or not _SCALES[0] < abs(float(np.linalg.det(found[:, :2]))) < _SCALES[1]:
        return 0
    return len(np.unique(there[kept.ravel() > 0] // _SPOT, axis=0))


def _finder() -> cv2.ORB:
    return cv2.ORB.create(nfeatures=MOST, fastThreshold=_FASTEST, edgeThreshold=_RIM)


def _pairs(asked: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(M, 2) places of details that are clearly nearer to each other than to the next one."""
    if len(asked) < 2 or len(seen) < 2:
        return np.empty((0, 2), np.int64)
    nearest = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(asked, seen, k=2)
    clear = [(a.queryIdx, a.trainIdx) for a, b in nearest if a.distance < _RATIO * b.distance]
    return np.array(clear, np.int64).reshape(-1, 2)
