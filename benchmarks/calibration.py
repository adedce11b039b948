"""Measure how often "no close match" is right: for panels in the library, and for panels whose series is left out.

    python benchmarks/calibration.py my.index [--sample 60]

Each query runs twice: over the whole library, where its panel should be a close match, and over the books of other
folders only, where nothing is. Text queries are five words in a row. The threshold is that of `make_threshold` in
`retrieval/overview/calibration.py`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from retrieval import Panel, PanelIndex, Query
from retrieval.evaluation.distortions import distortions_of
from retrieval.evaluation.sampling import query_panels
from retrieval.overview.calibration import QUERY_WORDS, make_threshold, query_type_of
from retrieval.store.catalog.text import tokens


def series(index: PanelIndex, panel: Panel) -> str:
    """Return the first folder below the source, or the book's path without its number."""
    book = next(book for book in index.books() if book.id == panel.book_id)
    return book.path.split("/")[0] if "/" in book.path else book.path.rstrip("0123456789 ._-")


def queries_of(index: PanelIndex, panel: Panel) -> list[tuple[str, Query]]:
    """Return (query type, query) for every distortion of a panel, and for its first words."""
    pixels = np.asarray(index.panel_image(panel))
    queries = [
        (name, Query(image=view, k=60, per_book=1)) for name, view in distortions_of(pixels, key=panel.page_path)
    ]
    words = panel.dialogue.split()
    if len(tokens(panel.dialogue)) >= QUERY_WORDS:
        queries.append(("five words", Query(text=" ".join(words[:QUERY_WORDS]), k=60, per_book=1)))
    return queries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index")
    parser.add_argument("--sample", type=int, default=60)
    options = parser.parse_args()
    right: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    thresholds: dict[str, float | None] = {}
    with PanelIndex.open(options.index) as index:
        of_book = {book.id: series(index, index.browse({"book_id": book.id}, k=1)[0]) for book in index.books()}
        for panel in query_panels(index, options.sample, seed=3):
            for name, query in queries_of(index, panel):
                hits = index.search_many([query])[0]
                others = [hit for hit in hits if of_book[hit.panel.book_id] != of_book[panel.book_id]]
                threshold = make_threshold(index, query.resolved_view(), query_type_of(query))
                thresholds[f"{threshold.view}/{threshold.query_type}"] = threshold.value
                inside, outside = hits[0].ranking_score, others[0].ranking_score
                right[name].append((threshold.exceeded_by(inside) is True, threshold.exceeded_by(outside) is False))
    table = {k: {"queries": len(v), "in library": _share(v, 0), "left out": _share(v, 1)} for k, v in right.items()}
    print(json.dumps({"thresholds": thresholds, "right": table}, indent=1))


def _share(results: list[tuple[bool, bool]], which: int) -> float:
    return round(float(np.mean([pair[which] for pair in results])), 3)


if __name__ == "__main__":
    main()
