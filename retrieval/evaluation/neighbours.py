"""Neighbours of indexed panels, and a diagnosis of collapsed vectors."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.collapse import PANELS_PER_PAGE, SAMPLE_PAGES, mean_pairwise_cosine, top1_accuracy, verdict
from retrieval.evaluation.pictures import searches_approximately
from retrieval.evaluation.records import DEFAULT, EXACT, IndexCollapse, NeighbourPurity
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel, View
from retrieval.search.hits import Hit
from retrieval.search.open_index import OpenIndex
from retrieval.search.query import Query
from retrieval.store.vectors import VectorStore

FIRST = 10
"""Hits of each panel that are looked at."""

_BATCH = 32
"""Queries searched together."""
Floats = NDArray[np.float32]


def measure_neighbours(index: OpenIndex, panels: Sequence[Panel], progress: ProgressCallback) -> list[NeighbourPurity]:
    """Return the share of the first 10 hits from the same page and book, by picture and without the panel itself."""
    approximate = searches_approximately(index, View.PICTURE)
    shares: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ((DEFAULT, EXACT) if approximate else (DEFAULT,))
    }
    report = StageProgress(progress, "neighbours", "panels", len(panels))
    for start in range(0, len(panels), _BATCH):
        batch = panels[start : start + _BATCH]
        for name, kept in shares.items():
            queries = [Query(panel=p.id, k=FIRST, exact=name == EXACT, include_self=False) for p in batch]
            answered = zip(batch, index.search_many(queries), strict=True)
            kept += [_shares(panel, hits) for panel, hits in answered if hits]
        report(start + len(batch))
    rows = [
        NeighbourPurity(name, len(kept), fmean(page for page, _ in kept), fmean(book for _, book in kept))
        for name, kept in shares.items()
        if kept
    ]
    return (
        rows
        if approximate
        else [NeighbourPurity(name, r.queries, r.same_page, r.same_book) for r in rows for name in (DEFAULT, EXACT)]
    )


def _shares(panel: Panel, hits: Sequence[Hit]) -> tuple[float, float]:
    page = fmean(hit.panel.page_id == panel.page_id for hit in hits)
    return page, fmean(hit.panel.book_id == panel.book_id for hit in hits)


def index_collapse(index: OpenIndex, panels: Sequence[Panel]) -> IndexCollapse | None:
    """Return the diagnosis published with the encoder's training (`test_stage3_collapse.py`), on stored vectors.

    It looks at the first 8 panels of 50 of the pages of `panels`:
    within_page      mean cosine of `fused` over pairs of one page, averaged over pages with two panels or more
    between_pages    mean cosine of `fused` over pairs of different pages (ours, not published)
    first_panels     mean cosine between the first panel of each page and that of the first page
    picture_to_text  share of a page's panels whose `picture` is nearest to their own `dialogue` among those of the
                     page (panels without text included), averaged over pages
    verdict          collapsed for within_page above 0.95, else weak alignment for picture_to_text below 0.30, else
                     healthy
    None if no page has two panels.
    """
    shards = VectorStore(index.folder / "vectors")
    pages = [index.page_panels(page)[:PANELS_PER_PAGE] for page in _pages(panels)]
    fused = [_vectors(shards, View.FUSED, page) for page in pages]
    inside = [mean_pairwise_cosine(vectors) for vectors in fused if len(vectors) > 1]
    if not inside:
        return None
    within, aligned = fmean(inside), fmean(_alignment(shards, page) for page in pages)
    firsts = [float(vectors[0] @ fused[0][0]) for vectors in fused[1:]]
    first = fmean(firsts) if firsts else 1.0
    return IndexCollapse(str(View.FUSED), len(pages), within, _between(fused), first, aligned, verdict(within, aligned))


def _pages(panels: Sequence[Panel]) -> list[int]:
    """Return at most 50 pages, spread evenly over those of `panels`."""
    pages = list(dict.fromkeys(panel.page_id for panel in panels))
    chosen = np.linspace(0, len(pages) - 1, min(SAMPLE_PAGES, len(pages))).round().astype(int)
    return [pages[i] for i in chosen]


def _vectors(shards: VectorStore, view: View, page: Sequence[Panel]) -> Floats:
    """Return (P, 512) float32 vectors of the panels, in order."""
    vectors: Floats = np.asarray(
        shards.read(view, np.array([panel.vector_row for panel in page], np.int64)), np.float32
    )
    return vectors


def _between(pages: Sequence[Floats]) -> float:
    """Return the mean cosine over pairs of panels of different pages; 1 for a single page."""
    everything = np.concatenate(pages)
    home = np.repeat(np.arange(len(pages)), [len(page) for page in pages])
    apart = home[:, None] != home[None, :]
    return float((everything @ everything.T)[apart].mean()) if apart.any() else 1.0


def _alignment(shards: VectorStore, page: Sequence[Panel]) -> float:
    return top1_accuracy(_vectors(shards, View.PICTURE, page), _vectors(shards, View.DIALOGUE, page))
