"""Compare Panelseek's IVF-PQ search with plain FAISS, LanceDB and an exhaustive search, in one process.

    python benchmarks/vector_search.py [--vectors 100000] [--regions 0] [--queries 300] [--json]

All search the same clustered unit vectors, one query at a time and in turn. Plain FAISS ranks by its PQ codes;
Panelseek takes candidates from the same index and scores them exactly. LanceDB (`pip install '.[benchmarks]'`) has an
IVF_PQ index of as many lists and subquantizers, and refines as many candidates. The exhaustive search is that of
earlier servers of comic panels. Recall@10 is measured against exact scores. With --regions R each panel has R region
vectors around its own vector. The resident memory of an opened generation, without mapped files, is measured in a
process of its own. Bytes are those of the picture view: index and vectors.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.baselines import lance
from benchmarks.baselines.exhaustive import ExhaustiveSearch
from benchmarks.baselines.faiss_index import PlainFaiss
from benchmarks.baselines.measure import Search, in_turn, nearest, stored_vectors
from benchmarks.figures.rows import Figures
from index_builder.write import CatalogWriter, write_generation
from retrieval.encoder.protocol import PanelEmbeddings, QueryVectors
from retrieval.encoder.spec import DIMENSION
from retrieval.records import Box, View
from retrieval.search.query import Query, ViewQuery
from retrieval.search.query_vectors import EncodedQuery
from retrieval.search.searcher import Searcher
from retrieval.store.ann.base import IndexFiles
from retrieval.store.ann.ivfpq import IvfPq
from retrieval.store.ann.training import SUBQUANTIZERS, list_count
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.generation import open_generation
from retrieval.store.layout import catalog_url, generation_folder
from retrieval.store.scoring import all_scores, top
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

Floats = NDArray[np.float32]
INDEX_PART, WHOLE = "Panelseek, vectors only", "Panelseek, whole search"


def clustered(count: int, clusters: int, spread: float, seed: int) -> tuple[Floats, Floats]:
    """Return (vectors, queries): unit rows around random centres, drawn in the same way; queries are not indexed."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, DIMENSION), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)

    def draw(n: int) -> Floats:
        noise = rng.standard_normal((n, DIMENSION), dtype=np.float32) * (spread / DIMENSION**0.5)
        rows = centres[rng.integers(0, clusters, n)] + noise
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    return draw(count), draw(1_000)


def region_vectors(vectors: Floats, regions: int, first: int) -> Floats:
    """Return (P, R, 512) unit rows, each with noise of length 1 around its panel's vector."""
    noise = np.random.default_rng((1, first)).standard_normal((len(vectors), regions, DIMENSION), dtype=np.float32)
    rows = vectors[:, None] + noise / DIMENSION**0.5
    return rows / np.linalg.norm(rows, axis=2, keepdims=True)


def write_index(folder: Path, vectors: Floats, regions: int) -> None:
    """Write an index whose three views have the same vectors; every panel has a page of its own."""
    store = VectorStore(folder / "vectors", regions=regions)
    gate = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (len(vectors), 1))
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        book = catalog.book_id(catalog.source_id(Path("/synthetic")), "", "synthetic", "folder")
        for start in range(0, len(vectors), 10_000):
            part = vectors[start : start + 10_000]
            encoded = PanelEmbeddings(part, part, part, gate[: len(part)], region_vectors(part, regions, start))
            sums = store.append(start, encoded)
            catalog.write_pages([_page(book, start + i, own) for i, own in enumerate(sums)])
        began = time.perf_counter()
        write_generation(folder, 1, catalog, store, "auto")
        print(f"three views trained, filled and measured in {time.perf_counter() - began:.1f} s")
        catalog.switch_generation(1, regions=regions)


def _page(book: int, row: int, sums: bytes) -> NewPage:
    panel = NewPanel(1, Box(0, 0, 100, 100), "", "page", row, (1.0, 0.0, 0.0), vector_checksums=sums)
    return NewPage(book, f"{row}.png", row + 1, str(row), str(row), 100, 100, (panel,))


def measure(folder: Path, queries: Floats) -> dict[str, Any]:
    """Return times, recall and bytes of Panelseek's search, its index part, and the other ways."""
    generation = open_generation(folder, 1)
    view = generation.views[View.PICTURE]
    assert isinstance(view.ann, IvfPq), "too few vectors for IVF-PQ"
    with Catalog.open(catalog_url(folder)) as catalog:
        store = VectorStore(folder / "vectors", regions=catalog.settings().regions)
        ids, rows = np.asarray(view.ids), np.asarray(view.rows)
        truth = nearest(all_scores(store, View.PICTURE, rows, queries), ids, 10)
        searches, sizes = others(folder, store, view)
        panelseek = Searcher(catalog, store, generation.views, Thumbnails(folder), _unused, _unused)
        searches |= own_searches(panelseek)
        measured = in_turn(searches, queries)
    sizes[INDEX_PART] = sizes[WHOLE] = _bytes(folder, "picture", "regions")
    methods = {
        name: {"p50": each.within(0.5), "p99": each.within(0.99), "recall@10": each.recall(truth), "bytes": sizes[name]}
        for name, each in measured.items()
    }
    count = (1 + store.regions) * len(view)
    index = f"IVF{list_count(count)},PQ{SUBQUANTIZERS}"
    return {
        "panels": len(view),
        "vectors": count,
        "index": index,
        "nprobe": view.ann.default_effort,
        "methods": methods,
    }


def others(folder: Path, store: VectorStore, view: Any) -> tuple[dict[str, Search], dict[str, int]]:
    """Return the other ways to search the same vectors, and the bytes of each: in memory, or on disk for LanceDB."""
    ids, rows, per_panel = np.asarray(view.ids), np.asarray(view.rows), 1 + store.regions
    plain = PlainFaiss(IndexFiles(generation_folder(folder, 1), "picture"), view.ann.default_effort)
    vectors = np.concatenate([block for _, block in stored_vectors(store, ids, rows)])
    exhaustive = ExhaustiveSearch(vectors, ids)
    ways: list[Any] = [plain, exhaustive]
    if not lance.obstacle():
        blocks, lists = stored_vectors(store, ids, rows), list_count(len(vectors))
        ways.append(
            lance.LanceSearch(folder / "lance", blocks, len(vectors), per_panel, lists, view.ann.default_effort)
        )
    return {way.name: partial(_ten, way) for way in ways}, {way.name: way.bytes for way in ways}


def _ten(way: Any, query: Floats) -> list[int]:
    found: list[int] = way.search(query, 10)
    return found


def own_searches(searcher: Searcher) -> dict[str, Search]:
    """Return the index part of a search, and a whole one with its panels from the catalog."""
    part = ViewQuery(Query(panel=1, view=View.PICTURE, k=10), View.PICTURE)
    no_ids = np.empty(0, np.int64)

    def index_part(query: Floats) -> list[int]:
        rounds = searcher.retriever.retrieve(View.PICTURE, part.query, query[None], None, no_ids)
        first = next(rounds)
        return [int(first.ids[i]) for i in top(first.scores, first.ids, 10)]

    def whole(query: Floats) -> list[int]:
        ranking = searcher._search_view(part, EncodedQuery(QueryVectors(query[None])))
        return [item.panel.id for item in ranking.panels]

    return {INDEX_PART: index_part, WHOLE: whole}


def _unused(*_: object) -> Any:
    """Stand for encoder and image reader, which no query here needs."""
    raise AssertionError("no query has text or an image")


def _bytes(folder: Path, *names: str) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.name.startswith(names))


_RESIDENT = """
import sys
from pathlib import Path
def anonymous():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
import faiss, numpy as np
from retrieval.store.generation import open_generation
from retrieval.records import View
small = faiss.IndexIVFPQ(faiss.IndexFlatL2(512), 512, 1, 64, 8)
query = np.random.default_rng(0).standard_normal((50, 512), dtype=np.float32)
faiss.knn(query, query, 10)
before = anonymous()
generation = open_generation(Path(sys.argv[1]), 1)
opened = anonymous()
for row in query:
    generation.views[View.PICTURE].ann.search(row[None], 400)
print(opened - before, anonymous() - before, len(generation.views))
"""


def resident(folder: Path, vectors: int) -> dict[str, float]:
    """Return resident bytes per panel and view without mapped files, after opening and after 50 queries."""
    done = subprocess.run([sys.executable, "-c", _RESIDENT, str(folder)], capture_output=True, text=True, check=True)
    opened, searched, views = (int(n) for n in done.stdout.split())
    return {"opened": opened / vectors / views, "after 50 queries": searched / vectors / views}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=0, help="region vectors of each panel")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--clusters", type=int, default=2_000)
    parser.add_argument("--spread", type=float, default=1.0, help="length of the noise around a centre of length 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = Figures("vector_search", arguments.json)
    vectors, queries = clustered(arguments.vectors, arguments.clusters, arguments.spread, arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_index(folder, vectors, arguments.regions)
        results = measure(folder, queries[: arguments.queries])
        kept = resident(folder, len(vectors))
    print(f"{results['panels']:,} panels, {results['vectors']:,} vectors, {results['index']}, ", end="")
    print(f"nprobe {results['nprobe']}; one query at a time\n")
    print_table(results["methods"], results["panels"])
    for moment, figure in kept.items():
        print(f"resident without mapped files, {moment}: {figure:.1f} bytes per panel and view")
        figures.add(f"memory of a panel and view, {moment}", figure, "bytes")
    report(figures, results["methods"], results["panels"])


def print_table(methods: dict[str, dict[str, float]], panels: int) -> None:
    """Print the methods as Markdown, with their ratio to plain FAISS."""
    print("| side | ms a query | ratio | 99 of 100 within, ms | recall@10 | bytes a panel |\n|---|---|---|---|---|---|")
    for method, each in methods.items():
        ratio = each["p50"] / methods[PlainFaiss.name]["p50"]
        times = f"{each['p50']:.2f} | {ratio:.2f} | {each['p99']:.2f}"
        print(f"| {method} | {times} | {each['recall@10']:.3f} | {each['bytes'] / panels:,.0f} |")


def report(figures: Figures, methods: dict[str, dict[str, float]], panels: int) -> None:
    """Add the index part next to each other way."""
    own = methods[INDEX_PART]
    for name in (PlainFaiss.name, lance.LanceSearch.name, ExhaustiveSearch.name):
        if name not in methods:
            figures.not_run(f"index part, and {name}", lance.obstacle())
            continue
        other = methods[name]
        figures.add(f"index part, and {name}", own["p50"], "ms", other["p50"], name)
        figures.add(f"99 of 100 within, and {name}", own["p99"], "ms", other["p99"], name)
        figures.add(f"recall@10, and {name}", own["recall@10"], "", other["recall@10"], name)
        figures.add(f"bytes of a panel, and {name}", own["bytes"] / panels, "bytes", other["bytes"] / panels, name)
    figures.add("whole search", methods[WHOLE]["p50"], "ms", own["p50"], INDEX_PART)


if __name__ == "__main__":
    main()
