"""The first of a ranking looked at more closely: panels that hold the very drawing that was asked with come first."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from retrieval.images.keypoints import (
    MAX_KEYPOINTS,
    MIN_INLIERS,
    NO_KEYPOINTS,
    GreyImage,
    Keypoints,
    extract_keypoints,
    match_affine,
    ncc,
    thumbnail_to_grey,
    with_mirror_image,
)

if TYPE_CHECKING:
    from retrieval.search.searcher import Ranked
    from retrieval.store.generation import ViewIndex
    from retrieval.store.thumbnails import Thumbnails

LOOKED_AT = 40
"""How many are looked at: of copies of 175 panels, each kind has at least 97 of 100 panels among them."""

SAME = 0.999
"""Score from which a panel is the picture itself: where there is one, nothing is left to look for."""

PLAIN = 5 * MIN_INLIERS
"""Keypoints in place that leave no doubt that a drawing is there."""

AGREED = 4.0
"""What agreement spot by spot counts beside the details: two doublings of them for a half."""

_POOL = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "details")  # OpenCV and Pillow let other threads run meanwhile


class CloserLook:
    """One question's look at small pictures; what it has seen is kept while the question is answered.

    asked: the picture at the size at which details are looked for. Its mirror image is looked for as well, but only
    where no panel has plainly what was asked for. A panel whose picture is missing (an index built with
    --no-thumbnails) or damaged keeps its place.
    """

    def __init__(self, asked: GreyImage, view: ViewIndex, thumbnails: Thumbnails) -> None:
        self._asked = asked
        self._view = view
        self._thumbnails = thumbnails
        self._worth: dict[int, float] = {}

    def ordered(self, ranked: Iterator[Ranked]) -> Iterator[Ranked]:
        """The first `LOOKED_AT` in order of key and what their details are worth, then the others as they come."""
        first = list(islice(ranked, LOOKED_AT))
        same = [item.id for item in first if item.score >= SAME]
        if not same:
            self._look([item.id for item in first])
        worth = dict.fromkeys(same, _worth(MAX_KEYPOINTS, 1.0)) if same else self._worth
        raised = [replace(item, key=item.key + worth.get(item.id, 0.0)) for item in first]
        yield from sorted(raised, key=lambda item: -item.key)  # equal ones keep their order
        yield from ranked

    def _look(self, panels: list[int]) -> None:
        new = np.array(sorted(set(panels) - self._worth.keys()), np.int64)
        if not len(new):  # a wider round of candidates with the same ones in front
            return
        self._worth.update(dict.fromkeys(new.tolist(), 0.0))
        ids, rows = self._view.rows_of(new)
        pictures = self._thumbnails.several(rows.tolist())
        seen = list(_POOL.map(_seen, (pictures.get(row) for row in rows.tolist())))
        for grey in with_mirror_image(self._asked):
            looked = list(_POOL.map(partial(_look_at, grey, extract_keypoints(grey)), seen))
            for panel, (_, worth) in zip(ids.tolist(), looked, strict=True):
                self._worth[panel] = max(self._worth[panel], worth)
            if max((count for count, _ in looked), default=0) >= PLAIN:
                break


@dataclass(frozen=True, slots=True)
class _Seen:
    """A panel's small picture and its details; neither where it is missing or damaged."""

    grey: GreyImage | None
    details: Keypoints


def _seen(webp: bytes | None) -> _Seen:
    try:
        grey = None if webp is None else thumbnail_to_grey(webp)
    except OSError:  # derived, and made again by `verify --repair`; the panel is found without it
        grey = None
    return _Seen(None, NO_KEYPOINTS) if grey is None else _Seen(grey, extract_keypoints(grey))


def _look_at(asked: GreyImage, details: Keypoints, seen: _Seen) -> tuple[int, float]:
    """How many details lie in place, and what that is worth."""
    place = match_affine(details, seen.details)
    if seen.grey is None or place.inliers < MIN_INLIERS:
        return place.inliers, 0.0
    return place.inliers, _worth(place.inliers, ncc(asked, seen.grey, place))


def _worth(count: int, agreed: float) -> float:
    """From 1 on, one more for every doubling of the details in place, as half of them is chance or blur; and for how
    well the pictures agree. (What that changes: docs/evaluation.md.)
    """
    return 1.0 + math.log2(count / MIN_INLIERS) + AGREED * max(agreed, 0.0)
