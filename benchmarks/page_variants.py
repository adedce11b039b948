"""Degraded variants of good pages, like bad scans and unusual prints; boxes are transformed with the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from annotated_pages import AnnotatedPage
from numpy.typing import NDArray

from retrieval.records import Box

Image = NDArray[Any]
"""(H, W, 3) RGB, 0-255: uint8, or float before rounding."""


def yellowed(image: Image, random: np.random.Generator) -> Image:
    """Imitate old paper: yellow, and darker towards one corner."""
    height, width = image.shape[:2]
    shade = np.linspace(1.0, 0.8, height)[:, None] * np.linspace(1.0, 0.92, width)[None]
    return image * np.array([0.95, 0.87, 0.68]) * shade[:, :, None]


def noisy(image: Image, random: np.random.Generator) -> Image:
    """Add grain with a standard deviation of 12 grey levels, then JPEG artefacts of quality 35."""
    grainy = np.clip(image + random.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 35])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def negative(image: Image, random: np.random.Generator) -> Image:
    """Invert the colours: white gutters become black."""
    return 255 - image


def coloured(image: Image, random: np.random.Generator) -> Image:
    """Imitate coloured paper: white becomes a strong blue-green."""
    return image * np.array([0.35, 0.75, 0.7])


def small(image: Image, random: np.random.Generator) -> Image:
    """Resize to 420 pixels width."""
    return _resize(image, 420)


def large(image: Image, random: np.random.Generator) -> Image:
    """Resize to 2,600 pixels width."""
    return _resize(image, 2600)


def _resize(image: Image, width: int) -> Image:
    """Resize to a width in pixels, keeping the aspect ratio."""
    height = round(image.shape[0] * width / image.shape[1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


PIXELS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "yellowed": yellowed,
    "noisy": noisy,
    "negative": negative,
    "coloured": coloured,
    "small": small,
    "large": large,
}

TILTS = {"tilted": (1.2, 0.0), "scanned": (-0.7, 0.04)}
"""Rotation in degrees anticlockwise, and the width of the dark scanner bed as a fraction of the page width."""

VARIANTS = ("plain", *PIXELS, *TILTS)


def variant(page: AnnotatedPage, name: str, seed: int = 0) -> AnnotatedPage:
    """Return the page as the variant `name`, one of VARIANTS. seed: of the noise."""
    if name == "plain":
        return page
    if name in TILTS:
        return _tilt(page, *TILTS[name])
    image = PIXELS[name](page.picture, np.random.default_rng(seed))
    scale = image.shape[1] / page.picture.shape[1]
    boxes = [Box(b.x * scale, b.y * scale, b.w * scale, b.h * scale) for b in page.boxes]
    return replace(page, picture=np.clip(image, 0, 255).astype(np.uint8), boxes=boxes)


def _tilt(page: AnnotatedPage, degrees: float, bed: float) -> AnnotatedPage:
    """Rotate on the colour of the paper, or on a dark scanner bed; boxes become those around the rotated ones."""
    height, width = page.picture.shape[:2]
    margin = round(bed * width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += margin
    edge = np.concatenate([page.picture[0], page.picture[-1]])
    ground = (40.0, 38.0, 36.0) if bed else tuple(float(v) for v in np.median(edge, axis=0))
    size = (width + 2 * margin, height + 2 * margin)
    image = cv2.warpAffine(page.picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=ground)
    return replace(page, picture=image, boxes=[_transform(box, matrix) for box in page.boxes])


def _transform(box: Box, matrix: NDArray[np.float64]) -> Box:
    """Return the upright box around a box transformed by a (2, 3) affine matrix."""
    corners = np.array([(x, y, 1.0) for x in (box.x, box.x + box.w) for y in (box.y, box.y + box.h)])
    (left, top), (right, bottom) = (f(corners @ matrix.T, axis=0) for f in (np.min, np.max))
    return Box(left, top, right - left, bottom - top)
