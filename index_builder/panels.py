"""A page -> the boxes of its panels in reading order, found by looking for gutters."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from retrieval.records import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINDER = "gutters-1"
"""Stored in indexes: a change of this string means that pages are looked at again."""

_WORK_SIDE = 1000  # px of the longer side while looking
_TOLERANCE = 28  # grey levels a gutter may differ from its colour in any channel
_RIM = 0.012  # width of the page's edge that shows the gutter's colour
_SPECK = 0.06  # a panel's shorter side is at least this fraction of the page's shorter side
_SMALL = 0.008  # ... and its area this fraction of the page's
_BRIDGE = 0.006  # drawing thinner than this does not join two panels
_GUTTER = 0.004  # thinnest straight gutter, as a fraction of the longer side
_CLEAR = 0.8  # how much of a straight gutter must be free of drawing
_EDGE = 0.45  # how much more gutter colour a straight gutter has than what lies beside it
_NESTED = 0.7  # a box covered this far by a larger one belongs to it
_DEPTH = 12
_BRIGHT = 100  # grey level above which paper may be told from ink
_INK = 0.55  # ink is darker than this fraction of the page's median grey
_FRAMED = 0.6  # a panel's inner rim shows drawing along at least this much of it
_LONE = 0.4  # what a page's only box counts for
_SLACK = 0.25  # overlap, as a fraction of the shortest side, that does not spoil a row or column

Rect = tuple[int, int, int, int]  # left, top, right, bottom in working pixels


def find_panels(page: NDArray[np.uint8], *, right_to_left: bool = False) -> list[Box]:
    """Boxes of whole page pixels in reading order; [] when nothing convincing is found.

    `page` is (H, W, 3) uint8 RGB. A page that is one single picture gives [] or one box.
    """
    height, width = page.shape[:2]
    if min(height, width) < 32:
        return []
    small = _reduced(page)
    rects = max((_rects(alike) for alike in _gutter_masks(small)), key=lambda found: found[0])[1]
    ordered = reading_order(rects, right_to_left=right_to_left)
    scale = (width / small.shape[1], height / small.shape[0])
    return [_to_box(rect, scale, (width, height)) for rect in ordered]


def reading_order(rects: list[Rect], *, right_to_left: bool = False) -> list[Rect]:
    """Rows first, then columns, again inside each part; where neither is clean, along the cleaner of both."""
    if len(rects) <= 1:
        return rects
    rows, columns = _division(rects, 1), _division(rects, 0)
    by_rows = rows[0] <= _SLACK or (columns[0] > _SLACK and rows[0] <= columns[0])
    first, second = (rows if by_rows else columns)[1:]
    if right_to_left and not by_rows:
        first, second = second, first
    return [rect for part in (first, second) for rect in reading_order(part, right_to_left=right_to_left)]


def _division(rects: list[Rect], axis: int) -> tuple[float, list[Rect], list[Rect]]:
    """The cleanest split in two along an axis (0: columns, 1: rows).

    Its overlap comes first, as a fraction of the shortest side: 0 or less when a line passes between.
    """
    ordered = sorted(rects, key=lambda r: (r[axis] + r[axis + 2], r))
    side = min(r[axis + 2] - r[axis] for r in rects)
    overlaps = [
        (max(r[axis + 2] for r in ordered[:n]) - min(r[axis] for r in ordered[n:])) / side
        for n in range(1, len(ordered))
    ]
    place = overlaps.index(min(overlaps))
    return overlaps[place], ordered[: place + 1], ordered[place + 1 :]


def _reduced(page: NDArray[np.uint8]) -> NDArray[Any]:
    scale = _WORK_SIDE / max(page.shape[:2])
    if scale >= 1:
        return page
    size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
    return cv2.resize(page, size, interpolation=cv2.INTER_AREA)


def _gutter_colours(page: NDArray[Any]) -> list[NDArray[np.int16]]:
    """What a gutter may look like: the commonest colour of the page's edge, white, black."""
    rim = max(2, round(_RIM * max(page.shape[:2])))
    edge = np.concatenate(
        [
            page[:rim].reshape(-1, 3),
            page[-rim:].reshape(-1, 3),
            page[:, :rim].reshape(-1, 3),
            page[:, -rim:].reshape(-1, 3),
        ]
    )
    coarse = (edge >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = edge[coarse == np.bincount(coarse).argmax()]
    colours = [np.median(common, axis=0).astype(np.int16)]
    for extra in (255, 0):
        if all(np.abs(colour - extra).max() > 2 * _TOLERANCE for colour in colours):
            colours.append(np.full(3, extra, np.int16))
    return colours


def _gutter_masks(page: NDArray[Any]) -> list[NDArray[np.uint8]]:
    """(H, W) masks, 1 where a gutter may be; one for each idea of what gutters look like.

    By colour, and as "whatever is not ink": old paper has no one colour, but panels with drawn frames.
    """
    wide = page.astype(np.int16)
    masks = [(np.abs(wide - colour).max(axis=2) <= _TOLERANCE).astype(np.uint8) for colour in _gutter_colours(page)]
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    paper = float(np.median(grey))
    if paper > _BRIGHT:
        ink = cv2.dilate((grey < _INK * paper).astype(np.uint8), np.ones((3, 3), np.uint8))
        masks.append(1 - ink)
    return masks


def _rects(alike: NDArray[np.uint8]) -> tuple[float, list[Rect]]:
    """Panels between these gutters, and how convincing they are together."""
    height, width = alike.shape
    content = 1 - _reached_from_edge(alike)
    bridge = max(3, round(_BRIDGE * max(height, width)) | 1)
    content = cv2.morphologyEx(content, cv2.MORPH_OPEN, np.ones((bridge, bridge), np.uint8))
    pieces = []
    for rect in _components(content):
        pieces += _cut(alike, rect, _DEPTH)
    rects = _gathered(_tidy(pieces, width, height), content)
    return _plausibility(rects, content), rects


def _reached_from_edge(alike: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where gutter colour is connected with the page's edge: white inside a panel is not a gutter."""
    framed = cv2.copyMakeBorder(alike, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels = cv2.connectedComponents(framed, connectivity=4)
    return (labels == labels[0, 0]).astype(np.uint8)[1:-1, 1:-1]


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
    page_side = max(alike.shape)
    thin, margin = max(3, round(_GUTTER * page_side)), round(_SPECK * page_side)
    best = None
    for start, end in _runs(profile >= _CLEAR):
        if end - start < thin or start < margin or end > len(profile) - margin:
            continue
        beside = max(profile[max(0, start - 2 * thin) : start].min(), profile[end : end + 2 * thin].min())
        score = float(profile[start:end].mean() - beside)
        if score >= _EDGE and (best is None or score > best[0]):
            best = (score, axis, start, end)
    return best


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[start, end) of each run of True."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _tidy(rects: list[Rect], width: int, height: int) -> list[Rect]:
    """Without specks, and with boxes that lie in larger ones merged into them."""
    side = _SPECK * min(width, height)
    large = [r for r in rects if min(r[2] - r[0], r[3] - r[1]) >= side and _area(r) >= _SMALL * width * height]
    kept: list[Rect] = []
    for rect in sorted(large, key=_area, reverse=True):
        host = next((i for i, k in enumerate(kept) if _overlap(rect, k) >= _NESTED * _area(rect)), None)
        if host is None:
            kept.append(rect)
        else:
            kept[host] = _union(kept[host], rect)
    return kept


def _gathered(rects: list[Rect], content: NDArray[np.uint8]) -> list[Rect]:
    """Loose figures side by side become one panel: a panel without a frame falls apart into them.

    Only where the joint box meets no other box.
    """
    loose = [rect for rect in rects if _framing(rect, content) < _FRAMED]
    for one, other in itertools.combinations(sorted(loose), 2):
        joint = _union(one, other)
        height = min(one[3], other[3]) - max(one[1], other[1])
        beside = height >= 0.5 * min(one[3] - one[1], other[3] - other[1])
        rest = [rect for rect in rects if rect not in (one, other)]
        if beside and not any(_overlap(joint, rect) for rect in rest):
            return _gathered([*rest, joint], content)
    return rects


def _plausibility(rects: list[Rect], content: NDArray[np.uint8]) -> float:
    """Share of the page that well-framed panels cover; one lone box is no evidence of gutters."""
    covered = sum(_area(rect) * _framing(rect, content) for rect in rects) / content.size
    return covered if len(rects) > 1 else _LONE * covered


def _framing(rect: Rect, content: NDArray[np.uint8]) -> float:
    """How much of the box's inner rim is drawing, 0-1: a figure's bounding box touches it at few places."""
    left, top, right, bottom = rect
    inside = content[top:bottom, left:right]
    rim = max(2, min(inside.shape) // 50)
    strips = (inside[:rim].max(0), inside[-rim:].max(0), inside[:, :rim].max(1), inside[:, -rim:].max(1))
    return float(np.mean([strip.mean() for strip in strips]))


def _area(r: Rect) -> int:
    return max(0, r[2] - r[0]) * max(0, r[3] - r[1])


def _overlap(a: Rect, b: Rect) -> int:
    return _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def _union(a: Rect, b: Rect) -> Rect:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _to_box(rect: Rect, scale: tuple[float, float], size: tuple[int, int]) -> Box:
    left, right = (min(size[0], round(edge * scale[0])) for edge in (rect[0], rect[2]))
    top, bottom = (min(size[1], round(edge * scale[1])) for edge in (rect[1], rect[3]))
    return Box(left, top, right - left, bottom - top)
