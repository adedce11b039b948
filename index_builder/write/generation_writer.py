"""Writing of a generation: the derived search files, in a partial folder that is synced and then renamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import DIMENSION
from retrieval.files import make_folder, sync, write_array
from retrieval.progress import Progress, ProgressCallback, StageProgress, no_progress
from retrieval.records import View
from retrieval.store.ann.base import CANDIDATES, AnnIndex, IndexFiles, IndexInput, PreviousIndex
from retrieval.store.ann.index_types import ANN_INDEX_TYPES
from retrieval.store.ann.ivfpq import membership
from retrieval.store.ann.training import choose_index_type
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import FORMAT, Generation, ViewIndex, sealed, without_left_out
from retrieval.store.layout import file_sha256, generation_folder
from retrieval.store.scoring import all_scores, best_scores, top, vectors_per_panel
from retrieval.store.vectors import REGIONS, VectorStore

RECALL_SAMPLE = 256
"""Panels used as queries to measure recall."""

RECALL_LOSS = 0.02
"""Recall@10: an updated index that loses more than this since its training is trained again."""

_ALWAYS_MEASURED = 200_000
"""Vectors of a view up to which recall is measured in every generation: a comparison with all of them."""

_MEASURED_AGAIN = 0.05
"""Part of a larger view that has to change before its recall is measured again."""

_ALWAYS_COMPARED = 100_000
"""Panels up to which all vectors are compared with their checksums; in a larger index, the new ones."""

_RECALL_SEED = 7
_BLOCK = 16_384
"""Vectors read at once: 34 MB."""


def write_generation(
    index: Path,
    number: int,
    catalog: Catalog,
    vectors: VectorStore,
    index_type: str,
    base: Generation | None = None,
    progress: ProgressCallback = no_progress,
) -> dict[str, Any]:
    """Write generation `number` and return its manifest; it counts once the catalog names it.

    index_type: auto, exact or ivfpq. base: a generation whose FAISS indexes are updated if little changed.
    progress: stage "index"; an exception in it cancels, and a half-written generation counts for nothing.
    """
    final = generation_folder(index, number)
    partial_folder = final.with_name(f"{number}.partial")
    for leftover in (partial_folder, final):
        shutil.rmtree(leftover, ignore_errors=True)
    make_folder(final.parent)
    partial_folder.mkdir()
    # panels without dialogue have no vector in that view: all of them would be the same one
    every, spoken = catalog.panels.vector_rows(), catalog.panels.vector_rows(with_dialogue_only=True)
    views, left_out = {}, _damaged_panels(*every, catalog, vectors, base, progress)
    for view in View:
        ids, rows = without_left_out(*(spoken if view is View.DIALOGUE else every), left_out)
        writer = _ViewWriter(partial_folder, view, ids, rows, vectors, _view_progress(view, progress))
        views[str(view)] = writer.write(index_type, _Former.of(index, view, base))
    about = {"format": FORMAT, "generation": number, "dimension": DIMENSION, "left_out": left_out}
    manifest = sealed({**about, "views": views})
    (partial_folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for path in (*partial_folder.iterdir(), partial_folder):
        sync(path)
    partial_folder.rename(final)
    sync(final.parent)
    return manifest


def _damaged_panels(
    ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    catalog: Catalog,
    vectors: VectorStore,
    base: Generation | None,
    progress: ProgressCallback,
) -> list[int]:
    """Return the ids of those panels whose vectors are not what was written: nothing is derived from them.

    In a large index, the vectors of panels that the base has are not read again; `verify` compares all.
    """
    if base is not None and len(ids) > _ALWAYS_COMPARED:
        known = base.views[View.PICTURE]
        ids = ids[~membership(ids, rows, np.asarray(known.ids), np.asarray(known.rows))]
    report, found = StageProgress(progress, "index", "panels", len(ids)), list[int]()
    for start in range(0, len(ids), _BLOCK):
        places = catalog.panels.vector_places(ids[start : start + _BLOCK].tolist())
        damaged = vectors.damaged(places.rows, places.sums).any(axis=1)
        found += places.ids[damaged].tolist()
        report(start, detail="comparing vectors with their checksums")
    return found


def prune_generations(index: Path, current: int) -> None:
    """Delete every generation except `current`, and half-written ones. Readers keep the files they have open."""
    parent = index / "generations"
    for path in parent.iterdir() if parent.exists() else ():
        if path.name != str(current):
            shutil.rmtree(path, ignore_errors=True)


def _view_progress(view: View, progress: ProgressCallback) -> ProgressCallback:
    """Return a callback that reports steps of one view as the stage "index", each step with its own rate."""
    name, step_progress = "", StageProgress(progress, "index", "vectors")

    def report(step: Progress) -> None:
        nonlocal name, step_progress
        if step.stage != name:
            name, step_progress = step.stage, StageProgress(progress, "index", "vectors")
        step_progress(step.done, step.total, f"{name} the {view} index")

    return report


@dataclass(frozen=True, slots=True)
class _Former:
    """One view of an earlier generation: its folder, its part of the manifest, and ids and rows of its panels."""

    folder: Path
    manifest: dict[str, Any]
    view: ViewIndex

    @classmethod
    def of(cls, index: Path, view: View, base: Generation | None) -> _Former | None:
        """Return the view, if it has an ANN index whose history is known."""
        if base is None:
            return None
        found = base.manifest["views"][str(view)]
        history = [
            found.get(name) for name in ("trained_on", "changed_since", "trained_recall", "changed_since_measured")
        ]
        if not all(isinstance(number, int | float) and number >= 0 for number in history):
            return None
        return cls(generation_folder(index, base.number), found, base.views[view])

    def previous_index(self) -> PreviousIndex:
        """Return the ANN index of the view, to be updated."""
        files, view, found = IndexFiles(self.folder, str(self.view.view)), self.view, self.manifest
        return PreviousIndex(files, view.ids, view.rows, found["trained_on"], found["changed_since"], self._is_intact)

    def _is_intact(self, path: Path) -> bool:
        expected = self.manifest["files"].get(path.name)
        return expected is not None and path.exists() and file_sha256(path) == expected["sha256"]

    def entry(self, path: Path) -> dict[str, Any] | None:
        """Return the manifest's entry of a file, if `path` is a link to it."""
        former = self.folder / path.name
        if path.name in self.manifest["files"] and former.exists() and former.samefile(path):
            entry: dict[str, Any] = self.manifest["files"][path.name]
            return entry
        return None


@dataclass(frozen=True, slots=True)
class _ViewWriter:
    """Writing of one view's files into the folder of a generation. ids, rows: (P,) of its panels."""

    folder: Path
    view: View
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    vectors: VectorStore
    progress: ProgressCallback

    def write(self, index_type: str, former: _Former | None) -> dict[str, Any]:
        """Write the view's files and return its part of the manifest."""
        self.progress(Progress("checking"))
        ids, rows = self.ids, self.rows
        write_array(self.folder / f"{self.view}.panels.npy", np.stack([ids, rows]))
        per_panel = vectors_per_panel(self.vectors, self.view)
        chosen = choose_index_type(per_panel * len(ids), index_type)
        plain = ViewIndex(self.view, ids, rows, None)
        ann_type = ANN_INDEX_TYPES.get(chosen)
        measured = self._write_ann(ann_type, plain, per_panel, former) if ann_type else self._measure_recall(plain)
        paths = sorted(self.folder.glob(f"{self.view}.*"))
        files = {path.name: (former and former.entry(path)) or _file_entry(path) for path in paths}
        return {
            "index_type": chosen,
            "panels": len(ids),
            "vectors": per_panel * len(ids),
            "files": files,
            **measured,  # with the number of vectors in the ANN index, which leaves out zeros
        }

    def _write_ann(
        self, ann_type: type[AnnIndex], view: ViewIndex, per_panel: int, former: _Former | None
    ) -> dict[str, Any]:
        """Write an ANN index: the former one updated if its recall holds, else a new one."""
        blocks = partial(_blocks, self.vectors, self.view, view.rows)
        content = IndexInput(view.ids, view.rows, per_panel, blocks, self.progress)
        files = IndexFiles(self.folder, str(self.view))
        updated = None if former is None else ann_type.update(content, former.previous_index(), files)
        if updated is not None and former is not None:
            index, changed = updated
            measured = self._measure_again(replace(view, ann=index), content, changed, former.manifest)
            if measured["recall_at_10"] >= former.manifest["trained_recall"] - RECALL_LOSS:
                history = {name: former.manifest[name] for name in ("trained_on", "trained_recall")}
                return measured | history | {"changed_since": changed, "vectors": index.count}
        for path in self.folder.glob(f"{self.view}.*.faiss"):
            path.unlink()  # of an update that failed: a link, or a part
        index = ann_type.build(content, files)
        measured = self._measure_recall(replace(view, ann=index))
        return measured | {
            "vectors": index.count,
            "trained_on": content.count,
            "changed_since": 0,
            "changed_since_measured": 0,
            "trained_recall": measured["recall_at_10"],
        }

    def _measure_again(
        self, view: ViewIndex, content: IndexInput, changed: int, former: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the recall of an updated index; in a large one, that of the former one until enough has changed."""
        pending = former["changed_since_measured"] + changed - former["changed_since"]
        if content.count > _ALWAYS_MEASURED and pending <= _MEASURED_AGAIN * content.count:
            kept = ("recall_at_10", "recall_sample", "lists", "nprobe", "candidates")
            return {name: former[name] for name in kept} | {"changed_since_measured": pending}
        return self._measure_recall(view) | {"changed_since_measured": 0}

    def _measure_recall(self, view: ViewIndex) -> dict[str, Any]:
        """Return recall@10 of the default search against exact search, on sampled panels without themselves."""
        if len(view) < 2:
            return {"recall_at_10": None, "recall_sample": 0}
        if view.ann is None:
            return {"recall_at_10": 1.0, "recall_sample": 0}
        rng = np.random.default_rng(_RECALL_SEED)
        places = np.sort(rng.choice(len(view), min(RECALL_SAMPLE, len(view)), replace=False))
        queries = self.vectors.read(view.view, view.rows[places])
        exact = self._exact_top(view, queries, 11)
        found = view.ann.search(queries, CANDIDATES)
        recalls = [self._recall(view, *item) for item in zip(queries, view.ids[places], exact, found, strict=True)]
        return {
            "recall_at_10": round(float(np.mean(recalls)), 4),
            "recall_sample": len(places),
            "lists": view.ann.max_effort,
            "nprobe": view.ann.default_effort,
            "candidates": CANDIDATES,
        }

    def _recall(
        self, view: ViewIndex, query: NDArray[np.float32], own: int, exact: list[int], found: NDArray[np.int64]
    ) -> float:
        """Return the fraction of a query's exact 10 nearest that its candidates have among their best 11."""
        ids, rows = view.rows_of(found)
        order = top(best_scores(self.vectors, view.view, rows, query), ids, 11)
        nearest = [i for i in exact if i != own][:10]
        return len({int(ids[place]) for place in order} & set(nearest)) / len(nearest)

    def _exact_top(self, view: ViewIndex, queries: NDArray[np.float32], count: int) -> list[list[int]]:
        """Return the ids of the `count` nearest panels by exact search, per query, reading the view in blocks."""
        ids = [np.empty(0, np.int64)] * len(queries)
        scores = [np.empty(0, np.float32)] * len(queries)
        for start in range(0, len(view), _BLOCK):
            self.progress(Progress("measuring", start, len(view)))
            block, rows = view.ids[start : start + _BLOCK], view.rows[start : start + _BLOCK]
            for q, row in enumerate(all_scores(self.vectors, view.view, rows, queries)):
                merged_ids, merged = np.concatenate([ids[q], block]), np.concatenate([scores[q], row])
                best = top(merged, merged_ids, count)
                ids[q], scores[q] = merged_ids[best], merged[best]
        return [[int(i) for i in row] for row in ids]


def _blocks(
    vectors: VectorStore, view: View, rows: NDArray[np.int64], positions: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Return (start, vectors) for positions among all vectors of a view: each panel's own, then its regions."""
    per_panel = vectors_per_panel(vectors, view)
    if per_panel == 1:
        yield from vectors.blocks(view, rows[positions])
        return
    for start in range(0, len(positions), _BLOCK):
        panels, region = np.divmod(positions[start : start + _BLOCK], per_panel)
        block = np.empty((len(panels), DIMENSION), np.float32)
        own = region == 0
        block[own] = vectors.read(view, rows[panels[own]])
        block[~own] = vectors.read(REGIONS, rows[panels[~own]] * vectors.regions + region[~own] - 1)
        yield start, block


def _file_entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
