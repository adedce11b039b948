"""Verification of the generation: files, ids and rows, and what readers derived from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retrieval.errors import IndexDamaged
from retrieval.overview import lookalike_groups, panel_map
from retrieval.records import View
from retrieval.store.generation import Generation, file_problems, open_generation, without_left_out
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.layout import generation_folder
from retrieval.store.vectors import VectorStore
from retrieval.verify.records import Problem, Verification

_REBUILD = "run `panelseek build` again with the same sources"


def check_generation(run: Verification) -> Iterator[Problem]:
    """Check files, views and derived files of the current generation."""
    number = run.catalog.settings().generation
    if number is None:
        yield Problem("generation", "the first build was not finished", _REBUILD, False)
        return
    try:
        generation = open_generation(run.folder, number)
    except IndexDamaged as error:
        yield Problem("generation", error.problem, REPAIR_HINT, True, error.path)
        return
    folder = generation_folder(run.folder, number)
    for path, text in file_problems(folder, generation.manifest, hash_up_to=float("inf")):
        yield Problem("generation", text, REPAIR_HINT, True, str(path))
    yield from _check_views(run, generation)
    yield from _check_derived(run, generation)


def _check_views(run: Verification, generation: Generation) -> Iterator[Problem]:
    """Compare ids and rows with the catalog, and the ids in the FAISS indexes with them."""
    left_out = generation.left_out
    if left_out:
        text = f"{len(left_out):,} panels are not searched because their vectors were damaged"
        yield Problem("generation", text, REPAIR_HINT, True)
    for view, index in generation.views.items():
        ids, rows = run.catalog.panels.vector_rows(with_dialogue_only=view is View.DIALOGUE)
        ids, rows = without_left_out(ids, rows, left_out)
        if not (np.array_equal(ids, index.ids) and np.array_equal(rows, index.rows)):
            text = f"{view} has {len(index)} panels that are not the catalog's {len(ids)}"
            yield Problem("generation", text, f"{REPAIR_HINT}, or finish the build", True)
        elif index.ann is not None and not _same_ids(index.ann.ids(), ids, rows, view, run.vectors):
            yield Problem("generation", f"{view}: the FAISS index has other panel ids", REPAIR_HINT, True)


def _same_ids(found: np.ndarray, ids: np.ndarray, rows: np.ndarray, view: View, vectors: VectorStore) -> bool:
    """Return True if a FAISS index has all panels, except those whose vectors are zeros."""
    absent = ~np.isin(ids, found)
    if len(found) + absent.sum() != len(ids):
        return False
    return not (absent.any() and vectors.read(view, rows[absent]).any())


def _check_derived(run: Verification, generation: Generation) -> Iterator[Problem]:
    """Read the files that readers derived; one that is not there is made when it is needed."""
    folder = generation_folder(run.folder, generation.number)
    readable = {
        panel_map.FILE: panel_map.read_map(run.folder, generation) is not None,
        lookalike_groups.FILE: lookalike_groups.read_pairs(run.folder, generation) is not None,
    }
    for name, sound in readable.items():
        if (folder / name).exists() and not sound:
            yield Problem("generation", "the derived file is damaged", REPAIR_HINT, True, str(folder / name))
