"""Searching and filtering: plain values in, plain records out. No Gradio, no HTML.

Nothing of a search is kept between two requests, so visitors never share one.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

from retrieval import Hit, Query
from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from retrieval.overview.facets import Facet
from retrieval.records import Panel, View
from ui.output.notes import build_notes, search_notes
from ui.web.search.cards import Card, Results, make_cards
from ui.web.search.images import query_image
from ui.web.search.search_state import FILTERS, SearchState
from ui.web.search.welcome import library_summary
from ui.web.shell.messages import NOTHING_TO_SEARCH_FOR, ONLY_EXCLUSIONS
from ui.web.shell.parameters import MAX_QUERY_CHARS, find_panel

BATCH = 36
"""Results that a search begins with, and that each further request adds."""

MAX_RESULTS = 480
"""Results of a search that can be shown; a line below the last one says so."""

MAX_FILTER_VALUES = 50
"""Values listed for a filter, those of most panels."""


def search(index: PanelIndex, state: SearchState, start: int = 0, count: int | None = None) -> Results:
    """Return `count` results from `start` on; without a query, the panels that match the filters, in reading order.

    Raises `PanelseekError` for a search that makes no sense or an image that cannot be read.
    """
    index.refresh()
    count = count or BATCH
    if not state.has_query:
        return _browse(index, state, start, count)
    like = None if state.like is None else find_panel(index, state.like)
    excluded = None if state.exclude is None else find_panel(index, state.exclude)
    left_out = {panel.id for panel in (like, excluded) if panel}
    end = min(start + count, MAX_RESULTS)
    with ExitStack() as claims:  # the memory of the query image, until it has been searched for
        query = _query(index, state, like, end + len(left_out) + 1, claims)  # one more than shown: are there more?
        started = time.perf_counter()
        hits, ungrouped = _hits(index, query, state.group, left_out)
        seconds = time.perf_counter() - started
    return Results(
        state=state,
        view=query.resolved_view(),
        cards=make_cards(hits[start:end], ungrouped, state.group),
        searched=_searched(index, state, None if query.searches_two_views else query.resolved_view()),
        seconds=seconds,
        more=len(hits) > end and end < MAX_RESULTS,
        start=start,
        two_views=query.searches_two_views,
        truncated=len(hits) > end == MAX_RESULTS,
        notes=tuple(search_notes(index, query)),
        like=like,
        excluded=excluded,
    )


def _query(index: PanelIndex, state: SearchState, like: Panel | None, k: int, claims: ExitStack) -> Query:
    text = state.text[:MAX_QUERY_CHARS].strip() or None
    panel_alone = like is not None and text is None and state.crop is None
    return Query(
        text=text,
        image=None if panel_alone else query_image(index, state, like, claims),
        panel=like.id if panel_alone and like else None,
        view=state.view,
        negative_text=state.negative[:MAX_QUERY_CHARS].strip() or None,
        where=state.filters(),
        k=k,
        per_page=1 if state.group == "page" else None,
        per_book=1 if state.group == "book" else None,
        include_self=False,
    )


def _hits(index: PanelIndex, query: Query, group: str, left_out: set[int]) -> tuple[list[Hit], list[Hit]]:
    """Return the hits of a query, and the hits without grouping if it has any."""
    queries = [query, replace(query, k=MAX_RESULTS, per_page=None, per_book=None)] if group else [query]
    answers = [[hit for hit in hits if hit.panel.id not in left_out] for hits in index.search_many(queries)]
    return answers[0], answers[1] if group else []


def _browse(index: PanelIndex, state: SearchState, start: int, count: int) -> Results:
    if state.negative.strip() and not state.where:
        raise UsageError(ONLY_EXCLUSIONS)
    if state.is_empty:
        raise UsageError(NOTHING_TO_SEARCH_FOR)
    where = state.filters()
    started = time.perf_counter()
    end = min(start + count, MAX_RESULTS)
    panels = index.browse(where, k=end - start, offset=start) if start < end else []
    total = index.count(where)
    return Results(
        state=state,
        view=View.PICTURE,
        cards=tuple(Card(panel) for panel in panels),
        searched=total,
        seconds=time.perf_counter() - started,
        more=end < min(total, MAX_RESULTS),
        start=start,
        truncated=total > end == MAX_RESULTS,
        notes=tuple(build_notes(index.folder)),
    )


def _searched(index: PanelIndex, state: SearchState, view: View | None) -> int:
    """Return how many panels were searched in a view; None: in two views."""
    where = state.filters()
    if view is View.DIALOGUE:
        where.setdefault("has_dialogue", True)
        if not where["has_dialogue"]:
            return 0
    if not state.where:
        summary = library_summary(index)
        return summary.with_dialogue if view is View.DIALOGUE else summary.panels
    return index.count(where)


def filter_values(index: PanelIndex, state: SearchState) -> dict[str, tuple[Facet, ...]]:
    """Return for each filter its values among the panels that the other filters leave.

    So a filter in use still shows its other values. Filters without values are left out unless they are in use.
    """
    used = state.filters()
    values = dict(index.facets(used, MAX_FILTER_VALUES))
    for name in used:
        others = {other: value for other, value in used.items() if other != name}
        values[name] = index.facets(others, MAX_FILTER_VALUES).get(name, ())
    return {name: values[name] for name in FILTERS if values.get(name) or name in used}
