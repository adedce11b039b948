"""Keypoints of an image, and how many of them match another image under one affine map.

Vectors find panels that look alike. Keypoints find those that hold the very same drawing, even if most of it was
cropped away or pasted over, or if its lettering was removed. Keypoints are ORB features (Rublee et al. 2011, "ORB: an
efficient alternative to SIFT or SURF"), matched by Lowe's ratio test (2004, "Distinctive image features from
scale-invariant keypoints"). A match is an inlier if one affine map, found by RANSAC, carries it over with the others.
Panels that share a figure but not the rest are distinguished pixel-wise, with one image warped onto the other.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 320
"""Longest side in pixels of the images in which keypoints are detected: that of the thumbnails."""

MIN_INLIERS = 10
"""Minimum inliers of two images with a common drawing. Unrelated images reach a few by chance."""

MAX_KEYPOINTS = 500
"""Keypoints per image, the strongest ones."""

_VERSION = 1
"""First byte of packed keypoints. A change of what a thumbnail's keypoints are raises it; others count as missing."""

_POINT_BYTES, _DESCRIPTOR_BYTES = 8, 32
_FAST_THRESHOLD = 10  # grey levels, of the FAST corner test; low because line art on scans has soft corners
_EDGE_PIXELS = 15  # border without keypoints; narrow because a crop of a panel has only its middle to match
_RATIO = 0.8
_REPROJECTION_ERROR = 5.0  # pixels between a keypoint and its mapped position
_RANSAC_ITERATIONS = 500
_AREA_SCALES = (0.02, 25.0)  # area of one image in the other, as a factor; beyond it a map is degenerate
_MERGED_PIXELS = 4  # inliers within one square of this side count once

_BLUR = 2.0  # pixels (standard deviation), the inaccuracy of a map
_WINDOW = 31  # pixels, side of the correlation window
_BLANK_VARIANCE = 30.0  # grey levels squared; windows below it are blank
_MIN_PIXELS = 50  # pixels with a drawing in either image, for a correlation


GreyImage = NDArray[np.uint8]
"""(H, W) uint8, its longest side `SIDE` pixels."""


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Keypoints of one image.

    points: (N, 2) float32 x, y in an image whose longest side is 320 px. descriptors: (N, 32) uint8, ORB.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AffineMatch:
    """The affine map of one image onto another.

    inliers: the number of keypoints that `map` carries over. map: (2, 3) float64, from pixels of the one to pixels of
    the other; None if there is none.
    """

    inliers: int
    map: NDArray[np.float64] | None


NO_MATCH = AffineMatch(0, None)
NO_KEYPOINTS = Keypoints(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))


# ----------------------------------------------------------------- grey images


def to_grey(image: NDArray[np.uint8]) -> GreyImage:
    """Convert an (H, W, 3) uint8 RGB image of any size for keypoint detection."""
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def thumbnail_to_grey(webp: bytes) -> GreyImage:
    """Convert a stored thumbnail for keypoint detection. Raises `OSError` if it is damaged."""
    with Image.open(io.BytesIO(webp)) as image:
        return to_grey(np.asarray(image.convert("RGB")))


def with_mirror_image(grey: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Return an image and its mirror image. ORB is not invariant to mirroring, and a reprint may be mirrored."""
    return grey, np.ascontiguousarray(grey[:, ::-1])


# ------------------------------------------------------------------- keypoints


def extract_keypoints(grey: GreyImage) -> Keypoints:
    """Return the keypoints of an image; a blank image has none."""
    if min(grey.shape) <= 2 * _EDGE_PIXELS:  # nothing but border
        return NO_KEYPOINTS
    detector = cv2.ORB.create(nfeatures=MAX_KEYPOINTS, fastThreshold=_FAST_THRESHOLD, edgeThreshold=_EDGE_PIXELS)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    if descriptors is None:
        return NO_KEYPOINTS
    return Keypoints(np.array([keypoint.pt for keypoint in keypoints], np.float32), descriptors)


def pack_thumbnail_keypoints(webp: bytes) -> bytes:
    """Return the keypoints of a stored thumbnail as 1 + 40 N bytes. Raises `OSError` if it is damaged."""
    found = extract_keypoints(thumbnail_to_grey(webp))
    return bytes([_VERSION]) + found.points.astype("<f4").tobytes() + found.descriptors.tobytes()


def is_current(packed: bytes) -> bool:
    """Return True if packed keypoints are of this version."""
    return packed[:1] == bytes([_VERSION]) and (len(packed) - 1) % (_POINT_BYTES + _DESCRIPTOR_BYTES) == 0


def unpack_keypoints(packed: bytes) -> Keypoints | None:
    """Return packed keypoints; None if they are of another version."""
    if not is_current(packed):
        return None
    count = (len(packed) - 1) // (_POINT_BYTES + _DESCRIPTOR_BYTES)
    points = np.frombuffer(packed, "<f4", 2 * count, 1).reshape(count, 2)
    descriptors = np.frombuffer(packed, np.uint8, _DESCRIPTOR_BYTES * count, 1 + _POINT_BYTES * count)
    return Keypoints(points.astype(np.float32), descriptors.reshape(count, _DESCRIPTOR_BYTES))


# -------------------------------------------------------------------- matching


def count_inliers(query: Keypoints, target: Keypoints) -> int:
    """Return how many keypoints of one image one affine map carries over to the other, 0 to 500."""
    return match_affine(query, target).inliers


def match_affine(query: Keypoints, target: Keypoints, least: int = 4) -> AffineMatch:
    """Find the affine map from `query` to `target` with the most inliers.

    least: matching descriptors below which there is no match, since so many inliers are needed; some map fits any three
    points.
    """
    pairs = _match_descriptors(query.descriptors, target.descriptors)
    if len(pairs) < max(4, least):
        return NO_MATCH
    source, destination = query.points[pairs[:, 0]], target.points[pairs[:, 1]]
    affine, inliers = cv2.estimateAffine2D(
        source,
        destination,
        method=cv2.RANSAC,
        ransacReprojThreshold=_REPROJECTION_ERROR,
        maxIters=_RANSAC_ITERATIONS,
        confidence=0.99,
    )
    if affine is None or not _AREA_SCALES[0] < abs(float(np.linalg.det(affine[:, :2]))) < _AREA_SCALES[1]:
        return NO_MATCH
    squares = np.unique(destination[inliers.ravel() > 0] // _MERGED_PIXELS, axis=0)
    return AffineMatch(len(squares), np.asarray(affine, np.float64))


def _match_descriptors(query: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (M, 2) positions of descriptors that pass the ratio test."""
    if len(query) < 2 or len(target) < 2:
        return np.empty((0, 2), np.int64)
    import faiss  # compares bits in a fifth of the time that OpenCV takes; loaded by the first comparison

    distances, places = faiss.knn_hamming(query, target, 2)
    unambiguous = np.flatnonzero(distances[:, 0] < _RATIO * distances[:, 1])  # so never between two equally near
    return np.stack([unambiguous, places[unambiguous, 0]], axis=1).astype(np.int64)


# ----------------------------------------------------------------- correlation


def ncc(query: GreyImage, target: GreyImage, match: AffineMatch) -> float:
    """Return the mean normalised cross-correlation of two images, -1 to 1; 0 if they share too few drawn pixels.

    The mean is taken over the windows around all pixels at which either image is not blank (Lewis 1995, "Fast
    normalized cross-correlation"), so brightness and fading do not matter.
    """
    if match.map is None:
        return 0.0
    size = (query.shape[1], query.shape[0])
    warped = cv2.warpAffine(target, match.map, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = cv2.warpAffine(np.ones_like(target), match.map, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    one, other = (cv2.GaussianBlur(image.astype(np.float32), (0, 0), _BLUR) for image in (query, warped))
    mean_one, mean_other = _window_mean(one), _window_mean(other)
    variance_one = _window_mean(one * one) - mean_one * mean_one
    variance_other = _window_mean(other * other) - mean_other * mean_other
    drawn = inside & ((variance_one > _BLANK_VARIANCE) | (variance_other > _BLANK_VARIANCE))
    if np.count_nonzero(drawn) < _MIN_PIXELS:
        return 0.0
    covariance = _window_mean(one * other) - mean_one * mean_other
    variances = np.maximum(variance_one[drawn], _BLANK_VARIANCE) * np.maximum(variance_other[drawn], _BLANK_VARIANCE)
    return float(np.mean(covariance[drawn] / np.sqrt(variances)))


def _window_mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the window around each pixel."""
    return np.asarray(cv2.blur(values, (_WINDOW, _WINDOW)), np.float32)
