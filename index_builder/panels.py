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

_WORK_PIXELS = 720_000  # pixels of the picture that is looked at, about 1000 x 720
_TOLERANCE = 28  # grey levels a gutter may differ from its colour in any channel
_RIM = 0.012  # width of the page's edge that shows the gutter's colour
_SPECK = 0.06  # a panel's shorter side is at least this fraction of the page's shorter side
_SMALL = 0.008  # ... and its area this fraction of the page's
_BRIDGE = 0.006  # drawing thinner than this does not join two panels
_GUTTER = 0.004  # thinnest straight gutter, as a fraction of the longer side
_CLEAR = 0.8  # how much of a straight gutter must be free of drawing
_EDGE = 0.45  # how much more gutter colour a straight gutter has than what lies beside it
_NESTED = 0.7  # a box covered this far by a larger one belongs to it
_DEPTH = 12  # cuts inside cuts
_MOST = 200  # more boxes than this are texture
_BRIGHT = 100  # grey level above which paper may be told from ink
_INK = 0.55  # ink is darker than this fraction of the page's median grey
_FRAMED = 0.6  # a panel's inner rim shows drawing along at least this much of it
_FIGURES = 24  # loose figures looked at; pairs of pairs grow fast
_TRUST_INK = 0.95  # "not ink" needs better boxes than the colour of the page's edge to be believed
_TRUST_OTHER = 0.75  # so do white and black where the edge has another colour
_WHOLE = 0.4  # boxes must be more convincing than this to be taken instead of the whole page
_ALL = 0.95  # a box of more than this fraction of the page is the page
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
    # "The whole page is one picture" competes with what each idea of a gutter finds.
    found = [(_WHOLE, []), *(_rects(*idea) for idea in _gutter_masks(small))]
    rects = max(found, key=lambda scored: scored[0])[1]
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
    ends = itertools.accumulate((r[axis + 2] for r in ordered), max)
    starts = [*itertools.accumulate((r[axis] for r in reversed(ordered)), min)][-2::-1]
    overlaps = [(end - start) / side for end, start in zip(ends, starts, strict=False)]
    place = overlaps.index(min(overlaps))
    return overlaps[place], ordered[: place + 1], ordered[place + 1 :]


def _reduced(page: NDArray[np.uint8]) -> NDArray[Any]:
    """The page at working resolution; bounded by area, so that long strips keep some width."""
    height, width = page.shape[:2]
    scale = (_WORK_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return page
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced: NDArray[Any] = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    return reduced


def _long_side(shape: tuple[int, ...]) -> float:
    """The longer side of an ordinary page of this width: what sizes are measured by, also on long strips."""
    return min(max(shape[:2]), 1.5 * min(shape[:2]))


def _gutter_masks(page: NDArray[Any]) -> list[tuple[float, NDArray[np.uint8]]]:
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
    rim = max(2, round(_RIM * _long_side(page.shape)))
    strips = (page[:rim], page[-rim:], page[:, :rim], page[:, -rim:])
    edge = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    coarse = (edge >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = edge[coarse == np.bincount(coarse).argmax()]
    colours = [np.median(common, axis=0).astype(np.int16)]
    for extra in (255, 0):
        if all(np.abs(colour - extra).max() > 2 * _TOLERANCE for colour in colours):
            colours.append(np.full(3, extra, np.int16))
    return colours


def _rects(trust: float, alike: NDArray[np.uint8]) -> tuple[float, list[Rect]]:
    """Panels between these gutters, and how convincing they are together."""
    height, width = alike.shape
    content = 1 - _reached_from_edge(alike)
    bridge = max(3, round(_BRIDGE * _long_side(alike.shape)) | 1)
    content = cv2.morphologyEx(content, cv2.MORPH_OPEN, np.ones((bridge, bridge), np.uint8))
    pieces = []
    for rect in _without_specks(_components(content), width, height):
        pieces += _cut(alike, rect, _DEPTH)
    rects = _gathered(_nested_merged(_without_specks(pieces, width, height)), content)
    if len(rects) > _MOST or (len(rects) == 1 and _area(rects[0]) > _ALL * content.size):
        rects = []
    return trust * _plausibility(rects, content), rects


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
    page_side = _long_side(alike.shape)
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


def _without_specks(rects: list[Rect], width: int, height: int) -> list[Rect]:
    side = _SPECK * min(width, height)
    area = _SMALL * min(width, height) * _long_side((height, width))
    return [r for r in rects if min(r[2] - r[0], r[3] - r[1]) >= side and _area(r) >= area]


def _nested_merged(rects: list[Rect]) -> list[Rect]:
    """Boxes that lie in larger ones become part of them."""
    kept: list[Rect] = []
    for rect in sorted(rects, key=_area, reverse=True):
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
    loose = [rect for rect in rects if _framing(rect, content) < _FRAMED][:_FIGURES]
    for one, other in itertools.combinations(sorted(loose), 2):
        joint = _union(one, other)
        height = min(one[3], other[3]) - max(one[1], other[1])
        beside = height >= 0.5 * min(one[3] - one[1], other[3] - other[1])
        rest = [rect for rect in rects if rect not in (one, other)]
        if beside and not any(_overlap(joint, rect) for rect in rest):
            return _gathered([*rest, joint], content)
    return rects


def _plausibility(rects: list[Rect], content: NDArray[np.uint8]) -> float:
    """Share of the page that well-framed panels cover; the fewer they are, the less it proves."""
    if not rects:
        return 0.0
    covered = sum(_area(rect) * _framing(rect, content) for rect in rects) / content.size
    return covered * (1 - 0.5 / len(rects))


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
