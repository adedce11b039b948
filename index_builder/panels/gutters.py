"""What gutters may look like on a page: masks by colour, and of whatever is not ink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.rects import long_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 28  # grey levels a gutter may differ from its colour in any channel
_RIM = 0.012  # width of the page's edge that shows the gutter's colour
_BRIGHT = 100  # grey level above which paper may be told from ink
_INK = 0.55  # ink is darker than this fraction of the page's median grey
_GROWTH = 8  # times the field of an unevenly lit edge is fitted anew
_GAIN = 0.1  # share of the edge that the field must explain beyond one colour
_EVERY = 4  # pixels between two places of the edge that the field is fitted to
_RIDGE = 1e-3 * np.eye(4)  # keeps the fit possible where all places lie on one line
_TRUST_SHADED = 0.98  # one even colour goes before an uneven one
_TRUST_INK = 0.95  # "not ink" needs better boxes than the colour of the page's edge to be believed
_TRUST_OTHER = 0.75  # so do white and black where the edge has another colour


def gutter_masks(page: NDArray[Any]) -> list[tuple[float, NDArray[np.uint8]]]:
    """Ideas of what gutters look like: (trust, mask), the (H, W) mask 1 where a gutter may be.

    By colour: the commonest one of the page's edge, then white and black. And as "whatever is not
    ink", since old paper has no one colour, but panels with drawn frames.
    """
    masks = []
    for trust, colour in _gutter_colours(page):
        alike = np.abs(page.astype(np.int16) - colour).max(axis=2) <= _TOLERANCE
        masks.append((trust, alike.astype(np.uint8)))
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    paper = float(np.median(grey))
    if paper > _BRIGHT:
        ink = cv2.dilate((grey < _INK * paper).astype(np.uint8), np.ones((3, 3), np.uint8))
        masks.append((_TRUST_INK, 1 - ink))
    return masks


def edge_pixels(page: NDArray[Any]) -> NDArray[Any]:
    """(N, 3) the pixels along the page's edge."""
    rim = _rim(page.shape)
    strips = (page[:rim], page[-rim:], page[:, :rim], page[:, -rim:])
    return np.concatenate([strip.reshape(-1, 3) for strip in strips])


def common_colour(pixels: NDArray[Any]) -> NDArray[np.int16]:
    """(3,) the commonest colour of (N, 3) uint8 pixels."""
    coarse = (pixels >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = pixels[coarse == np.bincount(coarse).argmax()]
    middle: NDArray[np.int16] = np.median(common, axis=0).astype(np.int16)
    return middle


def _rim(shape: tuple[int, ...]) -> int:
    return max(2, round(_RIM * long_side(shape)))


def _gutter_colours(page: NDArray[Any]) -> list[tuple[float, NDArray[np.int16]]]:
    """(trust, colour): that of the page's edge, also unevenly lit, then white and black where they differ from it."""
    colour = common_colour(edge_pixels(page))
    colours = [(1.0, colour)]
    field = _shaded(page, colour)
    if field is not None:
        colours.append((_TRUST_SHADED, field))
    for extra in (255, 0):
        if np.abs(colour - extra).max() > 2 * _TOLERANCE:
            colours.append((_TRUST_OTHER, np.full(3, extra, np.int16)))
    return colours


def _shaded(page: NDArray[Any], colour: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """The edge's colour where light falls unevenly: a bilinear field (H, W, 3) fitted to it; None where it is even.

    The field grows from the commonest colour along the edge, as far as it changes slowly.
    """
    height, width = page.shape[:2]
    y, x = _edge_places(height, width, _rim(page.shape))
    pixels = page[y, x].astype(np.float64)
    base = np.stack([np.ones(len(y)), y / height, x / width, y * x / (height * width)], axis=1)
    close = np.abs(pixels - colour).max(axis=1) <= _TOLERANCE
    plain = close.mean()
    weights = np.zeros((4, 3))
    for _ in range(_GROWTH):
        if close.sum() < len(weights):
            return None
        weights = np.linalg.solve(base[close].T @ base[close] + _RIDGE, base[close].T @ pixels[close])
        close = np.abs(pixels - base @ weights).max(axis=1) <= _TOLERANCE
    if close.mean() < plain + _GAIN:
        return None
    rows = (np.arange(height) / height)[:, None, None]
    columns = (np.arange(width) / width)[None, :, None]
    level, down, along, both = weights.astype(np.float32)
    field: NDArray[np.int16] = (level + down * rows + (along + both * rows) * columns).astype(np.int16)
    return field


def _edge_places(height: int, width: int, rim: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns of pixels on two lines around the page, at its very edge and a rim's width inside."""
    found = []
    for inset in (rim // 2, rim):
        top, bottom, left, right = inset, height - 1 - inset, inset, width - 1 - inset
        along, down = np.arange(left, right + 1, _EVERY), np.arange(top, bottom + 1, _EVERY)
        found += [(np.full_like(along, row), along) for row in (top, bottom)]
        found += [(down, np.full_like(down, column)) for column in (left, right)]
    return np.concatenate([rows for rows, _ in found]), np.concatenate([columns for _, columns in found])
