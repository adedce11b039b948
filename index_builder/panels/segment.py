"""A mask of gutters -> the rectangles between them, and how convincing they are."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from index_builder.panels.rects import Rect, area, long_side, overlap, union
from index_builder.panels.rows import completed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPECK = 0.06  # a panel's shorter side is at least this fraction of the page's shorter side
_SMALL = 0.008  # ... and its area this fraction of the page's
_BRIDGE = 0.006  # drawing thinner than this does not join two panels
_GUTTER = 0.004  # thinnest straight gutter, as a fraction of the longer side
_CLEAR = 0.8  # how much of a straight gutter must be free of drawing
_EDGE = 0.45  # how much more gutter colour a straight gutter has than what lies beside it
_NESTED = 0.7  # a box covered this far by a larger one belongs to it
_DEPTH = 12  # cuts inside cuts
_MOST = 200  # more boxes than this are texture
_FRAMED = 0.6  # a panel's inner rim shows drawing along at least this much of it
_FIGURES = 24  # loose figures looked at; pairs of pairs grow fast
_ALL = 0.95  # a box of more than this fraction of the page is the page


def find_rects(trust: float, alike: NDArray[np.uint8]) -> tuple[float, list[Rect]]:
    """Panels between these gutters, and how convincing they are together."""
    height, width = alike.shape
    content = drawn_on(alike)
    pieces = []
    for rect in _without_specks(_components(content), width, height):
        pieces += _cut(alike, rect, _DEPTH)
    rects = _gathered(_nested_merged(_without_specks(pieces, width, height)), content)
    rects = completed(rects, alike.shape)
    if len(rects) > _MOST or (len(rects) == 1 and area(rects[0]) > _ALL * content.size):
        rects = []
    return trust * _plausibility(rects, content), rects


def drawn_on(alike: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) 1 where the page is drawn on: what no gutter reaches, without what is too thin to join two panels."""
    bridge = max(3, round(_BRIDGE * long_side(alike.shape)) | 1)
    opened: NDArray[np.uint8] = cv2.morphologyEx(
        1 - _reached_from_edge(alike), cv2.MORPH_OPEN, np.ones((bridge, bridge), np.uint8)
    )
    return opened


def _reached_from_edge(alike: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where gutter colour is connected with the page's edge: white inside a panel is not a gutter."""
    framed = cv2.copyMakeBorder(alike, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels = cv2.connectedComponents(framed, connectivity=4)
    reached: NDArray[np.uint8] = (labels == labels[0, 0]).astype(np.uint8)[1:-1, 1:-1]
    return reached


def _components(content: NDArray[np.uint8]) -> list[Rect]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(content, connectivity=4)
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]


def _cut(alike: NDArray[np.uint8], rect: Rect, depth: int) -> list[Rect]:
    """Split at the best straight gutter, and each part again."""
    cuts = [cut for axis in (0, 1) if (cut := _best_cut(alike, rect, axis))]
    if not cuts or depth == 0:
        return [rect]
    _, axis, start, end = max(cuts)
    left, top, right, bottom = rect
    if axis == 0:
        parts = [(left, top, left + start, bottom), (left + end, top, right, bottom)]
    else:
        parts = [(left, top, right, top + start), (left, top + end, right, bottom)]
    return [piece for part in parts for piece in _cut(alike, part, depth - 1)]


def _best_cut(alike: NDArray[np.uint8], rect: Rect, axis: int) -> tuple[float, int, int, int] | None:
    """(score, axis, start, end) of the clearest straight gutter across `rect`, or None.

    A gutter is a band of gutter colour with drawing right beside it on both sides; a plain sky has
    more sky beside it.
    """
    left, top, right, bottom = rect
    profile = alike[top:bottom, left:right].mean(axis=axis)
    page_side = long_side(alike.shape)
    thin, margin = max(3, round(_GUTTER * page_side)), round(_SPECK * page_side)
    best = None
    for start, end in _runs(profile >= _CLEAR):
        if end - start < thin or start < margin or end > len(profile) - margin:
            continue
        if not _open_ended(alike[top:bottom, left:right], axis, start, end, 2 * thin):
            continue
        beside = max(profile[max(0, start - 2 * thin) : start].min(), profile[end : end + 2 * thin].min())
        score = float(profile[start:end].mean() - beside)
        if score >= _EDGE and (best is None or score > best[0]):
            best = (score, axis, start, end)
    return best


def _open_ended(alike: NDArray[np.uint8], axis: int, start: int, end: int, depth: int) -> bool:
    """Whether a band leads out of the box at one end at least: a drawn frame closes white space inside it at both."""
    across = (alike[:, start:end] if axis == 0 else alike[start:end].T).max(axis=1)
    return bool(across[:depth].all() or across[-depth:].all())


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[start, end) of each run of True."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _without_specks(rects: list[Rect], width: int, height: int) -> list[Rect]:
    side = _SPECK * min(width, height)
    least = _SMALL * min(width, height) * long_side((height, width))
    return [r for r in rects if min(r[2] - r[0], r[3] - r[1]) >= side and area(r) >= least]


def _nested_merged(rects: list[Rect]) -> list[Rect]:
    """Boxes that lie in larger ones become part of them."""
    kept: list[Rect] = []
    for rect in sorted(rects, key=area, reverse=True):
        host = next((i for i, k in enumerate(kept) if overlap(rect, k) >= _NESTED * area(rect)), None)
        if host is None:
            kept.append(rect)
        else:
            kept[host] = union(kept[host], rect)
    return kept


def _gathered(rects: list[Rect], content: NDArray[np.uint8]) -> list[Rect]:
    """Loose figures side by side become one panel: a panel without a frame falls apart into them.

    Only where the joint box meets no other box.
    """
    loose = [rect for rect in rects if framing(rect, content) < _FRAMED][:_FIGURES]
    for one, other in itertools.combinations(sorted(loose), 2):
        joint = union(one, other)
        height = min(one[3], other[3]) - max(one[1], other[1])
        beside = height >= 0.5 * min(one[3] - one[1], other[3] - other[1])
        rest = [rect for rect in rects if rect not in (one, other)]
        if beside and not any(overlap(joint, rect) for rect in rest):
            return _gathered([*rest, joint], content)
    return rects


def _plausibility(rects: list[Rect], content: NDArray[np.uint8]) -> float:
    """Share of the page that well-framed panels cover; the fewer they are, the less it proves."""
    if not rects:
        return 0.0
    covered = sum(area(rect) * framing(rect, content) for rect in rects) / content.size
    return covered * (1 - 0.5 / len(rects))


def framing(rect: Rect, content: NDArray[np.uint8]) -> float:
    """How much of the box's inner rim is drawing, 0-1: a figure's bounding box touches it at few places."""
    left, top, right, bottom = rect
    inside = content[top:bottom, left:right]
    rim = max(2, min(inside.shape) // 50)
    strips = (inside[:rim].max(0), inside[-rim:].max(0), inside[:, :rim].max(1), inside[:, -rim:].max(1))
    return float(np.mean([strip.mean() for strip in strips]))
