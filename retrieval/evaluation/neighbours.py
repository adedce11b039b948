"""What lies near an indexed panel, and whether the vectors have fallen together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.collapse import PAGES, PANELS, matched_share, pair_cosine, verdict
from retrieval.evaluation.pictures import searches_approximately
from retrieval.evaluation.records import DEFAULT, EXACT, Collapse, Near, Progress, Watcher
from retrieval.index import PanelIndex
from retrieval.records import Panel, View
from retrieval.search.hits import Hit
from retrieval.search.query import Query
from retrieval.store.vectors import VectorStore

FIRST = 10

_AT_ONCE = 32
Floats = NDArray[np.float32]


def measure_neighbours(index: PanelIndex, panels: Sequence[Panel], watch: Watcher) -> list[Near]:
    """The share of the first 10 hits, as a `picture` and without the panel itself, from its page and its book."""
    approximate = searches_approximately(index, View.PICTURE)
    shares: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ((DEFAULT, EXACT) if approximate else (DEFAULT,))
    }
    started = time.monotonic()
    for start in range(0, len(panels), _AT_ONCE):
        some = panels[start : start + _AT_ONCE]
        for name, kept in shares.items():
            queries = [Query(panel=p.id, k=FIRST, exact=name == EXACT, include_self=False) for p in some]
            answered = zip(some, index.search_many(queries), strict=True)
            kept += [_shares(panel, hits) for panel, hits in answered if hits]
        watch(Progress("neighbours", start + len(some), len(panels), time.monotonic() - started))
    rows = [
        Near(name, len(kept), fmean(page for page, _ in kept), fmean(book for _, book in kept))
        for name, kept in shares.items()
        if kept
    ]
    return (
        rows
        if approximate
        else [Near(name, r.queries, r.same_page, r.same_book) for r in rows for name in (DEFAULT, EXACT)]
    )


def _shares(panel: Panel, hits: Sequence[Hit]) -> tuple[float, float]:
    page = fmean(hit.panel.page_id == panel.page_id for hit in hits)
    return page, fmean(hit.panel.book_id == panel.book_id for hit in hits)


def collapse(index: PanelIndex, panels: Sequence[Panel]) -> Collapse | None:
    """The diagnosis published with the encoder's training (`test_stage3_collapse.py`), on stored vectors.

    On the first 50 of the pages that `panels` stand on, of each at most its first 8 panels:
    within_page: the mean cosine of `fused` over pairs of one page, averaged over pages with two panels or more;
    first_panels: the mean cosine between the first panel of each page and that of the first page;
    picture_to_text: the share of a page's panels whose `picture` lies nearest to their own `dialogue` among those of
    the page (panels without text take part), averaged over pages.
    Verdict: collapsed where within_page is above 0.95, else weak alignment where picture_to_text is below 0.30, else
    healthy. between_pages is ours: the mean cosine of `fused` over pairs of panels of different pages.
    None where no page has two panels.
    """
    shards = VectorStore(index.folder / "vectors")
    pages = [index.page_panels(page)[:PANELS] for page in _pages(panels)]
    fused = [_vectors(shards, View.FUSED, page) for page in pages]
    inside = [pair_cosine(vectors) for vectors in fused if len(vectors) > 1]
    if not inside:
        return None
    within, aligned = fmean(inside), fmean(_alignment(shards, page) for page in pages)
    firsts = [float(vectors[0] @ fused[0][0]) for vectors in fused[1:]]
    first = fmean(firsts) if firsts else 1.0
    return Collapse(str(View.FUSED), len(pages), within, _between(fused), first, aligned, verdict(within, aligned))


def _pages(panels: Sequence[Panel]) -> list[int]:
    """At most 50 pages, spread evenly over those that `panels` stand on."""
    pages = list(dict.fromkeys(panel.page_id for panel in panels))
    chosen = np.linspace(0, len(pages) - 1, min(PAGES, len(pages))).round().astype(int)
    return [pages[i] for i in chosen]


def _vectors(shards: VectorStore, view: View, page: Sequence[Panel]) -> Floats:
    """(P, 512) float32 of the panels in order."""
    vectors: Floats = np.asarray(
        shards.read(view, np.array([panel.vector_row for panel in page], np.int64)), np.float32
    )
    return vectors


def _between(pages: Sequence[Floats]) -> float:
    """Mean cosine over pairs of panels of different pages; 1 where there is one page only."""
    everything = np.concatenate(pages)
    home = np.repeat(np.arange(len(pages)), [len(page) for page in pages])
    apart = home[:, None] != home[None, :]
    return float((everything @ everything.T)[apart].mean()) if apart.any() else 1.0


def _alignment(shards: VectorStore, page: Sequence[Panel]) -> float:
    return matched_share(_vectors(shards, View.PICTURE, page), _vectors(shards, View.DIALOGUE, page))
