"""Compare Panelseek's default IVF-PQ search with plain FAISS of the same settings, in one process.

    python benchmarks/vector_search.py [--vectors 100000] [--regions 0] [--queries 300]

Both search the same clustered unit vectors, one query at a time. Plain FAISS ranks by its PQ codes; Panelseek takes
candidates from the same index and scores them exactly. Recall@10 is measured against exhaustive search. With
--regions R each panel has R region vectors around its own vector. The resident memory of an opened generation, without
mapped files, is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

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


def timed(search: Callable[[Floats], list[int]], queries: Floats) -> tuple[float, list[list[int]]]:
    """Return (median milliseconds per query, ids per query), searched one at a time."""
    search(queries[0])
    seconds, ids = [], []
    for query in queries:
        began = time.perf_counter()
        ids.append(search(query))
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds)), ids


def recall(results: list[list[int]], truth: list[list[int]]) -> float:
    return float(np.mean([len(set(ids) & set(t)) / len(t) for ids, t in zip(results, truth, strict=True)]))


def measure(folder: Path, vectors: Floats, queries: Floats, regions: int) -> dict[str, Any]:
    """Return time and recall of plain FAISS, of Panelseek's vector search, and of its whole search."""
    generation = open_generation(folder, 1)
    view = generation.views[View.PICTURE]
    assert isinstance(view.ann, IvfPq), "too few vectors for IVF-PQ"
    store = VectorStore(folder / "vectors", regions=regions)
    plain, nprobe = one_index(IndexFiles(generation_folder(folder, 1), "picture")), view.ann.default_effort
    scores = all_scores(store, View.PICTURE, np.asarray(view.rows), queries)
    truth = [[int(view.ids[i]) for i in top(row, view.ids, 10)] for row in scores]
    parameters: Any = faiss.SearchParametersIVF()
    parameters.nprobe = nprobe

    def search_plain(query: Floats) -> list[int]:
        return [int(i) for i in plain.search(query[None], 10, params=parameters)[1][0] if i >= 0]

    with Catalog.open(catalog_url(folder)) as catalog:
        searcher = Searcher(catalog, store, generation.views, Thumbnails(folder), _unused, _unused)
        part = ViewQuery(Query(panel=1, view=View.PICTURE, k=10), View.PICTURE)
        no_ids = np.empty(0, np.int64)

        def search_vectors(query: Floats) -> list[int]:
            rounds = searcher.retriever.retrieve(View.PICTURE, part.query, query[None], None, no_ids)
            first = next(rounds)
            return [int(first.ids[i]) for i in top(first.scores, first.ids, 10)]

        def search_panelseek(query: Floats) -> list[int]:
            ranking = searcher._search_view(part, EncodedQuery(QueryVectors(query[None])))
            return [item.panel.id for item in ranking.panels]

        methods = {
            "plain FAISS": timed(search_plain, queries),
            "Panelseek vectors": timed(search_vectors, queries),
            "Panelseek search": timed(search_panelseek, queries),
        }
    return {
        "panels": len(vectors),
        "vectors": (1 + regions) * len(vectors),
        "index": f"IVF{list_count((1 + regions) * len(vectors))},PQ{SUBQUANTIZERS}",
        "bytes on disk per panel in picture": _bytes(folder, "picture", "regions") / len(vectors),
        "nprobe": nprobe,
        "methods": {name: {"ms": ms, "recall@10": recall(ids, truth)} for name, (ms, ids) in methods.items()},
    }


def one_index(files: IndexFiles) -> Any:
    """Return a plain FAISS index in memory, of all vectors of a view and with the same training."""
    whole = faiss.read_index(str(files.trained))
    for path in files.parts():
        part = faiss.read_index(str(path))
        whole.ntotal += part.ntotal
        whole.invlists.merge_from(part.invlists, 0)
    return whole


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
    vectors, queries = clustered(arguments.vectors, arguments.clusters, arguments.spread, arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_index(folder, vectors, arguments.regions)
        results = measure(folder, vectors, queries[: arguments.queries], arguments.regions)
        results["resident bytes per panel and view"] = resident(folder, len(vectors))
    plain = results["methods"]["plain FAISS"]["ms"]
    if arguments.json:
        print(json.dumps(results, indent=1))
        return
    print(
        f"{results['panels']:,} panels, {results['vectors']:,} vectors, {results['index']}, nprobe {results['nprobe']}"
    )
    bytes_each = results["bytes on disk per panel in picture"]
    print(f"{bytes_each:.0f} bytes on disk per panel in the picture view; one query at a time")
    for method, figures in results["methods"].items():
        ratio = figures["ms"] / plain
        print(f"{method:18} {figures['ms']:7.2f} ms   x{ratio:5.2f}   recall@10 {figures['recall@10']:.3f}")
    for moment, figure in results["resident bytes per panel and view"].items():
        print(f"resident without mapped files, {moment}: {figure:.1f} bytes per panel and view")


if __name__ == "__main__":
    main()
