"""The first of a ranking looked at more closely: panels that hold the very drawing that was asked with come first."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from retrieval.details import ENOUGH, MOST, NO_DETAILS, Details, Grey, both_ways, details_of_thumbnail, in_place

if TYPE_CHECKING:
    from retrieval.generation import ViewIndex
    from retrieval.search import Ranked
    from retrieval.thumbnails import Thumbnails

LOOKED_AT = 40
"""How many are looked at: of copies of 175 panels, each kind has at least 97 of 100 panels among them."""

SAME = 0.999
"""Score from which a panel is the picture itself: where there is one, nothing is left to look for."""

PLAIN = 5 * ENOUGH
"""Details in place that leave no doubt."""

_POOL = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "details")  # OpenCV and Pillow let other threads run meanwhile


class CloserLook:
    """One question's look at small pictures; what it has seen is kept while the question is answered.

    asked: the picture at the size at which details are looked for. Its mirror image is looked for as well, but only
    where no panel has plainly what was asked for. A panel whose picture is missing (an index built with
    --no-thumbnails) or damaged keeps its place.
    """

    def __init__(self, asked: Grey, view: ViewIndex, thumbnails: Thumbnails) -> None:
        self._asked = asked
        self._view = view
        self._thumbnails = thumbnails
        self._counts: dict[int, int] = {}

    def ordered(self, ranked: Iterator[Ranked]) -> Iterator[Ranked]:
        """The first `LOOKED_AT` in order of key and what their details are worth, then the others as they come."""
        first = list(islice(ranked, LOOKED_AT))
        same = [item.id for item in first if item.score >= SAME]
        if not same:
            self._look([item.id for item in first])
        counts = dict.fromkeys(same, MOST) if same else self._counts
        raised = [replace(item, key=item.key + _worth(counts.get(item.id, 0))) for item in first]
        yield from sorted(raised, key=lambda item: -item.key)  # equal ones keep their order
        yield from ranked

    def _look(self, panels: list[int]) -> None:
        new = np.array(sorted(set(panels) - self._counts.keys()), np.int64)
        self._counts.update(dict.fromkeys(new.tolist(), 0))
        ids, rows = self._view.rows_of(new)
        pictures = self._thumbnails.several(rows.tolist())
        seen = list(_POOL.map(_details, (pictures.get(row) for row in rows.tolist())))
        for asked in both_ways(self._asked):
            for panel, count in zip(ids.tolist(), _POOL.map(partial(in_place, asked), seen), strict=True):
                self._counts[panel] = max(self._counts[panel], count)
            if max(self._counts.values(), default=0) >= PLAIN:
                break


def _details(webp: bytes | None) -> Details:
    try:
        return NO_DETAILS if webp is None else details_of_thumbnail(webp)
    except OSError:  # derived, and made again by `verify --repair`; the panel is found without it
        return NO_DETAILS


def _worth(count: int) -> float:
    """0, or from 1 on: one more for every doubling of the details in place, as half of them is chance or blur."""
    return 0.0 if count < ENOUGH else 1.0 + math.log2(count / ENOUGH)
