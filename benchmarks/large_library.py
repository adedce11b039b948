"""Measure searches in a library of a million panels, next to plain FAISS, LanceDB and an exhaustive search.

    python benchmarks/large_library.py WORK [--panels 1000000] [--vectors 1] [--queries 200] [--lancedb] [--json]

Makes a synthetic library in WORK once: clustered unit vectors, dialogues of five words, books of 40 pages. With
--vectors 14 each panel has 13 region vectors, too. A library that is there already is used again, and one that was
interrupted goes on after its last batch. Then it prints a table:

- index part: candidates from the ANN index and their exact scores; FAISS: the same training and number of candidates in
  one index in memory, and the same reading of the candidates.
- LanceDB, with --lancedb: an IVF_PQ index on disk with as many lists, kept in WORK, that refines as many candidates.
- exhaustive: the scores of all panels from float32 vectors in memory, as earlier search servers do it. It is left out
  if they take more than half of the free memory.
- recall@10: compared with the exact scores of all panels, for 50 queries.
- words: searches of the whole program for three words, without a filter and with several.
- one more book: 100 pages of five panels are written and made searchable; their vectors are ready.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.baselines import lance
from benchmarks.baselines.exhaustive import ExhaustiveSearch
from benchmarks.baselines.faiss_index import PlainFaiss
from benchmarks.baselines.measure import Search, in_turn, nearest, stored_vectors
from benchmarks.figures.rows import Figures
from benchmarks.web_app.library import WORDS, encoded, is_complete, make_library, pages
from index_builder.options import BuildOptions
from index_builder.write import CatalogWriter, WritableIndex, derive_generation
from retrieval import PanelIndex
from retrieval.records import View
from retrieval.store.ann.base import CANDIDATES, IndexFiles
from retrieval.store.ann.training import list_count
from retrieval.store.layout import catalog_url, generation_folder
from retrieval.store.scoring import all_scores, best_scores, top

FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "one book": {"book": "Book 17"},
    "a tenth of the books": {"book": "Book 1%"},
    "panels with dialogue": {"has_dialogue": True},
    "first pages": {"page": [1, 4]},
}
FAISS = "FAISS in one index"
LEAST_PANELS = 1_000_000
"""Panels from which the figures are compared with their targets."""

TRUTHS = 50
"""Queries whose exact scores are computed, all in one pass over the vectors."""

_NEW_PANELS = 500


class Table:
    """The figures of one run, as a table on standard output and as rows."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        print("| what | median | 99 of 100 within | ratio |\n|---|---|---|---|")

    def times(self, name: str, milliseconds: Any, other: Any = None, against: str = "") -> None:
        """Print the times of many calls, and their median as a multiple of others."""
        median, late = (float(np.quantile(milliseconds, q)) for q in (0.5, 0.99))
        base, base_late = (None, None) if other is None else (float(np.quantile(other, q)) for q in (0.5, 0.99))
        ratio = "" if base is None else f"{median / base:.2f}"
        print(f"| {name} | {median:,.1f} ms | {late:,.1f} ms | {ratio} |", flush=True)
        self._figures.add(name, median, "ms", base, against)
        self._figures.add(f"{name}, 99 of 100 within", late, "ms", base_late, against)

    def value(self, name: str, value: float, unit: str, other: float | None = None, against: str = "") -> None:
        """Print one figure."""
        print(f"| {name} | {value:.4g} {unit} | | |", flush=True)
        self._figures.add(name, value, unit, other, against)

    def left_out(self, name: str, reason: str) -> None:
        """Print that a figure was not measured."""
        print(f"| {name} | not run: {reason} | | |", flush=True)
        self._figures.not_run(name, reason)


def timed(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Return the milliseconds of each call."""
    milliseconds = []
    for call in calls:
        began = time.perf_counter()
        call()
        milliseconds.append(1000 * (time.perf_counter() - began))
    return milliseconds


# ------------------------------------------------------------------------ vectors


def vector_searches(index: PanelIndex, table: Table, queries: int, lance_folder: Path | None) -> None:
    """Compare the index part of a search with plain FAISS, LanceDB and an exhaustive search."""
    view, store = index.generation.views[View.PICTURE], index.vector_store
    ids, rows = np.asarray(view.ids), np.asarray(view.rows)
    rng = np.random.default_rng(5)
    chosen = np.sort(rng.choice(len(view), queries, replace=False))
    asked = store.read("picture", rows[chosen]) + 0.3 * rng.standard_normal((queries, 512)) / 512**0.5
    asked = (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)
    files = IndexFiles(generation_folder(index.folder, index.generation.number), "picture")
    plain = PlainFaiss(files, view.ann.default_effort)

    def scored(found: Any, query: Any) -> list[int]:
        known, own = view.rows_of(np.unique(found))
        return [int(known[place]) for place in top(best_scores(store, View.PICTURE, own, query[None]), known, 10)]

    searches: dict[str, Search] = {
        "Panelseek": lambda query: scored(view.ann.search(query[None], CANDIDATES)[0], query),
        FAISS: lambda query: scored(plain.candidates(query, CANDIDATES), query),
    }
    vectors = f"{1 + store.regions} vector{'s' if store.regions else ''}"
    lance_name = f"index part, {vectors}, and {lance.LanceSearch.name}"
    reason = lance.obstacle() or ("" if lance_folder else "left out; --lancedb measures it")
    if lance_folder is not None and not reason:
        other = lance_search(index, lance_folder)
        searches[lance.LanceSearch.name] = lambda query: other.search(query, 10)
    found = in_turn(searches, asked)
    own, base = found["Panelseek"], found[FAISS]
    table.times(f"index part, {vectors}", own.milliseconds, base.milliseconds, f"{FAISS}, and reading the candidates")
    truth = nearest(all_scores(store, View.PICTURE, rows, asked[:TRUTHS]), ids, 10)
    table.value(f"recall@10 of the index part, {vectors}", own.recall(truth), "", base.recall(truth), FAISS)
    if reason:
        table.left_out(lance_name, reason)
    else:
        third = found[lance.LanceSearch.name]
        table.times(lance_name, own.milliseconds, third.milliseconds, lance.LanceSearch.name)
        table.value(f"recall@10, {vectors}, and LanceDB", own.recall(truth), "", third.recall(truth), "LanceDB")
    exhaustive(index, asked[:TRUTHS], own, table, vectors)


def lance_search(index: PanelIndex, folder: Path) -> lance.LanceSearch:
    """Return LanceDB with the vectors and settings of an index, kept in a folder."""
    view, store = index.generation.views[View.PICTURE], index.vector_store
    ids, rows, per_panel = np.asarray(view.ids), np.asarray(view.rows), 1 + store.regions
    count = per_panel * len(view)
    blocks = stored_vectors(store, ids, rows)
    return lance.LanceSearch(folder, blocks, count, per_panel, list_count(count), view.ann.default_effort)


def exhaustive(index: PanelIndex, asked: Any, own: Any, table: Table, vectors: str) -> None:
    """Time an exhaustive search, if its vectors fit into half of the free memory."""
    view, store = index.generation.views[View.PICTURE], index.vector_store
    ids, rows = np.asarray(view.ids), np.asarray(view.rows)
    name, needed = f"index part, {vectors}, and {ExhaustiveSearch.name}", len(view) * (1 + store.regions) * 2048
    if 2 * needed > os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        table.left_out(name, f"it needs {needed / 2**30:.0f} GiB in memory")
        return
    matrix = np.empty((len(view) * (1 + store.regions), 512), np.float32)
    place = 0
    for _, block in stored_vectors(store, ids, rows):
        matrix[place : place + len(block)] = block
        place += len(block)
    search = ExhaustiveSearch(matrix, ids)
    others = timed([lambda q=query: search.search(q, 10) for query in asked])
    table.times(name, own.milliseconds[: len(asked)], others, ExhaustiveSearch.name)


# ------------------------------------------------------------------ the whole program


def word_searches(index: PanelIndex, table: Table, queries: int) -> None:
    """Time searches for three words, each with every filter."""
    rng = np.random.default_rng(6)
    texts = [" ".join(WORDS[n] for n in row) for row in rng.integers(0, len(WORDS), (queries, 3))]
    for name, where in FILTERS.items():
        calls = [lambda t=text, w=where: index.search(text=t, k=12, where=w) for text in texts]
        timed(calls[:3])
        table.times(f"words, {name}", timed(calls))
    for name, where in FILTERS.items():
        table.times(f"facets, {name}", timed([lambda w=where: index.facets(where=w)] * 3))


_OPEN = """
import sys, time
from pathlib import Path
def anonymous():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
import faiss, numpy as np
from retrieval import PanelIndex
from retrieval.records import View
import retrieval.search.searcher
faiss.knn(np.zeros((9, 512), np.float32), np.zeros((9, 512), np.float32), 3)
before, began = anonymous(), time.perf_counter()
index = PanelIndex.open(sys.argv[1])
view = index.generation.views[View.PICTURE]
seconds = time.perf_counter() - began
for row in np.random.default_rng(0).standard_normal((50, 512), dtype=np.float32):
    view.ann.search(row[None], 400)
print(seconds, (anonymous() - before) / len(view) / 3)
"""


def opening(folder: Path, table: Table) -> None:
    """Time the opening in a new process, and measure what it keeps in memory."""
    done = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], capture_output=True, text=True, check=True)
    seconds, bytes_each = map(float, done.stdout.split())
    table.value("opening", seconds, "s")
    table.value("memory of a panel and view", bytes_each, "bytes")


def one_more_book(folder: Path, regions: int, table: Table) -> None:
    """Write a book of 100 pages and publish it, as a build does when its panels are encoded."""
    rng = np.random.default_rng(time.time_ns())
    with CatalogWriter.open(catalog_url(folder)) as catalog:
        index = WritableIndex(folder, catalog)
        first = index.next_row()
        new = encoded(rng, rng.normal(size=(10, 512)).astype(np.float32), _NEW_PANELS, regions)
        began = time.perf_counter()
        sums = index.vectors.append(first, new)
        catalog.write_pages(list(pages(catalog, catalog.source_id(folder / "comics"), rng, first, sums)))
        written = time.perf_counter()
        derive_generation(index, BuildOptions().as_dict(), lambda _: None)
        done = time.perf_counter()
    table.value("one more book of 100 pages", done - began, "s")
    table.value("one more book, of this to make it searchable", done - written, "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--panels", type=int, default=1_000_000)
    parser.add_argument("--vectors", type=int, default=1, help="vectors of a panel: 1 and its region vectors")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--lancedb", action="store_true", help="measure LanceDB, too; its index takes long to make")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    if given.vectors < 1:
        parser.error(f"--vectors {given.vectors}: a panel has at least one vector")
    regions = given.vectors - 1
    small = f"{given.panels:,} panels only" if given.panels < LEAST_PANELS else ""
    figures = Figures("large_library", given.json, small)
    folder = given.work / f"{given.panels}-{given.vectors}.index"
    if not is_complete(folder):
        began = time.perf_counter()
        make_library(folder, given.panels, regions, with_thumbnails=False)
        print(f"library made in {time.perf_counter() - began:,.0f} s", flush=True)
    manifest = json.loads(max(folder.glob("generations/*/manifest.json")).read_text())["views"]["picture"]
    print(f"{manifest['panels']:,} panels, {manifest['vectors']:,} vectors, {manifest['lists']} lists, "
          f"{manifest['nprobe']} searched, recall@10 {manifest['recall_at_10']}\n")  # fmt: skip
    table = Table(figures)
    opening(folder, table)
    with PanelIndex.open(folder) as index:
        vector_searches(index, table, given.queries, folder.with_suffix(".lance") if given.lancedb else None)
        word_searches(index, table, max(20, given.queries // 10))
    one_more_book(folder, regions, table)


if __name__ == "__main__":
    main()
