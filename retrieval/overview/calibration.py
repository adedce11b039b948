"""Score calibration: the ranking scores of unrelated panels of this library, measured instead of a fixed threshold.

Panels of the library are used as queries in the way that people search: their thumbnail, five consecutive words of
their dialogue, both, or the panel itself. The best hit in another book is an impostor, however high its score. A query
whose best hit scores no higher than the 0.9 quantile of impostors has no close match.

The thresholds are stored with their generation: see `retrieval.overview.thresholds`.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from retrieval.errors import PanelseekError
from retrieval.overview.thresholds import (
    MIN_SAMPLE,
    QueryType,
    ScoreThreshold,
    store_threshold,
    stored_thresholds,
    thresholds_path,
)
from retrieval.records import Panel, View
from retrieval.search.hits import Hit
from retrieval.search.open_index import OpenIndex
from retrieval.search.query import Query
from retrieval.search.sampling import interleave
from retrieval.store.catalog.text import tokens

log = logging.getLogger("panelseek")

SAMPLE = 96
"""Panels used as queries: resolves the 0.9 quantile and takes 1 to 2 s."""

QUANTILE = 0.9
"""Quantile of impostor scores used as the threshold."""

QUERY_WORDS = 5
"""Consecutive words of a panel's dialogue that make a query."""

DEFAULT_QUERY_TYPE: dict[View, QueryType] = {View.PICTURE: "picture", View.DIALOGUE: "words", View.FUSED: "both"}
"""The most common query type of each view."""

_SEED = 5
_BATCH = 16
"""Queries searched at once."""

_LOW_PRIORITY_BATCH = 2
"""Queries searched at once with low priority."""

_Key = tuple[int, View, QueryType]


class _Memory:
    """Thresholds of one open index in memory, for indexes that cannot be written."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.thresholds: dict[_Key, ScoreThreshold] = {}


_memories: WeakKeyDictionary[OpenIndex, _Memory] = WeakKeyDictionary()
_memories_lock = threading.Lock()


def query_type_of(query: Query) -> QueryType:
    """Return the type of a query: a panel, an image, text, or both."""
    if query.panel is not None:
        return "panel"
    if query.image is not None:
        return "both" if query.query_text else "picture"
    return "words"


def is_close(index: OpenIndex, query: Query, hits: Sequence[Hit]) -> bool | None:
    """Return True if the best hit scores above the threshold; None if the library is too small to calibrate.

    Measures a missing threshold first, which takes seconds: see `is_known_close`. The query panel does not count as a
    hit of itself.
    """

    def above(view: View, query_type: QueryType, score: float) -> bool | None:
        return make_threshold(index, view, query_type).exceeded_by(score)

    return close_hits(query, hits, above)


def is_known_close(index: OpenIndex, query: Query, hits: Sequence[Hit]) -> bool | None:
    """Return the answer of `is_close` without measuring: None also if the threshold is not measured yet."""

    def above(view: View, query_type: QueryType, score: float) -> bool | None:
        threshold = load_threshold(index, view, query_type)
        return threshold.exceeded_by(score) if threshold else None

    return close_hits(query, hits, above)


def close_hits(
    query: Query, hits: Sequence[Hit], above: Callable[[View, QueryType, float], bool | None]
) -> bool | None:
    """Return True if the best hit of any view is above its threshold, None if that is unknown.

    above: compares a ranking score with the threshold of a view and query type; None if there is none.
    """
    others = [hit for hit in hits if hit.panel.id != query.panel]
    if not others:
        return False
    best = {hit.view: max(h.ranking_score for h in others if h.view is hit.view) for hit in others}
    query_type = query_type_of(query)
    answers = [above(view, query_type, score) for view, score in best.items()]
    return True if True in answers else (None if None in answers else False)


def load_threshold(
    index: OpenIndex, view: View | str, query_type: QueryType | None = None, generation: int | None = None
) -> ScoreThreshold | None:
    """Return a threshold that was measured before for a generation, or None.

    query_type: type of the queries; None is the most common one of the view. generation: None is the searched one.
    """
    view, query_type = View(view), query_type or DEFAULT_QUERY_TYPE[View(view)]
    number = index.generation.number if generation is None else generation
    found = _memory(index).thresholds.get((number, view, query_type))
    return found or stored_thresholds(thresholds_path(index.folder, number)).get((view, query_type))


def make_threshold(
    index: OpenIndex,
    view: View | str,
    query_type: QueryType | None = None,
    *,
    low_priority: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> ScoreThreshold:
    """Return the threshold of a view and query type; measure it once for each generation.

    low_priority: small batches, each followed by a pause twice as long, which leaves time to other searches.
    pause: called before each batch; an exception in it ends the measurement, and nothing is stored.
    """
    view, query_type = View(view), query_type or DEFAULT_QUERY_TYPE[View(view)]
    memory, number = _memory(index), index.generation.number
    with memory.lock:
        found = load_threshold(index, view, query_type)
        if found is None:
            scores = impostor_scores(index, view, query_type, low_priority=low_priority, pause=pause)
            found = _threshold(view, query_type, scores, len(index.generation.views[View.PICTURE]))
            store_threshold(thresholds_path(index.folder, number), found)
        memory.thresholds = {key: value for key, value in memory.thresholds.items() if key[0] == number}
        memory.thresholds[number, view, query_type] = found
        return found


def _threshold(view: View, query_type: QueryType, scores: Sequence[float], panels: int) -> ScoreThreshold:
    if len(scores) < MIN_SAMPLE:
        return ScoreThreshold(view, query_type, None, None, len(scores), panels)
    median, value = np.quantile(scores, (0.5, QUANTILE))
    return ScoreThreshold(view, query_type, round(float(value), 5), round(float(median), 5), len(scores), panels)


# -------------------------------------------------------------------- impostors


def impostor_scores(
    index: OpenIndex,
    view: View,
    query_type: QueryType,
    count: int = SAMPLE,
    *,
    low_priority: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> list[float]:
    """Return the ranking score of the best hit in another book for each of `count` panels.

    In a library of one book: of the best hit that is neither on the same page nor on the next or previous one.
    """
    panels = _sample_panels(index, view, query_type, count)
    by_book = len(index.books()) > 1
    scores: list[float] = []
    size = _LOW_PRIORITY_BATCH if low_priority else _BATCH
    for start in range(0, len(panels), size):
        pause()
        began = time.perf_counter()
        batch = [
            (panel, _sample_query(index, panel, view, query_type, by_book)) for panel in panels[start : start + size]
        ]
        usable = [(panel, query) for panel, query in batch if query is not None]
        answers = index.search_many([query for _, query in usable])
        for (panel, _), hits in zip(usable, answers, strict=True):
            scores += [hit.ranking_score for hit in hits if _is_impostor(hit.panel, panel, by_book)][:1]
        if low_priority:
            time.sleep(2 * (time.perf_counter() - began))
    return scores


def _is_impostor(hit: Panel, panel: Panel, by_book: bool) -> bool:
    return hit.book_id != panel.book_id if by_book else abs(hit.page_number - panel.page_number) > 1


def _sample_query(index: OpenIndex, panel: Panel, view: View, query_type: QueryType, by_book: bool) -> Query | None:
    """Return a query for a panel as a person would search for it; None if its image cannot be read."""
    # hits of two books; or of the page itself, its two neighbours and one more
    first = Query(view=view, k=2, per_book=1) if by_book else Query(view=view, k=4, per_page=1)
    if query_type == "panel":
        return replace(first, panel=panel.id, include_self=False)
    from PIL import Image

    text = _sample_words(panel) if query_type != "picture" else None
    try:
        image = Image.open(io.BytesIO(index.thumbnail(panel))) if query_type != "words" else None
    except PanelseekError as error:
        log.debug("panel %d is not used as a query: %s", panel.id, error)
        return None
    return replace(first, text=text, image=image)


def _sample_words(panel: Panel) -> str:
    """Return five consecutive words from the middle of a panel's dialogue."""
    words = panel.dialogue.split()
    start = max(0, (len(words) - QUERY_WORDS) // 2)
    return " ".join(words[start : start + QUERY_WORDS])


def _sample_panels(index: OpenIndex, view: View, query_type: QueryType, count: int) -> list[Panel]:
    """Return panels usable as queries, drawn at random, one of each book in turn."""
    ids = index.generation.views[
        View.DIALOGUE if view is View.DIALOGUE or query_type in ("words", "both") else view
    ].ids
    drawn = np.random.default_rng(_SEED).permutation(ids)[: 20 * count]
    books: dict[int, list[Panel]] = {}
    panels = index.catalog.panels.get(drawn)
    for panel in (panels[i] for i in drawn.tolist() if i in panels):
        if query_type in ("picture", "panel") or len(tokens(panel.dialogue)) >= QUERY_WORDS:
            books.setdefault(panel.book_id, []).append(panel)
    return interleave(books.values())[:count]


def _memory(index: OpenIndex) -> _Memory:
    with _memories_lock:
        return _memories.setdefault(index, _Memory())
