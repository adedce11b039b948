"""Verification: whether the parts of an index agree, and its vectors match its comics."""

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
from retrieval.index import PanelIndex
from retrieval.records import Panel, View
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import Generation, digest, file_problems, open_generation
from retrieval.store.hints import REPAIR_HINT, RESTORE_HINT
from retrieval.store.layout import catalog_url, existing_index, generation_folder, open_vectors
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore
from retrieval.values import whole_number

SAMPLE = 32
"""Panels encoded again from their comics by default."""

MIN_COSINE = 0.999
"""Minimum cosine of a stored vector with its new encoding; float16 and batch shape change it by less than 1e-5."""

_REBUILD = "run `panelseek build` again with the same sources"


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage of one part of an index.

    found: the damage, without its path. hint: the suggested fix. derived: True if it can be repaired from the other
    parts. path: the file, folder or page it is about, or None.
    """

    part: str
    found: str
    hint: str
    derived: bool
    path: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify_index`. checked: counts of what was checked. notes: remarks that are not damage."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    checked: dict[str, int]

    @property
    def sound(self) -> bool:
        """True if there is no damage."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        problems = [{"part": p.part, "path": p.path, "found": p.found, "hint": p.hint} for p in self.problems]
        return {"sound": self.sound, "problems": problems, "notes": list(self.notes), "checked": self.checked}


def verify_index(
    path: str | Path, *, sample: int = SAMPLE, device: str | None = None, encoder: Any = None
) -> VerifyReport:
    """Check counts, checksums and ids of every part, then encode `sample` panels again from their comics.

    Raises `IndexMissing` if there is no index, `IndexDamaged`, `IndexTooNew` or `IndexTooOld` if the catalog cannot be
    opened.
    """
    sample = whole_number("sample", sample, 0)
    folder = existing_index(path)
    problems: list[Problem] = []
    damaged: list[Problem] = []
    notes: list[str] = []
    checked: dict[str, int] = {}
    with Catalog.open(catalog_url(folder)) as catalog:
        try:
            checked.update(catalog.library.counts())
            problems += [Problem("catalog", text, REPAIR_HINT, True) for text in catalog.check()]
            vectors = open_vectors(folder, catalog.settings())
            damaged = list(_check_vectors(catalog, vectors, checked, notes))
            problems += damaged
            problems += list(_check_generation(folder, catalog, None if damaged else vectors))
            problems += list(_check_thumbnails(folder))
        except IndexDamaged as error:
            problems.append(Problem("catalog", error.problem, error.hint or RESTORE_HINT, False, error.path))
    if sample and not damaged and all(p.part == "vectors" for p in problems):
        problems += list(_check_sample(folder, sample, device, encoder, checked, notes))
    return VerifyReport(tuple(problems), tuple(notes), checked)


def _check_vectors(
    catalog: Catalog, vectors: VectorStore, checked: dict[str, int], notes: list[str]
) -> Iterator[Problem]:
    """Compare the number of vectors with the catalog, and check their lengths."""
    named, stored = catalog.panels.last_vector_row() + 1, vectors.rows()
    checked["vectors"] = stored
    if stored < named:
        yield Problem("vectors", f"there are {stored} rows; the catalog names {named}", RESTORE_HINT, False)
        return
    if stored > named:
        extra = f"{stored - named} vectors at the end have no panel (an interrupted build)"
        notes.append(f"{extra}; the next build reuses their rows")
    ids, rows = catalog.panels.vector_rows()
    for view in View:
        bad = 0
        for _, block in vectors.blocks(view, rows):
            norms = np.linalg.norm(block, axis=1)
            # rows are stored with length 1, or as zeros if the encoder gave none
            bad += int((~np.isfinite(norms) | ((norms > 0) & (np.abs(norms - 1) > 0.01))).sum())
        if bad:
            yield Problem("vectors", f"{bad} of {len(ids)} {view} vectors are not unit vectors", RESTORE_HINT, False)


def _check_generation(folder: Path, catalog: Catalog, vectors: VectorStore | None) -> Iterator[Problem]:
    """Check files and views of the current generation; vectors: None if they are damaged."""
    number = catalog.settings().generation
    if number is None:
        yield Problem("generation", "the first build was not finished", _REBUILD, False)
        return
    try:
        generation = open_generation(folder, number)
    except IndexDamaged as error:
        yield Problem("generation", error.problem, REPAIR_HINT, True, error.path)
        return
    for path, text in file_problems(generation_folder(folder, number), generation.manifest, hash_up_to=float("inf")):
        yield Problem("generation", text, REPAIR_HINT, True, str(path))
    yield from _check_views(catalog, generation, vectors)


def _check_views(catalog: Catalog, generation: Generation, vectors: VectorStore | None) -> Iterator[Problem]:
    """Compare ids and rows with the catalog, and the checksum of the vectors unless they are damaged (None)."""
    for view, index in generation.views.items():
        ids, rows = catalog.panels.vector_rows(with_dialogue_only=view is View.DIALOGUE)
        if not (np.array_equal(ids, index.ids) and np.array_equal(rows, index.rows)):
            text = f"{view} has {len(index)} panels that are not the catalog's {len(ids)}"
            yield Problem("generation", text, f"{REPAIR_HINT}, or finish the build", True)
            continue
        if vectors and digest(vectors, view, rows) != generation.manifest["views"][str(view)]["vectors_sha256"]:
            yield Problem("vectors", f"{view} vectors are not those that were written", RESTORE_HINT, False)
        if index.ann is not None and not np.array_equal(index.ann.ids(), index.ids):
            yield Problem("generation", f"{view}: the FAISS index has other panel ids", REPAIR_HINT, True)


def _check_thumbnails(folder: Path) -> Iterator[Problem]:
    """Read the file of thumbnails; missing ones are no damage."""
    try:
        Thumbnails(folder).stored_rows()
    except sqlite3.DatabaseError as error:
        yield Problem("thumbnails", f"the file cannot be read ({error})", REPAIR_HINT, True)


def _check_sample(
    folder: Path, sample: int, device: str | None, encoder: Any, checked: dict[str, int], notes: list[str]
) -> Iterator[Problem]:
    """Encode some panels again from their comics and compare with the stored vectors."""
    with PanelIndex.open(folder, encoder=encoder, device=device) as index:
        ids, _ = index.catalog.panels.vector_rows()
        chosen = ids[np.unique(np.linspace(0, len(ids) - 1, min(sample, len(ids))).astype(int))]
        panels = list(index.catalog.panels.get(chosen).values())
        readable = _readable(index, panels, notes)
        checked["panels_encoded_again"] = len(readable)
        if not readable:
            return
        encoded = index.encoder.encode([item for _, item in readable])
        vectors = VectorStore(folder / "vectors")
        for view in View:
            stored = vectors.read(view, np.array([p.vector_row for p, _ in readable], np.int64))
            cosines = np.einsum("pd,pd->p", stored, encoded.view(view))
            # text that the encoder cannot read has no vector; indexes of earlier releases have one for it
            empty = ~encoded.view(view).any(axis=1) & (~stored.any(axis=1) | (view is View.DIALOGUE))
            for (panel, _), cosine in zip(readable, np.where(empty, 1.0, cosines), strict=True):
                if cosine < MIN_COSINE:
                    text = f"panel {panel.id} has {view} cosine {cosine:.4f} with its comic now"
                    hint = f"{_REBUILD}; if that does not help, {RESTORE_HINT}"
                    yield Problem("vectors", text, hint, False, panel.page_path)


def _readable(index: PanelIndex, panels: list[Panel], notes: list[str]) -> list[tuple[Panel, Any]]:
    """Return the panels whose comics can be read, as encoder input; the others become notes."""
    readable: list[tuple[Panel, Any]] = []
    by_page: dict[int, list[Panel]] = defaultdict(list)
    for panel in panels:
        by_page[panel.page_id].append(panel)
    for page_id, group in by_page.items():
        try:
            page = index.page_image(page_id)
        except PanelseekError as error:
            notes.append(f"not compared with its comic: {error}")
            continue
        inputs = [(p, panel_input(page, p.box, p.dialogue, p.number)) for p in group]
        readable += [(p, item) for p, item in inputs if item is not None]
    return readable
