"""Panelseek's default IVF-PQ search beside plain FAISS with the same settings, in one process.

    python benchmarks/vector_search.py [--vectors 100000] [--parts 0] [--queries 300]

Both sides search the same clustered unit vectors, one query at a time. Plain FAISS ranks by its PQ codes;
Panelseek takes candidates from the same index and scores them exactly. Recall@10 is against exhaustive search.
With --parts R each panel's `picture` view has R further vectors around its own, as encoders give that see its parts.
The resident memory that Panelseek's opened view adds, besides mapped files, is measured in a process of its own.
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

from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.generation_writer import write_generation
from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings, QueryVectors
from retrieval.records import Box, View
from retrieval.search.query import Query
from retrieval.search.searcher import Searcher
from retrieval.store.ann.ivfpq import SUBQUANTIZERS, default_nprobe, list_count
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.generation import open_generation
from retrieval.store.layout import catalog_url
from retrieval.store.scoring import all_scores, top
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

Floats = NDArray[np.float32]


def clustered(count: int, clusters: int, spread: float, seed: int) -> tuple[Floats, Floats]:
    """(vectors, queries): unit rows around random centres; queries are drawn the same way and lie in no index."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, DIMENSION), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)

    def draw(n: int) -> Floats:
        noise = rng.standard_normal((n, DIMENSION), dtype=np.float32) * (spread / DIMENSION**0.5)
        rows = centres[rng.integers(0, clusters, n)] + noise
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    return draw(count), draw(1_000)


def parts_of(vectors: Floats, parts: int, first: int) -> Floats:
    """(P, parts, 512) unit rows, each about as far from its panel's vector as that is long."""
    noise = np.random.default_rng((1, first)).standard_normal((len(vectors), parts, DIMENSION), dtype=np.float32)
    rows = vectors[:, None] + noise / DIMENSION**0.5
    return rows / np.linalg.norm(rows, axis=2, keepdims=True)


def write_index(folder: Path, vectors: Floats, parts: int) -> None:
    """A real index on disk whose three views hold the same vectors; every panel has a page of its own."""
    shards = VectorStore(folder / "vectors", regions=parts)
    gate = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (len(vectors), 1))
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        book = catalog.book_id(catalog.source_id(Path("/synthetic")), "", "synthetic", "folder")
        for start in range(0, len(vectors), 10_000):
            part = vectors[start : start + 10_000]
            shards.append(start, PanelEmbeddings(part, part, part, gate[: len(part)], parts_of(part, parts, start)))
            catalog.write_pages([_page(book, start + i) for i in range(len(part))])
        began = time.perf_counter()
        write_generation(folder, 1, catalog, shards, "auto")
        print(f"three views trained, filled and measured in {time.perf_counter() - began:.1f} s")
        catalog.write_settings(generation=1, regions=parts)


def _page(book: int, row: int) -> NewPage:
    panel = NewPanel(1, Box(0, 0, 100, 100), "", "page", row, (1.0, 0.0, 0.0))
    return NewPage(book, f"{row}.png", row + 1, str(row), str(row), 100, 100, (panel,))


def timed(search: Callable[[Floats], list[int]], queries: Floats) -> tuple[float, list[list[int]]]:
    """(median milliseconds a query, ids found), one query at a time."""
    search(queries[0])
    seconds, found = [], []
    for query in queries:
        began = time.perf_counter()
        found.append(search(query))
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds)), found


def recall(found: list[list[int]], truth: list[list[int]]) -> float:
    return float(np.mean([len(set(f) & set(t)) / len(t) for f, t in zip(found, truth, strict=True)]))


def measure(folder: Path, vectors: Floats, queries: Floats, parts: int) -> dict[str, Any]:
    """Both sides and their ratio."""
    generation = open_generation(folder, 1)
    view = generation.views[View.PICTURE]
    assert view.ann is not None, "too few vectors for IVF-PQ"
    shards = VectorStore(folder / "vectors", regions=parts)
    plain, nprobe = view.ann.index, default_nprobe(view.ann.lists)
    scores = all_scores(shards, View.PICTURE, np.asarray(view.rows), queries)
    truth = [[int(view.ids[i]) for i in top(row, view.ids, 10)] for row in scores]
    parameters: Any = faiss.SearchParametersIVF()
    parameters.nprobe = nprobe

    def ask_plain(query: Floats) -> list[int]:
        return [int(i) for i in plain.search(query[None], 10, params=parameters)[1][0] if i >= 0]

    with Catalog.open(catalog_url(folder)) as catalog:
        searcher = Searcher(catalog, shards, generation.views, Thumbnails(folder))
        question = Query(panel=1, view=View.PICTURE, k=10)

        def ask_candidates(query: Floats) -> list[int]:
            return searcher.nearest(view, query, 10)

        def ask_panelseek(query: Floats) -> list[int]:
            return [item.id for item, _ in searcher.search(question, QueryVectors(query[None]))]

        sides = {
            "plain FAISS": timed(ask_plain, queries),
            "Panelseek vectors": timed(ask_candidates, queries),
            "Panelseek search": timed(ask_panelseek, queries),
        }
    return {
        "panels": len(vectors),
        "vectors": (1 + parts) * len(vectors),
        "index": f"IVF{list_count((1 + parts) * len(vectors))},PQ{SUBQUANTIZERS}",
        "bytes on disk a panel in picture": _bytes(folder, "picture", "parts") / len(vectors),
        "nprobe": nprobe,
        "sides": {name: {"ms": ms, "recall@10": recall(found, truth)} for name, (ms, found) in sides.items()},
    }


def _bytes(folder: Path, *names: str) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.name.startswith(names))


_RESIDENT = """
import sys
from pathlib import Path
def anonymous():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
import faiss, numpy as np
from retrieval.generation import open_generation
from retrieval.records import View
small = faiss.IndexIVFPQ(faiss.IndexFlatL2(512), 512, 1, 64, 8)
query = np.random.default_rng(0).standard_normal((50, 512), dtype=np.float32)
faiss.knn(query, query, 10)
before = anonymous()
generation = open_generation(Path(sys.argv[1]), 1)
opened = anonymous()
for row in query:
    generation.views[View.PICTURE].ann.candidates(row[None], 400)
print(opened - before, anonymous() - before, len(generation.views))
"""


def resident(folder: Path, vectors: int) -> dict[str, float]:
    """Bytes per panel and view that stay resident besides mapped files, just opened and after 50 queries."""
    done = subprocess.run([sys.executable, "-c", _RESIDENT, str(folder)], capture_output=True, text=True, check=True)
    opened, searched, views = (int(n) for n in done.stdout.split())
    return {"opened": opened / vectors / views, "after 50 queries": searched / vectors / views}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=0, help="further vectors of each panel")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--clusters", type=int, default=2_000)
    parser.add_argument("--spread", type=float, default=1.0, help="noise length beside a centre of length 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    vectors, queries = clustered(asked.vectors, asked.clusters, asked.spread, asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_index(folder, vectors, asked.parts)
        found = measure(folder, vectors, queries[: asked.queries], asked.parts)
        found["resident bytes a panel and view"] = resident(folder, len(vectors))
    plain = found["sides"]["plain FAISS"]["ms"]
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['panels']:,} panels, {found['vectors']:,} vectors, {found['index']}, {found['nprobe']} nprobe")
    bytes_each = found["bytes on disk a panel in picture"]
    print(f"{bytes_each:.0f} bytes on disk a panel in the picture view; one query at a time")
    for side, figures in found["sides"].items():
        ratio = figures["ms"] / plain
        print(f"{side:18} {figures['ms']:7.2f} ms   x{ratio:5.2f}   recall@10 {figures['recall@10']:.3f}")
    for moment, figure in found["resident bytes a panel and view"].items():
        print(f"resident besides mapped files, {moment}: {figure:.1f} bytes a panel and view")


if __name__ == "__main__":
    main()
