"""A page -> the boxes of its panels in reading order, found by looking for gutters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.confidence import DOUBT, confidence
from index_builder.panels.deskew import straightened
from index_builder.panels.double_page import halves
from index_builder.panels.gutters import gutter_masks
from index_builder.panels.order import reading_order
from index_builder.panels.rects import Rect
from index_builder.panels.segment import drawn_on, find_rects
from retrieval.records import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINDER = "gutters-4"
"""Stored in indexes: a change of this string means that pages are looked at again."""

_LEAST = 32  # pixels; a page with a shorter side has no panels
_WORK_PIXELS = 720_000  # pixels of the picture that is looked at, about 1000 x 720
_WHOLE = 0.4  # boxes must be more convincing than this to be taken instead of the whole page
_ALMOST_ALL = 0.8  # a panel of more than this fraction of the page stands for the page itself


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found on a page. `boxes`: whole page pixels in reading order, [] when nothing is convincing.

    `confidence` is 0-1, and `reason` says in words what speaks against the boxes most. `doubtful`: the page is better
    kept whole besides them.
    """

    boxes: list[Box]
    confidence: float
    reason: str
    doubtful: bool


def find_panels(page: NDArray[np.uint8], *, right_to_left: bool = False) -> list[Box]:
    """Boxes of whole page pixels in reading order; [] when nothing convincing is found.

    `page` is (H, W, 3) uint8 RGB. A page that is one single picture gives [] or one box.
    """
    return examine(page, right_to_left=right_to_left).boxes


def examine(page: NDArray[np.uint8], *, right_to_left: bool = False) -> Outcome:
    """The boxes of `find_panels`, and how far they can be trusted. `page` is (H, W, 3) uint8 RGB."""
    height, width = page.shape[:2]
    if min(height, width) < _LEAST:
        return Outcome([], 0.0, "the page is too small to hold panels", doubtful=False)
    small = _reduced(page)
    # "The whole page is one picture" competes with what each idea of a gutter finds.
    paper, back = straightened(small)
    found = [(_WHOLE, [], paper[..., 0]), *((*find_rects(*idea), idea[1]) for idea in gutter_masks(paper))]
    _, rects, alike = max(found, key=lambda scored: scored[0])
    trust, reason = confidence(rects, drawn_on(alike) if rects else alike)
    ordered = _ordered(rects, paper.shape[1], paper.shape[0], right_to_left)
    scale = (width / small.shape[1], height / small.shape[0])
    boxes = [_to_box(rect, back, scale, (width, height)) for rect in ordered]
    boxes = [box for box in boxes if box.w > 0 and box.h > 0]
    apart = bool(boxes) and max(box.w * box.h for box in boxes) <= _ALMOST_ALL * width * height
    return Outcome(boxes, trust, reason, doubtful=apart and trust < DOUBT)


def _ordered(rects: list[Rect], width: int, height: int, right_to_left: bool) -> list[Rect]:
    """Reading order; of two pages side by side one after the other."""
    pages = halves(rects, width, height) or (rects,)
    in_turn = reversed(pages) if right_to_left else pages
    return [rect for page in in_turn for rect in reading_order(page, right_to_left=right_to_left)]


def _reduced(page: NDArray[np.uint8]) -> NDArray[Any]:
    """The page at working resolution; bounded by area, so that long strips keep some width."""
    height, width = page.shape[:2]
    scale = (_WORK_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return page
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: NDArray[Any] = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    return reduced


def _to_box(rect: Rect, back: NDArray[np.float64], scale: tuple[float, float], size: tuple[int, int]) -> Box:
    """The box on the page around a rectangle on its straightened paper; without area where it lies off the page."""
    corners = np.array([(x, y, 1.0) for x in rect[::2] for y in rect[1::2]]) @ back.T * scale
    left, top = (max(0, round(float(edge))) for edge in corners.min(axis=0))
    right, bottom = (min(side, round(float(edge))) for edge, side in zip(corners.max(axis=0), size, strict=True))
    return Box(left, top, right - left, bottom - top)
