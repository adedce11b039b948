"""Details of a picture, and how many of them lie in another one just as they do here.

Vectors tell which panels look alike; details tell which of them hold the very same drawing, also when most of it was
cut away, pasted over or had its lettering taken out. A detail is an ORB keypoint (Rublee et al. 2011, "ORB: an
efficient alternative to SIFT or SURF"); it is matched by Lowe's ratio test (2004, "Distinctive image features from
scale-invariant keypoints"), and a match counts when one affine map, found by RANSAC, carries it over with the others.
Where panels share a figure but not all of what is drawn, the map lays one picture over the other, and light and dark
are compared spot by spot.
"""

from __future__ import annotations

import io
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

_SOFT = 2.0  # pixels of blur, as far as a map may be off
_SURROUNDINGS = 31  # pixels across
_EVEN = 30.0  # variance in grey levels squared of surroundings that show nothing
_FEWEST = 50  # spots


Grey = NDArray[np.uint8]
"""(H, W) uint8, its longest side `SIDE` pixels."""


@dataclass(frozen=True, slots=True)
class Details:
    """`points`: (N, 2) float32 x, y in a picture whose longest side is 320 px. `codes`: (N, 32) uint8, ORB."""

    points: NDArray[np.float32]
    codes: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture lies in another: `count` details lie as `map` puts them, a (2, 3) float64 affine map from pixels
    of the one to pixels of the other; None where there is none.
    """

    count: int
    map: NDArray[np.float64] | None


NOWHERE = Place(0, None)
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


def both_ways(grey: Grey) -> tuple[Grey, Grey]:
    """A picture as it is, and mirrored: ORB tells left from right, a reprint may not."""
    return grey, np.ascontiguousarray(grey[:, ::-1])


def grey_of_thumbnail(webp: bytes) -> Grey:
    """A stored small picture as details are looked for in it. Raises `OSError` when it is damaged."""
    with Image.open(io.BytesIO(webp)) as picture:
        return grey_of(np.asarray(picture.convert("RGB")))


def place_in(asked: Details, seen: Details) -> Place:
    """How one picture lies in the other, as most of their details say."""
    pairs = _pairs(asked.codes, seen.codes)
    if len(pairs) < 4:  # three points fit some map always
        return NOWHERE
    here, there = asked.points[pairs[:, 0]], seen.points[pairs[:, 1]]
    found, kept = cv2.estimateAffine2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=_SLIP, maxIters=_TRIES, confidence=0.99
    )
    if found is None or not _SCALES[0] < abs(float(np.linalg.det(found[:, :2]))) < _SCALES[1]:
        return NOWHERE
    return Place(len(np.unique(there[kept.ravel() > 0] // _SPOT, axis=0)), np.asarray(found, np.float64))


def agreement(asked: Grey, seen: Grey, place: Place) -> float:
    """-1 to 1: how alike light and dark run in two pictures where one lies over the other; 0 where nobody can tell.

    The mean, over all spots where either picture shows anything, of the correlation of their surroundings
    (normalised cross-correlation, Lewis 1995, "Fast normalized cross-correlation"): neither light nor fading matters.
    """
    if place.map is None:
        return 0.0
    size = (asked.shape[1], asked.shape[0])
    laid = cv2.warpAffine(seen, place.map, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    covered = cv2.warpAffine(np.ones_like(seen), place.map, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    one, other = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _SOFT) for picture in (asked, laid))
    mean, mean_other = _around(one), _around(other)
    spread, spread_other = _around(one * one) - mean * mean, _around(other * other) - mean_other * mean_other
    told = covered & ((spread > _EVEN) | (spread_other > _EVEN))
    if np.count_nonzero(told) < _FEWEST:
        return 0.0
    common = _around(one * other) - mean * mean_other
    scale = np.sqrt(np.maximum(spread[told], _EVEN) * np.maximum(spread_other[told], _EVEN))
    return float(np.mean(common[told] / scale))


def in_place(asked: Details, seen: Details) -> int:
    """How many details of one picture lie in the other as one affine map puts them, 0 to 500."""
    return place_in(asked, seen).count


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each spot's surroundings."""
    return np.asarray(cv2.blur(values, (_SURROUNDINGS, _SURROUNDINGS)), np.float32)


def _finder() -> cv2.ORB:
    return cv2.ORB.create(nfeatures=MOST, fastThreshold=_FASTEST, edgeThreshold=_RIM)


def _pairs(asked: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(M, 2) places of details that are clearly nearer to each other than to the next one."""
    if len(asked) < 2 or len(seen) < 2:
        return np.empty((0, 2), np.int64)
    nearest = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(asked, seen, k=2)
    clear = [(a.queryIdx, a.trainIdx) for a, b in nearest if a.distance < _RATIO * b.distance]
    return np.array(clear, np.int64).reshape(-1, 2)
