"""Segmentation: a gutter mask -> the rectangles of panels, with a score."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from index_builder.panels.rects import Rect, area, intersection_area, long_side, union
from index_builder.panels.rows import extend_to_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIN_SIDE = 0.06  # shorter side of a panel, as a fraction of the page's shorter side
_MIN_AREA = 0.008  # area of a panel, as a fraction of the page's shorter side times its reference side
_BRIDGE = 0.006  # width of drawing that does not join two panels, as a fraction of the reference side
_MIN_GUTTER = 0.004  # thickness of a straight gutter, as a fraction of the reference side
_MIN_CLEAR = 0.8  # share of gutter pixels in each line of a straight gutter
_MIN_CONTRAST = 0.45  # share of gutter pixels in a straight gutter minus that in the lines next to it
_NESTED = 0.7  # a box belongs to a larger one that covers this share of it
_MAX_DEPTH = 12  # nested cuts; bounds the recursion
_MAX_PANELS = 200  # more boxes than this are texture
_MIN_FRAME = 0.6  # share of a panel's inner rim with drawing; a box with less is a loose figure
_MAX_FIGURES = 24  # loose figures considered for merging: the pairs grow with the square
_WHOLE_PAGE = 0.95  # a single box of more than this fraction of the page is the page itself


def segment(prior: float, gutter: NDArray[np.uint8]) -> tuple[float, list[Rect]]:
    """Return the score, 0-1, and the rectangles of the panels between the gutters of a (H, W) mask.

    prior: weight of this kind of gutter, 0-1; the score is multiplied by it.
    """
    height, width = gutter.shape
    content = content_mask(gutter)
    pieces = []
    for rect in _remove_specks(_components(content), width, height):
        pieces += _split(gutter, rect, _MAX_DEPTH)
    rects = _merge_figures(_merge_nested(_remove_specks(pieces, width, height)), content)
    rects = extend_to_rows(rects, gutter.shape)
    if len(rects) > _MAX_PANELS or (len(rects) == 1 and area(rects[0]) > _WHOLE_PAGE * content.size):
        rects = []
    return prior * _plausibility(rects, content), rects


def content_mask(gutter: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the (H, W) mask of drawing: all that is not gutter, without lines too thin to join two panels."""
    bridge = max(3, round(_BRIDGE * long_side(gutter.shape)) | 1)
    opened: NDArray[np.uint8] = cv2.morphologyEx(
        1 - _connected_to_edge(gutter), cv2.MORPH_OPEN, np.ones((bridge, bridge), np.uint8)
    )
    return opened


def _connected_to_edge(gutter: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the part of a mask that is connected with the page edge: white inside a panel is not a gutter."""
    framed = cv2.copyMakeBorder(gutter, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels = cv2.connectedComponents(framed, connectivity=4)
    connected: NDArray[np.uint8] = (labels == labels[0, 0]).astype(np.uint8)[1:-1, 1:-1]
    return connected


def _components(content: NDArray[np.uint8]) -> list[Rect]:
    """Return the bounding boxes of the connected components."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(content, connectivity=4)
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]


def _split(gutter: NDArray[np.uint8], rect: Rect, depth: int) -> list[Rect]:
    """Split `rect` at its clearest straight gutter, recursively."""
    cuts = [cut for axis in (0, 1) if (cut := _best_cut(gutter, rect, axis))]
    if not cuts or depth == 0:
        return [rect]
    _, axis, start, end = max(cuts)
    left, top, right, bottom = rect
    if axis == 0:
        parts = [(left, top, left + start, bottom), (left + end, top, right, bottom)]
    else:
        parts = [(left, top, right, top + start), (left, top + end, right, bottom)]
    return [piece for part in parts for piece in _split(gutter, part, depth - 1)]


def _best_cut(gutter: NDArray[np.uint8], rect: Rect, axis: int) -> tuple[float, int, int, int] | None:
    """Return (score, axis, start, end) of the clearest straight gutter across `rect`, or None.

    A gutter is a band of gutter pixels with drawing next to it on both sides. A plain sky has more sky next to it.
    """
    left, top, right, bottom = rect
    profile = gutter[top:bottom, left:right].mean(axis=axis)
    page_side = long_side(gutter.shape)
    thin, margin = max(3, round(_MIN_GUTTER * page_side)), round(_MIN_SIDE * page_side)
    best = None
    for start, end in _runs(profile >= _MIN_CLEAR):
        if end - start < thin or start < margin or end > len(profile) - margin:
            continue
        if not _open_ended(gutter[top:bottom, left:right], axis, start, end, 2 * thin):
            continue
        neighbours = max(profile[max(0, start - 2 * thin) : start].min(), profile[end : end + 2 * thin].min())
        score = float(profile[start:end].mean() - neighbours)
        if score >= _MIN_CONTRAST and (best is None or score > best[0]):
            best = (score, axis, start, end)
    return best


def _open_ended(gutter: NDArray[np.uint8], axis: int, start: int, end: int, depth: int) -> bool:
    """Return True if a band reaches the border of the box at one end or both.

    White space inside a drawn frame is closed at both ends. depth: pixels at each end that must be gutter.
    """
    across = (gutter[:, start:end] if axis == 0 else gutter[start:end].T).max(axis=1)
    return bool(across[:depth].all() or across[-depth:].all())


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, end) of each run of True."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _remove_specks(rects: list[Rect], width: int, height: int) -> list[Rect]:
    """Return the rectangles that are large enough for a panel."""
    min_side = _MIN_SIDE * min(width, height)
    min_area = _MIN_AREA * min(width, height) * long_side((height, width))
    return [r for r in rects if min(r[2] - r[0], r[3] - r[1]) >= min_side and area(r) >= min_area]


def _merge_nested(rects: list[Rect]) -> list[Rect]:
    """Merge rectangles into the larger ones that hold them."""
    merged: list[Rect] = []
    for rect in sorted(rects, key=area, reverse=True):
        host = next((i for i, m in enumerate(merged) if intersection_area(rect, m) >= _NESTED * area(rect)), None)
        if host is None:
            merged.append(rect)
        else:
            merged[host] = union(merged[host], rect)
    return merged


def _merge_figures(rects: list[Rect], content: NDArray[np.uint8]) -> list[Rect]:
    """Merge loose figures side by side into one panel, unless their union meets another box.

    A panel without a frame falls apart into its figures.
    """
    loose = [rect for rect in rects if frame_coverage(rect, content) < _MIN_FRAME][:_MAX_FIGURES]
    for a, b in itertools.combinations(sorted(loose), 2):
        joint = union(a, b)
        height = min(a[3], b[3]) - max(a[1], b[1])
        side_by_side = height >= 0.5 * min(a[3] - a[1], b[3] - b[1])
        rest = [rect for rect in rects if rect not in (a, b)]
        if side_by_side and not any(intersection_area(joint, rect) for rect in rest):
            return _merge_figures([*rest, joint], content)
    return rects


def _plausibility(rects: list[Rect], content: NDArray[np.uint8]) -> float:
    """Return the share of the page that framed panels cover, reduced if there are few of them."""
    if not rects:
        return 0.0
    covered = sum(area(rect) * frame_coverage(rect, content) for rect in rects) / content.size
    return covered * (1 - 0.5 / len(rects))


def frame_coverage(rect: Rect, content: NDArray[np.uint8]) -> float:
    """Return the share of the box's inner rim with drawing, 0-1; the bounding box of a loose figure has little."""
    left, top, right, bottom = rect
    inside = content[top:bottom, left:right]
    rim = max(2, min(inside.shape) // 50)
    strips = (inside[:rim].max(0), inside[-rim:].max(0), inside[:, :rim].max(1), inside[:, -rim:].max(1))
    return float(np.mean([strip.mean() for strip in strips]))
