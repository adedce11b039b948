"""The panel detector: segments a page along its gutters and chooses the most plausible kind of gutter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from index_builder.panels.confidence import MIN_CONFIDENCE, detection_confidence
from index_builder.panels.deskew import deskew
from index_builder.panels.double_page import split_double_page
from index_builder.panels.gutters import gutter_masks
from index_builder.panels.order import reading_order
from index_builder.panels.rects import Rect
from index_builder.panels.segment import content_mask, segment
from retrieval.records import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

DETECTOR_VERSION = "gutters-4"
"""Stored with each page: a new version makes the next build detect the panels of all pages again."""

_MIN_SIDE = 32  # pixels; a page with a shorter side has no panels
_WORK_PIXELS = 720_000  # pixels of the working image, about 1000 x 720: frames are still sharp, and it stays fast
_FULL_PAGE_SCORE = 0.4  # score of "the page is one image", which a segmentation must exceed to be chosen
_PAGE_SIZED = 0.8  # a panel of more than this fraction of the page already stands for the page


@dataclass(frozen=True, slots=True)
class PanelDetection:
    """Panels detected on a page.

    boxes: in whole page pixels and reading order, [] if no segmentation is plausible. confidence: 0-1.
    reason: the strongest sign against the boxes. low_confidence: the page should also be indexed as a whole.
    """

    boxes: list[Box]
    confidence: float
    reason: str
    low_confidence: bool


def detect_panels(page: NDArray[np.uint8], *, right_to_left: bool = False) -> PanelDetection:
    """Detect the panels of a page, (H, W, 3) uint8 RGB.

    A page that is one single image gives no box or one box.
    """
    height, width = page.shape[:2]
    if min(height, width) < _MIN_SIDE:
        return PanelDetection([], 0.0, "the page is too small to hold panels", low_confidence=False)
    reduced = _reduce(page)
    paper, to_page = deskew(reduced)
    rects, confidence, reason = _segment_best(paper)
    ordered = _sort_rects(rects, paper.shape[1], paper.shape[0], right_to_left)
    scale = (width / reduced.shape[1], height / reduced.shape[0])
    boxes = [_to_box(rect, to_page, scale, (width, height)) for rect in ordered]
    boxes = [box for box in boxes if box.w > 0 and box.h > 0]
    divided = bool(boxes) and max(box.w * box.h for box in boxes) <= _PAGE_SIZED * width * height
    return PanelDetection(boxes, confidence, reason, low_confidence=divided and confidence < MIN_CONFIDENCE)


def _segment_best(paper: NDArray[Any]) -> tuple[list[Rect], float, str]:
    """Return the rectangles of the highest-scoring gutter mask, their confidence and the reason against them.

    "The page is one image" competes with the segmentations; the first of equal scores wins.
    """
    full_page: tuple[float, list[Rect], NDArray[np.uint8]] = (_FULL_PAGE_SCORE, [], paper[..., 0])
    candidates = [full_page, *((*segment(prior, mask), mask) for prior, mask in gutter_masks(paper))]
    _, rects, mask = max(candidates, key=lambda candidate: candidate[0])
    return rects, *detection_confidence(rects, content_mask(mask) if rects else mask)


def _sort_rects(rects: list[Rect], width: int, height: int, right_to_left: bool) -> list[Rect]:
    """Sort into reading order; the pages of a double page come one after the other."""
    pages = split_double_page(rects, width, height) or (rects,)
    page_order = reversed(pages) if right_to_left else pages
    return [rect for page in page_order for rect in reading_order(page, right_to_left=right_to_left)]


def _reduce(page: NDArray[np.uint8]) -> NDArray[Any]:
    """Reduce the page to the working image. The bound is on its area, so that long strips keep some width."""
    height, width = page.shape[:2]
    scale = (_WORK_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return page
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: NDArray[Any] = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    return reduced


def _to_box(rect: Rect, to_page: NDArray[np.float64], scale: tuple[float, float], size: tuple[int, int]) -> Box:
    """Return the box on the page around a rectangle of the deskewed paper, clipped to the page.

    Its width or height is 0 or less if the rectangle lies off the page.
    """
    corners = np.array([(x, y, 1.0) for x in rect[::2] for y in rect[1::2]]) @ to_page.T * scale
    left, top = (max(0, round(float(edge))) for edge in corners.min(axis=0))
    right, bottom = (min(side, round(float(edge))) for edge, side in zip(corners.max(axis=0), size, strict=True))
    return Box(left, top, right - left, bottom - top)
