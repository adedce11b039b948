"""Distorted pieces of a panel, to train the compact vision branch: cropped, photographed, recoloured, covered.

All pictures are uint8 RGB. Everything random is drawn from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Rect = tuple[float, float, float, float]
"""x, y, w, h as shares of the panel's sides."""


def restyled(square: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the panel in another style (mirrored, grey, inked, toned, inverted), which its piece shares."""
    way = rng.random()
    if way < 0.45:
        return square if rng.random() < 0.5 else square[:, ::-1]
    grey = np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)
    if way < 0.65:
        inked = cv2.createCLAHE(rng.uniform(1, 4), (4, 4)).apply(grey)
    elif way < 0.85:
        inked = _inked(grey, rng)
    elif way < 0.95:
        levels = int(rng.integers(2, 6))
        inked = (grey.astype(np.int32) * levels // 256 * (255 // (levels - 1))).astype(np.uint8)
    else:
        return np.asarray(255 - square, np.uint8)
    return np.asarray(cv2.cvtColor(inked, cv2.COLOR_GRAY2RGB), np.uint8)


def _inked(grey: Pixels, rng: np.random.Generator) -> Pixels:
    """Return black lines on white, sometimes with black areas."""
    soft = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.6, 1.6))
    around, less = int(rng.integers(4, 16)) * 2 + 1, rng.uniform(4, 12)
    inked = cv2.adaptiveThreshold(soft, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, around, less)
    if rng.random() < 0.5:
        inked = np.where(grey < np.percentile(grey, rng.uniform(10, 40)), 0, inked)
    return np.asarray(inked, np.uint8)


def slightly_toned(base: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the panel as it is stored: one in five a little lighter, darker or tinted."""
    return _toned(base, rng.uniform(0.9, 1.05, 3), rng.uniform(-10, 10)) if rng.random() < 0.2 else base


def random_piece(share: float, rng: np.random.Generator) -> Rect:
    """Return a box whose sides are about `share` of the panel's; for 1 often the whole panel."""
    if share == 1:
        if rng.random() < 0.6:
            return (0.0, 0.0, 1.0, 1.0)
        share = rng.uniform(0.82, 1.0)
    scale, stretch = share * np.exp(rng.uniform(-0.14, 0.14)), np.exp(rng.uniform(-0.12, 0.12))
    w, h = min(scale * stretch, 1.0), min(scale / stretch, 1.0)
    return (rng.uniform(0, 1 - w), rng.uniform(0, 1 - h), w, h)


def distorted_piece(base: Pixels, box: Rect, side: int, rng: np.random.Generator) -> Pixels:
    """Return the piece `box` of a square panel, distorted and resized to (side, side, 3)."""
    picture = _photographed(base, box, 2 * side, rng)
    for change, chance in _CHANGES:
        if rng.random() < chance:
            picture = change(picture, rng)
    if rng.random() < 0.3:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
        if rng.random() < 0.6:
            picture = _toned(picture, rng.uniform((0.9, 0.8, 0.55), (1.0, 1.0, 1.0)), rng.uniform(0, 25))
    if rng.random() < 0.3:
        picture = _recompressed(picture, rng)
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


# ---------------------------------------------------------------------- camera


def _photographed(base: Pixels, box: Rect, side: int, rng: np.random.Generator) -> Pixels:
    """Return the piece (side, side, 3), sometimes in perspective and tilted, sometimes mirrored."""
    x, y, w, h = (share * len(base) for share in box)
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
    if rng.random() < 0.4:
        corners = _tilted(corners, rng)
    if rng.random() < 0.35:
        corners = corners[[1, 0, 3, 2]]
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    edge = rng.integers(0, 256, 3).tolist()
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), square)
    seen = cv2.warpPerspective(base, matrix, (side, side), borderMode=cv2.BORDER_CONSTANT, borderValue=edge)
    return np.asarray(seen, np.uint8)


def _tilted(corners: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the corners a camera sees: turned, further away, each moved independently.

    They are turned before the sides are made equal, so that a long panel leans more than a square one.
    """
    centre, reach = corners.mean(axis=0), corners[2] - corners[0]
    shape = np.array([np.exp(rng.uniform(-0.6, 0.6)), 1.0])
    angle = np.radians(rng.uniform(-10, 10))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    distance = rng.uniform(0.95, 1.3, (1, 1)) + rng.uniform(-0.09, 0.09, (4, 2))
    turned = ((corners - centre) * distance / reach * shape) @ turn.T / shape * reach + centre
    return np.asarray(turned, np.float32)


# --------------------------------------------------------------------- changes


def _lettering_removed(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture without lettering: boxes emptied, or thin dark strokes on light ground filled."""
    if rng.random() < 0.5:
        return _boxes_emptied(picture, rng)
    size = int(rng.integers(5, 12))
    filled = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    light = cv2.GaussianBlur(cv2.cvtColor(filled, cv2.COLOR_RGB2GRAY), (0, 0), 3) > rng.integers(190, 240)
    return np.asarray(np.where(light[..., None], filled, picture), np.uint8)


def _boxes_emptied(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture with one to eight boxes of a text line's shape filled in their common light colour."""
    out, side = picture.copy(), len(picture)
    for _ in range(int(rng.integers(1, 9))):
        w, h = round(side * rng.uniform(0.12, 0.5)), round(side * rng.uniform(0.05, 0.22))
        x, y = rng.integers(0, side - w), rng.integers(0, side - h)
        inside = out[y : y + h, x : x + w]
        inside[:] = np.percentile(inside.reshape(-1, 3), 80, axis=0)
    return out


def _recoloured(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture in other hues, saturation and contrast."""
    hsv = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), np.int32)
    hsv[..., 0] = (hsv[..., 0] + rng.integers(0, 180)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.4, 1.6), 0, 255)
    turned = np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)
    return _toned(turned, np.full(3, rng.uniform(0.7, 1.4)), rng.uniform(-40, 40))


def _covered(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture with a block of one colour, of noise or of another part of it over up to a third."""
    out, side = picture.copy(), len(picture)
    area, stretch = rng.uniform(0.05, 0.33), np.exp(rng.uniform(-0.5, 0.5))
    w, h = (min(round(side * v), side - 1) for v in (np.sqrt(area) * stretch, np.sqrt(area) / stretch))
    x, y = rng.integers(0, side - w), rng.integers(0, side - h)
    u, v = rng.integers(0, side - w), rng.integers(0, side - h)
    way = rng.random()
    if way < 0.5:
        out[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    elif way < 0.75:
        out[y : y + h, x : x + w] = rng.integers(0, 256, (h, w, 3))
    else:
        out[y : y + h, x : x + w] = picture[v : v + h, u : u + w][::-1]
    return out


def _lit(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture lit from one side."""
    side = len(picture)
    angle, amount = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.65)
    at = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    slope = 1 - amount * (0.5 + np.cos(angle) * at[None] + np.sin(angle) * at[:, None])
    return np.asarray(np.clip(picture * slope[..., None], 0, 255), np.uint8)


def _blurred(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.5)), np.uint8)


def _grainy(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture with grey noise."""
    grain = rng.normal(0, rng.uniform(3, 18), picture.shape[:2])[..., None]
    return np.asarray(np.clip(picture + grain, 0, 255), np.uint8)


def _recompressed(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the picture made smaller, saved as a poor JPEG, and resized back."""
    side = len(picture)
    small = max(round(side * rng.uniform(0.3, 1.0)), 16)
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", reduced, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 60))])[1]
    enlarged = cv2.resize(cv2.imdecode(coded, cv2.IMREAD_COLOR), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, np.uint8)


def _toned(picture: Pixels, factors: NDArray[np.float64], offset: float) -> Pixels:
    """Return the picture with each channel multiplied and shifted."""
    return np.asarray(np.clip(picture * factors + offset, 0, 255), np.uint8)


_CHANGES: tuple[tuple[Callable[[Pixels, np.random.Generator], Pixels], float], ...] = (
    (_lettering_removed, 0.3),
    (_recoloured, 0.35),
    (_covered, 0.35),
    (_lit, 0.25),
    (_blurred, 0.3),
    (_grainy, 0.15),
)
"""Changes of a piece, in this order, and how often each is applied."""
