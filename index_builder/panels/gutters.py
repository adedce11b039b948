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
_TRUST_INK = 0.95  # "not ink" needs better boxes than the colour of the page's edge to be believed
_TRUST_OTHER = 0.75  # so do white and black where the edge has another colour


def gutter_masks(page: NDArray[Any]) -> list[tuple[float, NDArray[np.uint8]]]:
    """Ideas of what gutters look like: (trust, mask), the (H, W) mask 1 where a gutter may be.

    By colour: the commonest one of the page's edge, then white and black. And as "whatever is not
    ink", since old paper has no one colour, but panels with drawn frames.
    """
    masks = []
    for place, colour in enumerate(_gutter_colours(page)):
        alike = np.abs(page.astype(np.int16) - colour).max(axis=2) <= _TOLERANCE
        masks.append((_TRUST_OTHER if place else 1.0, alike.astype(np.uint8)))
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    paper = float(np.median(grey))
    if paper > _BRIGHT:
        ink = cv2.dilate((grey < _INK * paper).astype(np.uint8), np.ones((3, 3), np.uint8))
        masks.append((_TRUST_INK, 1 - ink))
    return masks


def _gutter_colours(page: NDArray[Any]) -> list[NDArray[np.int16]]:
    """(3,) colours: the commonest of the page's edge first, then white and black where they differ from it."""
    rim = max(2, round(_RIM * long_side(page.shape)))
    strips = (page[:rim], page[-rim:], page[:, :rim], page[:, -rim:])
    edge = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    coarse = (edge >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = edge[coarse == np.bincount(coarse).argmax()]
    colours = [np.median(common, axis=0).astype(np.int16)]
    for extra in (255, 0):
        if all(np.abs(colour - extra).max() > 2 * _TOLERANCE for colour in colours):
            colours.append(np.full(3, extra, np.int16))
    return colours
