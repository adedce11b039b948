"""Look-alikes: the same drawing in several books, reprinted, scanned again or mirrored.

    generations/N/lookalikes.npz    pairs (R, 2) int64 panel ids, score, likeness and mirrored (R,) each
    lookalikes.sqlite               what people said is not the same; kept beside the generations, by panel id

Vectors propose, details decide. Each panel's nearest panels are taken from an inverted-file index over 64 principal
components of the `picture` vectors, the exact cosine is looked at, and of those that are close enough and lie in
another book the small pictures are compared detail by detail, as they are and mirrored (`retrieval.images.keypoints`).
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import IndexDamaged, IndexError_, PanelseekError
from retrieval.images.keypoints import (
    NO_KEYPOINTS,
    Keypoints,
    count_inliers,
    extract_keypoints,
    thumbnail_to_grey,
    with_mirror_image,
)
from retrieval.overview.pca import principal_components
from retrieval.progress import Told, nobody
from retrieval.records import Panel, View
from retrieval.store.generation import keep_arrays, kept_arrays
from retrieval.store.scoring import exact_scores
from retrieval.store.sqlite import connect_to_read

if TYPE_CHECKING:
    from retrieval.index import PanelIndex

FILE = "lookalikes.npz"
SAID = "lookalikes.sqlite"

CLOSE = 0.75
"""Cosine from which the small pictures are compared. Of scanned, mirrored and recoloured copies of openly licensed
comics 98 of 100 reach it, and one in 20,000 pairs of panels that have nothing in common."""

SHARED = 25
"""Keypoints in place from which two panels may show the same: of 2,461 pairs of unrelated panels none has over 13."""

ALIKE = 0.1
"""Share of the poorer picture's details that lie in place in the other from which they do. Other panels of one book
that show the same figure in the same stance reach 0.10; of new scans 95 of 100 have 0.28, of strong JPEG copies 0.15,
of recoloured ones 0.17, of mirrored ones 0.36."""

_COMPONENTS = 64
_NEAREST = 12
_KEPT = 4
"""Pairs that are looked at for each panel, the closest first: what bounds the time."""

_AT_HAND = 4_096  # panels whose details are kept for the next pair: 80 MB
_EXACT_UP_TO = 20_000
_AT_ONCE = 2_048
_SEED = 13


@dataclass(frozen=True, slots=True)
class Pairs:
    """`ids` (R, 2) int64, the lower first; `scores` cosines, `likeness` shares of details; `mirrored` (R,) bool."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    likeness: NDArray[np.float32]
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Alike:
    """A panel of a group: its likeness to the closest other one, and whether it shows the first one mirrored."""

    panel: Panel
    likeness: float
    mirrored: bool


# ---------------------------------------------------------------------- finding


def find_pairs(index: PanelIndex, told: Told = nobody) -> Pairs:
    """All look-alikes of the generation being searched. Time grows a little faster than the number of panels."""
    found: list[tuple[int, int, float, float, bool]] = []
    proposed = list(_proposed(index, told))
    panels = index.catalog.panels({i for a, b, _ in proposed for i in (a, b)})
    details = lru_cache(_AT_HAND)(lambda panel, mirrored: _details(index, panels[panel], mirrored))
    for place, (a, b, score) in enumerate(proposed):
        if a in panels and b in panels and panels[a].book_id != panels[b].book_id:
            for mirrored in (False, True):
                share = likeness(details(a, mirrored), details(b, False))
                if share >= ALIKE:
                    found.append((a, b, score, share, mirrored))
                    break
        if place % 200 == 0:
            told("comparing pictures", place, len(proposed))
    return _pairs(found)


def _pairs(found: Sequence[tuple[int, int, float, float, bool]]) -> Pairs:
    columns: Any = list(zip(*found, strict=True)) or [[], [], [], [], []]
    ids = np.array(columns[:2], np.int64).reshape(2, -1).T
    return Pairs(ids, np.array(columns[2], np.float32), np.array(columns[3], np.float32), np.array(columns[4], bool))


def _proposed(index: PanelIndex, told: Told) -> Iterator[tuple[int, int, float]]:
    """(id, id, cosine) of pairs that lie close, each once, the lower id first."""
    view = index.generation.views[View.PICTURE]
    ids, rows = np.asarray(view.ids), np.asarray(view.rows)
    if len(ids) < 2:
        return
    reduced = principal_components(view, index.vectors, _COMPONENTS, partial(told, "reading vectors"))
    nearest = _nearest(reduced)
    seen: set[tuple[int, int]] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = slice(start, min(start + _AT_ONCE, len(ids)))
        _, places = nearest.search(reduced[some], _NEAREST + 1)
        vectors = index.vectors.read(View.PICTURE, rows[some])
        for offset, near in enumerate(places):
            own = start + offset
            near = near[(near >= 0) & (near != own)]
            scores = exact_scores(index.vectors.read(View.PICTURE, rows[near]), vectors[offset])
            for at in np.argsort(-scores)[:_KEPT]:
                pair = (int(min(ids[own], ids[near[at]])), int(max(ids[own], ids[near[at]])))
                if scores[at] >= CLOSE and pair not in seen:
                    seen.add(pair)
                    yield (*pair, float(scores[at]))
        told("finding neighbours", some.stop, len(ids))


def _nearest(reduced: NDArray[np.float32]) -> Any:
    """A FAISS index over the reduced vectors: exact in small libraries."""
    import faiss

    index: Any = faiss.IndexFlatL2(reduced.shape[1])
    if len(reduced) > _EXACT_UP_TO:
        lists = round(4 * math.sqrt(len(reduced)))
        index = faiss.IndexIVFFlat(index, reduced.shape[1], lists)
        index.cp.seed, index.cp.min_points_per_centroid, index.nprobe = _SEED, 1, 12
        index.train(reduced[np.sort(np.random.default_rng(_SEED).permutation(len(reduced))[: 64 * lists])])
    index.add(reduced)
    return index


def _details(index: PanelIndex, panel: Panel, mirrored: bool) -> Keypoints:
    """The details of a panel's small picture, as it is or mirrored; none where it cannot be had."""
    try:
        return extract_keypoints(with_mirror_image(thumbnail_to_grey(index.thumbnail(panel)))[mirrored])
    except (PanelseekError, OSError):
        return NO_KEYPOINTS


def likeness(one: Keypoints, other: Keypoints) -> float:
    """0 to 1: the share of the details of the poorer picture that lie in place in the other; 0 with few of them."""
    shared = count_inliers(one, other)
    return shared / min(len(one.points), len(other.points)) if shared >= SHARED else 0.0


# ---------------------------------------------------------------------- keeping


def read_pairs(index: Path, number: int) -> Pairs | None:
    """What was found for a generation; None where nobody looked yet."""
    stored = kept_arrays(index, number, FILE)
    names = ("ids", "scores", "likeness", "mirrored")
    return Pairs(**{name: stored[name] for name in names}) if set(names) <= set(stored) else None


def write_pairs(index: Path, number: int, pairs: Pairs) -> None:
    """Raises `IndexDamaged` when the generation is gone or cannot be written."""
    keep_arrays(index, number, FILE, **{name: getattr(pairs, name) for name in Pairs.__dataclass_fields__})


class NotTheSame:
    """What people said are different panels: pairs of panel ids, which no rebuild gives to another panel."""

    def __init__(self, index: Path) -> None:
        self.path = index / SAID

    def pairs(self) -> set[tuple[int, int]]:
        """Every pair, the lower id first. Raises `IndexDamaged` when the file is no such database."""
        if not self.path.exists():
            return set()
        try:
            with closing(connect_to_read(self.path)) as connection:
                return {(a, b) for a, b in connection.execute("SELECT a, b FROM different")}
        except sqlite3.DatabaseError as error:
            raise IndexDamaged(f"{self.path} is damaged ({error}): restore it from a copy, or delete it") from error

    def say(self, panel: int, others: Iterable[int]) -> None:
        """Remember that a panel is none of the others."""
        self._write("INSERT OR IGNORE INTO different VALUES (?, ?)", panel, others)

    def take_back(self, panel: int, others: Iterable[int]) -> None:
        self._write("DELETE FROM different WHERE a = ? AND b = ?", panel, others)

    def _write(self, sql: str, panel: int, others: Iterable[int]) -> None:
        pairs = [(min(panel, other), max(panel, other)) for other in others if other != panel]
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                connection.execute("CREATE TABLE IF NOT EXISTS different (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
                connection.executemany(sql, pairs)
        except sqlite3.OperationalError as error:
            raise IndexError_(f"{self.path} cannot be written ({error}): check the disk and its permissions") from error


# --------------------------------------------------------------------- grouping


def grouped(pairs: Pairs, different: set[tuple[int, int]]) -> list[dict[int, tuple[float, bool]]]:
    """Groups of panel ids that are connected by pairs nobody took apart, the largest first. Of each panel: the
    likeness to the closest other one, and whether it shows the group's first panel mirrored.
    """
    kept = [row for row, (a, b) in enumerate(pairs.ids.tolist()) if (a, b) not in different]
    links: dict[int, list[tuple[int, float, bool]]] = {}
    for row in kept:
        a, b = pairs.ids[row].tolist()
        one = (float(pairs.likeness[row]), bool(pairs.mirrored[row]))
        links.setdefault(a, []).append((b, *one))
        links.setdefault(b, []).append((a, *one))
    groups: list[dict[int, tuple[float, bool]]] = []
    seen: set[int] = set()
    for first in sorted(links):
        if first not in seen:
            group = _walk(first, links, different, seen)
            seen |= set(group)
            if len(group) > 1:
                groups.append(group)
    return sorted(groups, key=lambda group: (-len(group), min(group)))


def _walk(
    first: int, links: dict[int, list[tuple[int, float, bool]]], different: set[tuple[int, int]], taken: set[int]
) -> dict[int, tuple[float, bool]]:
    """Everything that can be reached and is not `taken`, but nothing that is said to be other than one of the group."""
    group = {first: (max(link[1] for link in links[first]), False)}
    waiting = [first]
    while waiting:
        at = waiting.pop(0)
        for other, _, flipped in links[at]:
            apart = any((min(other, each), max(other, each)) in different for each in group)
            if other not in group and other not in taken and not apart:
                group[other] = (max(link[1] for link in links[other]), group[at][1] != flipped)
                waiting.append(other)
    return group


def with_panels(index: PanelIndex, group: dict[int, tuple[float, bool]]) -> list[Alike]:
    """The panels of a group that are still there, in the order in which they were found."""
    panels = index.catalog.panels(group)
    return [Alike(panels[i], likeness, mirrored) for i, (likeness, mirrored) in group.items() if i in panels]
