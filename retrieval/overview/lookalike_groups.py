"""Groups of look-alikes: pairs as they are stored, and the panels that they connect.

generations/N/lookalikes.npz    ids (R, 2) int64, scores, overlap and mirrored (R,) each
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.records import Panel, View
from retrieval.search.open_index import OpenIndex
from retrieval.store.derived import load_derived, save_derived
from retrieval.store.generation import Generation

FILE = "lookalikes.npz"

Group = dict[int, tuple[float, bool]]
"""A group: by panel id the overlap with the nearest other panel, and whether it mirrors the first panel."""


@dataclass(frozen=True, slots=True)
class LookalikePairs:
    """R pairs of panels that show the same drawing.

    ids: (R, 2) int64, the lower id first. scores: (R,) cosines. overlap: (R,) fractions of shared keypoints, 0 to 1.
    mirrored: (R,) bool.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    overlap: NDArray[np.float32]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class LookalikePanel:
    """A panel of a group: its overlap with the nearest other panel, and whether it mirrors the first one."""

    panel: Panel
    overlap: float
    mirrored: bool


def read_pairs(folder: Path, generation: Generation) -> LookalikePairs | None:
    """Return the stored pairs of a generation; None if there are none, or damaged ones."""
    expected = {"ids": (np.int64, (None, 2)), **dict.fromkeys(("scores", "overlap"), (np.float32, (None,)))}
    stored = load_derived(folder, generation.number, FILE, expected | {"mirrored": (np.bool_, (None,))})
    if not stored or len({len(array) for array in stored.values()}) != 1:
        return None
    pairs = LookalikePairs(**stored)
    known = np.isin(pairs.ids, np.asarray(generation.views[View.PICTURE].ids)).all()
    return pairs if known and bool((pairs.ids[:, 0] < pairs.ids[:, 1]).all()) else None


def write_pairs(index: Path, number: int, pairs: LookalikePairs) -> None:
    """Store the pairs of a generation. Raises `IndexDamaged` if it is gone or cannot be written."""
    save_derived(index, number, FILE, **{f.name: getattr(pairs, f.name) for f in fields(pairs)})


def group_pairs(pairs: LookalikePairs, rejected: set[tuple[int, int]]) -> list[Group]:
    """Return groups of panels connected by pairs, the largest first; rejected pairs are never in one group."""
    links: dict[int, list[tuple[int, float, bool]]] = {}
    for (a, b), overlap, mirrored in zip(pairs.ids.tolist(), pairs.overlap, pairs.mirrored, strict=True):
        if (a, b) not in rejected:
            links.setdefault(a, []).append((b, float(overlap), bool(mirrored)))
            links.setdefault(b, []).append((a, float(overlap), bool(mirrored)))
    groups: list[Group] = []
    grouped: set[int] = set()
    for first in sorted(links):
        if first not in grouped:
            group = _connected(first, links, rejected, grouped)
            grouped |= set(group)
            if len(group) > 1:
                groups.append(group)
    return sorted(groups, key=lambda group: (-len(group), min(group)))


def _connected(
    first: int, links: dict[int, list[tuple[int, float, bool]]], rejected: set[tuple[int, int]], grouped: set[int]
) -> Group:
    """Return all panels that `first` reaches, without those of other groups and those rejected with any of its own."""
    group = {first: (max(overlap for _, overlap, _ in links[first]), False)}
    queue = deque([first])
    while queue:
        at = queue.popleft()
        for other, _, flipped in links[at]:
            if other in group or other in grouped:
                continue
            if not any((min(other, each), max(other, each)) in rejected for each in group):
                group[other] = (max(overlap for _, overlap, _ in links[other]), group[at][1] != flipped)
                queue.append(other)
    return group


def with_panels(index: OpenIndex, group: Group) -> list[LookalikePanel]:
    """Return the panels of a group that are still present, in the order of the group."""
    panels = index.catalog.panels.get(group)
    return [LookalikePanel(panels[i], overlap, mirrored) for i, (overlap, mirrored) in group.items() if i in panels]
