"""Pages as bad scans and odd prints have them, made from good ones; boxes move along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from annotated_pages import AnnotatedPage
from numpy.typing import NDArray

from retrieval.records import Box

Picture = NDArray[Any]


def yellowed(picture: Picture, random: np.random.Generator) -> Picture:
    """Old paper: yellow, darker towards one corner."""
    height, width = picture.shape[:2]
    shade = np.linspace(1.0, 0.8, height)[:, None] * np.linspace(1.0, 0.92, width)[None]
    return picture * np.array([0.95, 0.87, 0.68]) * shade[:, :, None]


def noisy(picture: Picture, random: np.random.Generator) -> Picture:
    """Grain with a deviation of 12 grey levels, then a JPEG of quality 35."""
    grainy = np.clip(picture + random.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 35])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def negative(picture: Picture, random: np.random.Generator) -> Picture:
    """Light and dark exchanged: white gutters become black."""
    return 255 - picture


def coloured(picture: Picture, random: np.random.Generator) -> Picture:
    """White becomes a strong blue-green, as if printed on coloured paper."""
    return picture * np.array([0.35, 0.75, 0.7])


def small(picture: Picture, random: np.random.Generator) -> Picture:
    """A thumbnail of 420 pixels' width."""
    return _sized(picture, 420)


def large(picture: Picture, random: np.random.Generator) -> Picture:
    """A scan of 2,600 pixels' width."""
    return _sized(picture, 2600)


def _sized(picture: Picture, width: int) -> Picture:
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


PIXELS: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "yellowed": yellowed,
    "noisy": noisy,
    "negative": negative,
    "coloured": coloured,
    "small": small,
    "large": large,
}

TILTS = {"tilted": (1.2, 0.0), "scanned": (-0.7, 0.04)}
"""Degrees anticlockwise, and the scanner's dark bed around the page as a fraction of its width."""

VARIANTS = ("plain", *PIXELS, *TILTS)


def variant(page: AnnotatedPage, name: str, seed: int = 0) -> AnnotatedPage:
    """The page as `name` (one of VARIANTS) has it."""
    if name == "plain":
        return page
    if name in TILTS:
        return _tilted(page, *TILTS[name])
    picture = PIXELS[name](page.picture, np.random.default_rng(seed))
    scale = picture.shape[1] / page.picture.shape[1]
    boxes = [Box(b.x * scale, b.y * scale, b.w * scale, b.h * scale) for b in page.boxes]
    return replace(page, picture=np.clip(picture, 0, 255).astype(np.uint8), boxes=boxes)


def _tilted(page: AnnotatedPage, degrees: float, bed: float) -> AnnotatedPage:
    """Turned on its own paper's colour or on a scanner's dark bed; boxes become those around the turned boxes."""
    height, width = page.picture.shape[:2]
    margin = round(bed * width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += margin
    edge = np.concatenate([page.picture[0], page.picture[-1]])
    ground = (40.0, 38.0, 36.0) if bed else tuple(float(v) for v in np.median(edge, axis=0))
    size = (width + 2 * margin, height + 2 * margin)
    picture = cv2.warpAffine(page.picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=ground)
    return replace(page, picture=picture, boxes=[_turned(box, matrix) for box in page.boxes])


def _turned(box: Box, matrix: NDArray[np.float64]) -> Box:
    corners = np.array([(x, y, 1.0) for x in (box.x, box.x + box.w) for y in (box.y, box.y + box.h)])
    (left, top), (right, bottom) = (f(corners @ matrix.T, axis=0) for f in (np.min, np.max))
    return Box(left, top, right - left, bottom - top)
