"""Gutter masks: the pixels of a page that may be gutter, by colour or as everything but ink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.rects import long_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 28  # grey levels that a gutter pixel may differ from the gutter colour in any channel
_RIM = 0.012  # width of the page edge that shows the gutter colour, as a fraction of the reference side
_MIN_PAPER_GREY = 100  # median grey level above which ink can be separated from paper
_INK = 0.55  # ink is darker than this fraction of the page's median grey
_FIT_ROUNDS = 8  # least-squares fits of the shading, each over the pixels that the previous one explains
_MIN_GAIN = 0.1  # share of the edge that the shading must explain beyond one colour
_FIT_STEP = 4  # pixels between two edge pixels used in the fit
_RIDGE = 1e-3 * np.eye(4)  # ridge term: keeps the fit solvable if all pixels lie on one line
# Prior weights of the masks: a less likely kind of gutter needs better panels to be chosen.
_PRIOR_EDGE = 1.0  # the dominant colour of the page edge
_PRIOR_SHADED = 0.98  # the same colour, unevenly lit
_PRIOR_INK = 0.95  # everything but ink
_PRIOR_OTHER = 0.75  # white or black, if the edge has another colour


def gutter_masks(page: NDArray[Any]) -> list[tuple[float, NDArray[np.uint8]]]:
    """Return (prior weight, mask) of each kind of gutter; a mask is (H, W), 1 for pixels that may be gutter.

    By colour: the dominant one of the page edge, then white and black. Last, everything but ink: old paper has no
    single colour, but its panels have drawn frames.
    """
    masks = []
    for prior, colour in _gutter_colours(page):
        masks.append((prior, near_colour(page, colour, _TOLERANCE)))
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    paper = float(np.median(grey))
    if paper > _MIN_PAPER_GREY:
        ink = cv2.dilate((grey < _INK * paper).astype(np.uint8), np.ones((3, 3), np.uint8))
        masks.append((_PRIOR_INK, 1 - ink))
    return masks


def near_colour(page: NDArray[Any], colour: NDArray[np.int16], tolerance: int) -> NDArray[np.uint8]:
    """Return (H, W) uint8: 1 where no channel of a (H, W, 3) uint8 page differs by more than `tolerance` from a colour.

    colour: (3,), or (H, W, 3) for one that varies.
    """
    if colour.ndim == 1:
        low, high = np.clip(colour - tolerance, 0, 255), np.clip(colour + tolerance, 0, 255)
        return _ones(cv2.inRange(page, tuple(low.tolist()), tuple(high.tolist())))
    # one channel after the other: NumPy is slow along an axis of three
    near = [np.abs(page[..., c].astype(np.int16) - colour[..., c]) <= tolerance for c in range(3)]
    return _ones(near[0] & near[1] & near[2])


def _ones(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a mask as 1 where it is set, else 0."""
    ones: NDArray[np.uint8] = (mask != 0).astype(np.uint8)
    return ones


def edge_pixels(page: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels along the page edge, (N, 3)."""
    rim = _rim(page.shape)
    strips = (page[:rim], page[-rim:], page[:, :rim], page[:, -rim:])
    return np.concatenate([strip.reshape(-1, 3) for strip in strips])


def dominant_colour(pixels: NDArray[Any]) -> NDArray[np.int16]:
    """Return the most frequent colour, (3,), of (N, 3) uint8 pixels."""
    coarse = (pixels >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = pixels[coarse == np.bincount(coarse).argmax()]
    colour: NDArray[np.int16] = np.median(common, axis=0).astype(np.int16)
    return colour


def _rim(shape: tuple[int, ...]) -> int:
    """Return the width of the page edge in pixels."""
    return max(2, round(_RIM * long_side(shape)))


def _gutter_colours(page: NDArray[Any]) -> list[tuple[float, NDArray[np.int16]]]:
    """Return (prior weight, colour): of the page edge, of its shading, then white and black if they differ from it.

    A colour is (3,), or (H, W, 3) if it varies over the page.
    """
    colour = dominant_colour(edge_pixels(page))
    colours = [(_PRIOR_EDGE, colour)]
    shading = _fit_shading(page, colour)
    if shading is not None:
        colours.append((_PRIOR_SHADED, shading))
    for extra in (255, 0):
        if np.abs(colour - extra).max() > 2 * _TOLERANCE:
            colours.append((_PRIOR_OTHER, np.full(3, extra, np.int16)))
    return colours


def _fit_shading(page: NDArray[Any], colour: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """Fit a bilinear colour field (H, W, 3) to an unevenly lit page edge; None if one colour explains the edge.

    The fit starts from the pixels near `colour` and grows along the edge while the colour changes slowly.
    """
    height, width = page.shape[:2]
    y, x = _edge_coordinates(height, width, _rim(page.shape))
    pixels = page[y, x].astype(np.float64)
    base = np.stack([np.ones(len(y)), y / height, x / width, y * x / (height * width)], axis=1)
    close = np.abs(pixels - colour).max(axis=1) <= _TOLERANCE
    explained = close.mean()
    weights = np.zeros((4, 3))
    for _ in range(_FIT_ROUNDS):
        if close.sum() < len(weights):
            return None
        weights = np.linalg.solve(base[close].T @ base[close] + _RIDGE, base[close].T @ pixels[close])
        close = np.abs(pixels - base @ weights).max(axis=1) <= _TOLERANCE
    if close.mean() < explained + _MIN_GAIN:
        return None
    rows = (np.arange(height) / height)[:, None, None]
    columns = (np.arange(width) / width)[None, :, None]
    level, down, along, both = weights.astype(np.float32)
    field: NDArray[np.int16] = (level + down * rows + (along + both * rows) * columns).astype(np.int16)
    return field


def _edge_coordinates(height: int, width: int, rim: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows and columns, (N,) each, of pixels on two lines around the page: half a rim and a rim inside."""
    lines = []
    for inset in (rim // 2, rim):
        top, bottom, left, right = inset, height - 1 - inset, inset, width - 1 - inset
        along, down = np.arange(left, right + 1, _FIT_STEP), np.arange(top, bottom + 1, _FIT_STEP)
        lines += [(np.full_like(along, row), along) for row in (top, bottom)]
        lines += [(down, np.full_like(down, column)) for column in (left, right)]
    return np.concatenate([rows for rows, _ in lines]), np.concatenate([columns for _, columns in lines])
