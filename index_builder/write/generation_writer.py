"""Writing of a generation: one folder beside, synced, renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import DIMENSION
from retrieval.progress import Told, nobody
from retrieval.records import View
from retrieval.store.ann.ivfpq import (
    CANDIDATES,
    IndexInput,
    IvfPq,
    PreviousIndex,
    build_ivfpq,
    choose_index_type,
    default_nprobe,
    update_ivfpq,
    write_ivfpq,
)
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import FORMAT, Generation, ViewIndex, digest
from retrieval.store.layout import file_sha256, generation_folder
from retrieval.store.scoring import all_scores, best_scores, top, vectors_per_panel
from retrieval.store.vectors import REGIONS, VectorStore

RECALL_SAMPLE = 256


_RECALL_SEED = 7


_BLOCK = 16_384


RECALL_LOSS = 0.02
"""An index that was added to and finds this much less than when it was trained is trained anew."""


def write_generation(
    index: Path,
    number: int,
    catalog: Catalog,
    shards: VectorStore,
    kind: str,
    base: Generation | None = None,
    told: Told = nobody,
) -> dict[str, Any]:
    """Derive generation `number` and return its manifest; it counts once the catalog names it.

    base: a generation whose FAISS indexes are changed where little changed, instead of training new ones.
    told: hears how far each view is, and may raise to stop; a generation half written counts for nothing.
    """
    final = generation_folder(index, number)
    beside = final.with_name(f"{number}.partial")
    for leftover in (beside, final):
        shutil.rmtree(leftover, ignore_errors=True)
    beside.mkdir(parents=True)
    views = {
        str(view): _write_view(beside, view, catalog, shards, kind, _previous_index(index, view, base), told)
        for view in View
    }
    manifest = {"format": FORMAT, "generation": number, "dimension": DIMENSION, "views": views}
    (beside / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for path in beside.iterdir():
        _sync(path)
    beside.rename(final)
    _sync(final.parent)
    return manifest


def _previous_index(index: Path, view: View, base: Generation | None) -> PreviousIndex | None:
    """The FAISS index of a view in an earlier generation, where it has one and the file is whole."""
    found = base.manifest["views"][str(view)] if base is not None else {}
    path = generation_folder(index, base.number) / f"{view}.faiss" if base is not None else None
    if base is None or path is None or "trained_on" not in found:
        return None
    if file_sha256(path) != found["files"][path.name]["sha256"]:
        return None
    known = base.views[view]
    return PreviousIndex(
        path, known.ids, known.rows, found["trained_on"], found["changed_since"], found["trained_recall"]
    )


def _write_view(
    folder: Path,
    view: View,
    catalog: Catalog,
    shards: VectorStore,
    wanted: str,
    earlier: PreviousIndex | None,
    told: Told,
) -> dict[str, Any]:
    def tell(doing: str, done: int, total: int) -> None:
        told(f"{doing} the {view} index", done, total)

    tell("checking", 0, 0)
    # a panel without words has nothing to say in the dialogue view: all such panels would be one vector
    ids, rows = catalog.panels.vector_rows(with_dialogue_only=view is View.DIALOGUE)
    np.save(folder / f"{view}.panels.npy", np.stack([ids, rows]))
    each = vectors_per_panel(shards, view)
    kind = choose_index_type(each * len(ids), wanted)
    measured: dict[str, Any] = {}
    if kind == "ivfpq":
        content = IndexInput(ids, rows, each, partial(_blocks, shards, view, rows), tell)
        measured = _write_ann(folder / f"{view}.faiss", content, earlier, ViewIndex(view, ids, rows, None), shards)
    files = {p.name: _file_facts(p) for p in sorted(folder.glob(f"{view}.*"))}
    found = {
        "kind": kind,
        "panels": len(ids),
        "vectors": each * len(ids),
        "files": files,
        "vectors_sha256": digest(shards, view, rows),
    }
    return found | (measured or _measure_recall(ViewIndex(view, ids, rows, None), shards, tell))


def _write_ann(
    path: Path, content: IndexInput, earlier: PreviousIndex | None, view: ViewIndex, shards: VectorStore
) -> dict[str, Any]:
    """Write a FAISS index: the earlier one brought up to date while that finds as well as it did, else a new one."""
    extended = update_ivfpq(content, earlier) if earlier is not None else None
    if extended is not None and earlier is not None:
        index, changed = extended
        measured = _measure_recall(replace(view, ann=IvfPq(index)), shards, content.progress)
        history = {"trained_on": earlier.trained_on, "changed_since": changed, "trained_recall": earlier.trained_recall}
        if measured["recall_at_10"] >= earlier.trained_recall - RECALL_LOSS:
            write_ivfpq(index, path)
            return measured | history
    index = build_ivfpq(content)
    write_ivfpq(index, path)
    measured = _measure_recall(replace(view, ann=IvfPq(index)), shards, content.progress)
    trained = {"trained_on": content.count, "changed_since": 0, "trained_recall": measured["recall_at_10"]}
    return measured | trained


def _blocks(
    shards: VectorStore, view: View, rows: NDArray[np.int64], at: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(start, vectors) for positions `at` among all vectors of a view: each panel's whole, then its parts."""
    each = vectors_per_panel(shards, view)
    if each == 1:
        yield from shards.blocks(view, rows[at])
        return
    for start in range(0, len(at), _BLOCK):
        panels, part = np.divmod(at[start : start + _BLOCK], each)
        vectors = np.empty((len(panels), DIMENSION), np.float32)
        whole = part == 0
        vectors[whole] = shards.read(view, rows[panels[whole]])
        vectors[~whole] = shards.read(REGIONS, rows[panels[~whole]] * shards.regions + part[~whole] - 1)
        yield start, vectors


def _measure_recall(view: ViewIndex, shards: VectorStore, told: Told) -> dict[str, Any]:
    """Recall@10 of the default search against exact search, on sampled panels that do not count themselves."""
    if len(view) < 2:
        return {"recall_at_10": None, "recall_sample": 0}
    if view.ann is None:
        return {"recall_at_10": 1.0, "recall_sample": 0}
    rng = np.random.default_rng(_RECALL_SEED)
    places = np.sort(rng.choice(len(view), min(RECALL_SAMPLE, len(view)), replace=False))
    queries = shards.read(view.view, view.rows[places])
    best = _exact_top(view, shards, queries, 11, told)
    shares = []
    for query, place, exact, found in zip(queries, places, best, view.ann.candidates(queries, CANDIDATES), strict=True):
        ids, rows = view.rows_of(found)
        order = top(best_scores(shards, view.view, rows, query), ids, 11)
        own = view.ids[place]
        nearest = [i for i in exact if i != own][:10]
        shares.append(len({int(ids[o]) for o in order} & set(nearest)) / len(nearest))
    lists = view.ann.lists
    return {
        "recall_at_10": round(float(np.mean(shares)), 4),
        "recall_sample": len(places),
        "lists": lists,
        "nprobe": default_nprobe(lists),
        "candidates": CANDIDATES,
    }


def _exact_top(
    view: ViewIndex, shards: VectorStore, queries: NDArray[np.float32], count: int, told: Told
) -> list[list[int]]:
    """Ids of the `count` nearest by exact search, per query, streaming over the whole view."""
    ids = [np.empty(0, np.int64)] * len(queries)
    scores = [np.empty(0, np.float32)] * len(queries)
    for start in range(0, len(view), _BLOCK):
        told("measuring", start, len(view))
        block = view.ids[start : start + _BLOCK]
        for q, row in enumerate(all_scores(shards, view.view, view.rows[start : start + _BLOCK], queries)):
            merged_ids, merged = np.concatenate([ids[q], block]), np.concatenate([scores[q], row])
            best = top(merged, merged_ids, count)
            ids[q], scores[q] = merged_ids[best], merged[best]
    return [[int(i) for i in row] for row in ids]


def _file_facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune_generations(index: Path, current: int) -> None:
    """Delete every generation but `current`, and half-written ones. Readers keep the files they have open."""
    parent = index / "generations"
    for path in parent.iterdir() if parent.exists() else ():
        if path.name != str(current):
            shutil.rmtree(path, ignore_errors=True)
