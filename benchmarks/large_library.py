"""Measure searches in a library of a million panels, next to plain FAISS and an exhaustive search.

    python benchmarks/large_library.py WORK [--panels 1000000] [--regions 0] [--queries 200]

Makes a synthetic library in WORK once: clustered unit vectors, dialogues of five words, books of 40 pages. A library
that is there already is used again. Then it prints a table:

- index part: candidates from the ANN index and their exact scores; FAISS: the same training and number of candidates in
  one index in memory, and the same reading of the candidates.
- exhaustive: the scores of all panels from float32 vectors in memory, as earlier search servers do it.
- words: searches of the whole program for three words, without a filter and with several.
- one more book: 100 pages of five panels are written and made searchable; their vectors are ready.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.vector_search import one_index
from benchmarks.web_app.library import WORDS, encoded, make_library, pages
from index_builder.options import BuildOptions
from index_builder.write import CatalogWriter, WritableIndex, derive_generation
from retrieval import PanelIndex
from retrieval.records import View
from retrieval.store.ann.base import CANDIDATES, IndexFiles
from retrieval.store.layout import catalog_url, generation_folder
from retrieval.store.scoring import best_scores, top

FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "one book": {"book": "Book 17"},
    "a tenth of the books": {"book": "Book 1%"},
    "panels with dialogue": {"has_dialogue": True},
    "first pages": {"page": [1, 4]},
}
_NEW_PANELS = 500


class Table:
    """The figures of one run."""

    def __init__(self) -> None:
        print("| what | median | 99 of 100 within | ratio |\n|---|---|---|---|")

    def times(self, name: str, seconds: Sequence[float], beside: Sequence[float] | None = None) -> None:
        """Print the milliseconds of many calls, and their median as a multiple of others."""
        median, slow = (1000 * float(np.quantile(seconds, q)) for q in (0.5, 0.99))
        ratio = "" if beside is None else f"{np.median(seconds) / np.median(beside):.2f}"
        print(f"| {name} | {median:,.1f} ms | {slow:,.1f} ms | {ratio} |", flush=True)

    def value(self, name: str, value: str) -> None:
        """Print one figure."""
        print(f"| {name} | {value} | | |", flush=True)


def timed(calls: Sequence[Callable[[], Any]]) -> tuple[list[float], list[Any]]:
    """Return the seconds and the result of each call."""
    seconds, results = [], []
    for call in calls:
        began = time.perf_counter()
        results.append(call())
        seconds.append(time.perf_counter() - began)
    return seconds, results


# ------------------------------------------------------------------------ vectors


def vector_searches(index: PanelIndex, table: Table, queries: int) -> None:
    """Compare the index part of a search with plain FAISS, and both with an exhaustive search."""
    view, store = index.generation.views[View.PICTURE], index.vector_store
    rng = np.random.default_rng(5)
    rows = np.sort(rng.choice(len(view), queries, replace=False))
    asked = store.read("picture", np.asarray(view.rows[rows])) + 0.3 * rng.standard_normal((queries, 512)) / 512**0.5
    asked = (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)
    plain = one_index(IndexFiles(generation_folder(index.folder, index.generation.number), "picture"))
    parameters: Any = faiss.SearchParametersIVF()
    parameters.nprobe = view.ann.default_effort

    def scored(ids: Any, query: Any) -> list[int]:
        known, own = view.rows_of(ids)
        return [int(known[place]) for place in top(best_scores(store, View.PICTURE, own, query[None]), known, 10)]

    def ours(query: Any) -> list[int]:
        return scored(view.ann.search(query[None], CANDIDATES)[0], query)

    def peer(query: Any) -> list[int]:
        ids = plain.search(query[None], CANDIDATES, params=parameters)[1][0]
        return scored(ids[ids >= 0], query)

    found: dict[str, tuple[list[float], list[list[int]]]] = {}
    for _ in range(2):  # the first round reads the files
        for name, search in (("ours", ours), ("FAISS", peer)):
            found[name] = timed([lambda s=search, q=query: s(q) for query in asked])
    table.times("FAISS, one index, and reading the candidates", found["FAISS"][0])
    table.times("index part of one query", found["ours"][0], found["FAISS"][0])
    if store.regions:
        return
    table.value("recall@10 of the index part", f"{exhaustive(index, asked[:50], found, table):.3f}")


def exhaustive(index: PanelIndex, asked: Any, found: dict[str, Any], table: Table) -> float:
    """Return the recall of the first queries, and time an exhaustive search for them."""
    view = index.generation.views[View.PICTURE]
    matrix = np.concatenate([block for _, block in index.vector_store.blocks("picture", np.asarray(view.rows))])

    def best(query: Any) -> list[int]:
        return [int(view.ids[place]) for place in np.argsort(-(matrix @ query), kind="stable")[:10]]

    seconds, truth = timed([lambda q=query: best(q) for query in asked])
    table.times("exhaustive, float32 in memory", seconds, found["ours"][0])
    return float(np.mean([len(set(own) & set(ids)) / 10 for own, ids in zip(found["ours"][1], truth, strict=False)]))


# ------------------------------------------------------------------ the whole program


def word_searches(index: PanelIndex, table: Table, queries: int) -> None:
    """Time searches for three words, each with every filter."""
    rng = np.random.default_rng(6)
    texts = [" ".join(WORDS[n] for n in row) for row in rng.integers(0, len(WORDS), (queries, 3))]
    for name, where in FILTERS.items():
        calls = [lambda t=text, w=where: index.search(text=t, k=12, where=w) for text in texts]
        timed(calls[:3])
        table.times(f"words, {name}", timed(calls)[0])
    for name, where in FILTERS.items():
        table.times(f"facets, {name}", timed([lambda w=where: index.facets(where=w)] * 3)[0])


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
    table.value("opening", f"{seconds:.2f} s")
    table.value("memory without mapped files, a panel and view", f"{bytes_each:.1f} bytes")


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
    table.value("one more book, written", f"{written - began:.1f} s")
    table.value("one more book, made searchable", f"{done - written:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--panels", type=int, default=1_000_000)
    parser.add_argument("--regions", type=int, default=0)
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    folder = given.work / f"{given.panels}-{1 + given.regions}.index"
    if not any(folder.glob("generations/*")):
        began = time.perf_counter()
        make_library(folder, given.panels, given.regions, with_thumbnails=False)
        print(f"library made in {time.perf_counter() - began:,.0f} s", flush=True)
    manifest = json.loads(max(folder.glob("generations/*/manifest.json")).read_text())["views"]["picture"]
    print(f"{manifest['panels']:,} panels, {manifest['vectors']:,} vectors, {manifest['lists']} lists, "
          f"{manifest['nprobe']} searched, recall@10 {manifest['recall_at_10']}\n")  # fmt: skip
    table = Table()
    opening(folder, table)
    with PanelIndex.open(folder) as index:
        vector_searches(index, table, given.queries)
        word_searches(index, table, max(20, given.queries // 10))
    one_more_book(folder, given.regions, table)


if __name__ == "__main__":
    main()
