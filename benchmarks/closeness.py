"""How often "nothing is close" is right: copies of panels that are there, and of panels whose whole series is left out.

    python benchmarks/closeness.py my.index [--sample 60]

Each panel asks twice: in the whole library, where it should be close, and among the books of other folders only, where
nothing is. For words the question is five words in a row. The line is the one that `PanelIndex.closeness` draws.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from retrieval import Panel, PanelIndex, Query
from retrieval.evaluation.distortions import copies_of
from retrieval.evaluation.sampling import panels_that_ask
from retrieval.overview.calibration import QUERY_WORDS, query_type
from retrieval.store.catalog.text import tokens


def series(index: PanelIndex, panel: Panel) -> str:
    """The first folder below the source, or the source where the books lie in it."""
    book = next(book for book in index.books() if book.id == panel.book_id)
    return book.path.split("/")[0] if "/" in book.path else book.path.rstrip("0123456789 ._-")


def questions(index: PanelIndex, panel: Panel) -> list[tuple[str, Query]]:
    """(kind, question) for every copy of a panel, and for words of it."""
    pixels = np.asarray(index.panel_image(panel))
    found = [(kind, Query(image=copy, k=60, per_book=1)) for kind, copy in copies_of(pixels, key=panel.page_path)]
    written = panel.dialogue.split()
    if len(tokens(panel.dialogue)) >= QUERY_WORDS:
        found.append(("five words", Query(text=" ".join(written[:QUERY_WORDS]), k=60, per_book=1)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index")
    parser.add_argument("--sample", type=int, default=60)
    given = parser.parse_args()
    right: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    with PanelIndex.open(given.index) as index:
        of_book = {book.id: series(index, index.browse({"book_id": book.id}, k=1)[0]) for book in index.books()}
        for panel in panels_that_ask(index, given.sample, seed=3):
            for kind, query in questions(index, panel):
                hits = index.search_many([query])[0]
                others = [hit for hit in hits if of_book[hit.panel.book_id] != of_book[panel.book_id]]
                line = index.closeness(query.resolved_view(), query_type(query))
                there, away = hits[0].ranking_score, others[0].ranking_score
                right[kind].append((line.exceeded_by(there) is True, line.exceeded_by(away) is False))
        lines = {f"{c.view}/{c.query_type}": c.value for c in index._closeness.values()}
    table = {k: {"asked": len(v), "there": _share(v, 0), "left out": _share(v, 1)} for k, v in right.items()}
    print(json.dumps({"lines": lines, "right": table}, indent=1))


def _share(found: list[tuple[bool, bool]], which: int) -> float:
    return round(float(np.mean([pair[which] for pair in found])), 3)


if __name__ == "__main__":
    main()
