"""Do the parts of an index agree, and do its vectors still match its comics?"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.encoder.inputs import panel_input
from retrieval.errors import IndexDamaged, PanelseekError
from retrieval.index import PanelIndex, catalog_url, existing_index
from retrieval.records import Panel, View
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import (
    Generation,
    ViewIndex,
    digest,
    file_problems,
    folder_of,
    open_generation,
    shards_of,
)
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorShards

SAMPLE = 32
SAME = 0.999
"""Cosine from which a vector counts as the stored one: float16 and batch shape cost less than 1e-5."""

_REPAIR = "run `panelseek verify --repair`"
_RESTORE = "restore it from a copy, or delete the index and build it again"
_REBUILD = "run `panelseek build` again with the same sources"


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage: which part, what is wrong, what to do. `derived` damage can be repaired from the rest."""

    part: str
    found: str
    way_out: str
    derived: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of `verify_index`. `checked` counts what was looked at; `notes` are no damage."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    checked: dict[str, int]

    @property
    def sound(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        problems = [{"part": p.part, "found": p.found, "way_out": p.way_out} for p in self.problems]
        return {"sound": self.sound, "problems": problems, "notes": list(self.notes), "checked": self.checked}


def verify_index(path: str | Path, *, sample: int = SAMPLE, device: str | None = None, encoder: Any = None) -> Verdict:
    """Check counts, checksums and ids of every part, then encode `sample` panels again from their comics.

    Raises `IndexMissing` when there is no index, `IndexDamaged` or `IndexTooNew` when the catalog cannot be read.
    """
    folder = existing_index(path)
    problems: list[Problem] = []
    damaged: list[Problem] = []
    notes: list[str] = []
    checked: dict[str, int] = {}
    with Catalog.open(catalog_url(folder)) as catalog:
        try:
            checked.update(catalog.counts())
            problems += [Problem("catalog", text, _REPAIR, True) for text in catalog.check()]
            shards = shards_of(folder, catalog)
            damaged = list(_check_shards(catalog, shards, checked, notes))
            problems += damaged
            problems += list(_check_generation(folder, catalog, None if damaged else shards))
            problems += list(_check_thumbnails(folder))
        except IndexDamaged as error:
            found, _, way_out = str(error).rpartition(": ")
            problems.append(Problem("catalog", found, way_out, False))
    if sample and not damaged and all(p.part == "vectors" for p in problems):
        problems += list(_check_sample(folder, sample, device, encoder, checked, notes))
    return Verdict(tuple(problems), tuple(notes), checked)


def _check_shards(
    catalog: Catalog, shards: VectorShards, checked: dict[str, int], notes: list[str]
) -> Iterator[Problem]:
    named, have = catalog.last_vector_row() + 1, shards.rows()
    checked["vectors"] = have
    if have < named:
        yield Problem("vectors", f"{have} rows lie there, the catalog names {named}", _RESTORE, False)
        return
    if have > named:
        notes.append(
            f"{have - named} vectors at the end have no panel (an interrupted build); the next build reuses the place"
        )
    ids, rows = catalog.vector_rows()
    for view in View:
        bad = 0
        for _, block in shards.blocks(view, rows):
            norms = np.linalg.norm(block, axis=1)
            # rows are stored with length 1; only an absent branch is all zeros
            bad += int((~np.isfinite(norms) | ((norms > 0) & (np.abs(norms - 1) > 0.01))).sum())
        if bad:
            yield Problem("vectors", f"{bad} of {len(ids)} {view} vectors are not unit vectors", _RESTORE, False)


def _check_generation(folder: Path, catalog: Catalog, shards: VectorShards | None) -> Iterator[Problem]:
    number = catalog.setting("generation")
    if number is None:
        yield Problem("generation", "the first build was not finished", _REBUILD, False)
        return
    try:
        generation = open_generation(folder, number)
    except IndexDamaged as error:
        yield Problem("generation", str(error).removesuffix(f": {_REPAIR}"), _REPAIR, True)
        return
    for text in file_problems(folder_of(folder, number), generation.manifest, hash_up_to=float("inf")):
        yield Problem("generation", text, _REPAIR, True)
    yield from _check_views(catalog, generation, shards)


def _check_views(catalog: Catalog, generation: Generation, shards: VectorShards | None) -> Iterator[Problem]:
    """Ids and rows against the catalog, and the vectors' checksum where `shards` are not known to be damaged."""
    for view, found in generation.views.items():
        ids, rows = catalog.vector_rows(with_dialogue_only=view is View.DIALOGUE)
        if not (np.array_equal(ids, found.ids) and np.array_equal(rows, found.rows)):
            text = f"{view} holds {len(found)} panels that are not the catalog's {len(ids)}"
            yield Problem("generation", text, f"{_REPAIR}, or finish the build", True)
            continue
        if shards and digest(shards, view, rows) != generation.manifest["views"][str(view)]["vectors_sha256"]:
            yield Problem("vectors", f"{view} vectors are not those that were written", _RESTORE, False)
        if found.ann is not None and not _same_ids(found):
            yield Problem("generation", f"{view}: the FAISS index holds other panel ids", _REPAIR, True)


def _same_ids(view: ViewIndex) -> bool:
    """Whether the inverted lists hold exactly this view's ids."""
    import faiss

    assert view.ann is not None
    lists = view.ann.index.invlists
    sizes = [lists.list_size(i) for i in range(lists.nlist)]
    found = [faiss.rev_swig_ptr(lists.get_ids(i), size).copy() for i, size in enumerate(sizes) if size]
    return bool(np.array_equal(np.unique(np.concatenate(found)), view.ids)) if found else not len(view)


def _check_thumbnails(folder: Path) -> Iterator[Problem]:
    try:
        Thumbnails(folder).rows()
    except sqlite3.DatabaseError as error:
        yield Problem("thumbnails", f"cannot be read ({error})", _REPAIR, True)


def _check_sample(
    folder: Path, sample: int, device: str | None, encoder: Any, checked: dict[str, int], notes: list[str]
) -> Iterator[Problem]:
    """Encode some panels again from their comics and compare with what is stored."""
    with PanelIndex.open(folder, encoder=encoder, device=device) as index:
        ids, _ = index.catalog.vector_rows()
        chosen = ids[np.unique(np.linspace(0, len(ids) - 1, min(sample, len(ids))).astype(int))]
        panels = list(index.catalog.panels(chosen).values())
        readable = _readable(index, panels, notes)
        checked["panels_encoded_again"] = len(readable)
        if not readable:
            return
        encoded = index.encoder.encode([item for _, item in readable])
        shards = VectorShards(folder / "vectors")
        for view in View:
            stored = shards.read(view, np.array([p.row for p, _ in readable], np.int64))
            cosines = np.einsum("pd,pd->p", stored, encoded.view(view))
            empty = ~stored.any(axis=1) & ~encoded.view(view).any(axis=1)
            for (panel, _), cosine in zip(readable, np.where(empty, 1.0, cosines), strict=True):
                if cosine < SAME:
                    text = f"panel {panel.id} ({panel.source}) has {view} cosine {cosine:.4f} with its comic now"
                    yield Problem("vectors", text, f"{_REBUILD}; if that does not help, {_RESTORE}", False)


def _readable(index: PanelIndex, panels: list[Panel], notes: list[str]) -> list[tuple[Panel, Any]]:
    """The panels whose comics are still there, as encoder input; the others become notes."""
    found: list[tuple[Panel, Any]] = []
    by_page: dict[int, list[Panel]] = defaultdict(list)
    for panel in panels:
        by_page[panel.page_id].append(panel)
    for page_id, group in by_page.items():
        try:
            page = index.page_image(page_id)
        except PanelseekError as error:
            notes.append(f"not compared with its comic: {error}")
            continue
        inputs = [(p, panel_input(page, p.box, p.dialogue, p.panel)) for p in group]
        found += [(p, item) for p, item in inputs if item is not None]
    return found
