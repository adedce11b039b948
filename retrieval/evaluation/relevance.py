"""Relevance of hits against the truth: how often hits with a relevance are right, and how often "close" is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from retrieval.evaluation.dialogue import dialogue_queries
from retrieval.evaluation.pictures import Unreadable, image_queries
from retrieval.evaluation.records import RelevanceBin, RelevanceScores, Settings
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel
from retrieval.search.hits import Hit
from retrieval.search.open_index import OpenIndex
from retrieval.search.query import Query

HITS = 5
"""Hits of each answer that are compared with the truth."""

BINS = (0.0, 0.2, 0.5, 0.8, 0.95, 1.0)
"""Limits of the ranges of relevance."""

_BATCH = 16
"""Queries searched together."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query of known answer. right: panels that count as right. elsewhere: the books of other series."""

    query_type: str
    query: Query
    right: frozenset[int]
    elsewhere: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: its hits, whether each is right, and whether the right panel was in the library."""

    query_type: str
    hits: Sequence[Hit]
    right: tuple[bool, ...]
    in_library: bool


def measure_relevance(
    index: OpenIndex, panels: Sequence[Panel], settings: Settings, progress: ProgressCallback
) -> tuple[list[RelevanceScores], list[RelevanceBin], list[str]]:
    """Return (figures of each query type, of each range of relevance, notes) for queries from `panels`.

    Every query runs twice: over the whole library, and over the books of other series only, where nothing is right.
    """
    series = series_of_books(index)
    if len(set(series.values())) < 2:
        return [], [], ["relevance is not measured: the index has one series, and all hits may be right"]
    unreadable = Unreadable()
    questions = list(questions_about(index, panels, settings, series, unreadable))
    judged = list(ask(index, questions, progress))
    note = unreadable.note(len(panels))
    return _scores(judged), _bins(judged), [note] if note else []


def series_of_books(index: OpenIndex) -> dict[int, str]:
    """Return the series of each book: its first folder, or its path without the number at the end."""
    return {
        book.id: book.path.split("/")[0] if "/" in book.path else book.path.rstrip("0123456789 ._-")
        for book in index.books()
    }


def questions_about(
    index: OpenIndex, panels: Sequence[Panel], settings: Settings, series: dict[int, str], unreadable: Unreadable
) -> Iterator[Question]:
    """Yield a query of every type for each panel. series: of each book, from `series_of_books`."""

    def elsewhere(right: frozenset[int]) -> tuple[int, ...]:
        own = {series[panel.book_id] for panel in index.catalog.panels.get(right).values()}
        return tuple(book for book, name in series.items() if name not in own)

    with_dialogue = [panel for panel in panels if panel.dialogue]
    for text in dialogue_queries(index, with_dialogue, settings)[0]:
        yield Question(text.query_type, Query(text=text.text, k=HITS), text.right, elsewhere(text.right))
    for panel in panels:
        for picture in image_queries(index, panel, settings, unreadable):
            right = frozenset([panel.id])
            yield Question(picture.distortion, Query(image=picture.picture, k=HITS), right, elsewhere(right))


def ask(index: OpenIndex, questions: Sequence[Question], progress: ProgressCallback) -> Iterator[Judged]:
    """Yield the answer to each question, over the whole library and over other series."""
    report = StageProgress(progress, "relevance", "queries", len(questions))
    for start in range(0, len(questions), _BATCH):
        batch = questions[start : start + _BATCH]
        for question, hits in zip(batch, index.search_many([each.query for each in batch]), strict=True):
            yield Judged(question.query_type, hits, tuple(hit.panel.id in question.right for hit in hits), True)
        outside = [each for each in batch if each.elsewhere]
        queries = [replace(each.query, where={"book_id": list(each.elsewhere)}) for each in outside]
        for question, hits in zip(outside, index.search_many(queries), strict=True):
            yield Judged(question.query_type, hits, (False,) * len(hits), False)
        report(start + len(batch))


def _scores(judged: Sequence[Judged]) -> list[RelevanceScores]:
    """Return the figures of each query type; an answer without hits counts as "not close"."""
    rows = []
    by_type: dict[str, list[Judged]] = defaultdict(list)
    for answer in judged:
        by_type[answer.query_type].append(answer)
    for name, answers in by_type.items():
        right = [answer for answer in answers if answer.right[:1] == (True,)]
        outside = [answer for answer in answers if not answer.in_library]
        denied = [answer.hits[0].close is False for answer in right]
        accepted = [bool(answer.hits) and answer.hits[0].close is True for answer in outside]
        rows.append(
            RelevanceScores(
                query_type=name,
                right_first=len(right),
                wrong_denials=fmean(denied) if denied else 0.0,
                out_of_library=len(outside),
                wrong_acceptances=fmean(accepted) if accepted else 0.0,
            )
        )
    return rows


def _bins(judged: Sequence[Judged]) -> list[RelevanceBin]:
    """Return how many hits of each range of relevance are right."""
    pairs = [
        (hit.relevance, right)
        for answer in judged
        for hit, right in zip(answer.hits[:HITS], answer.right[:HITS], strict=True)
    ]
    rows = []
    for low, high in pairwise(BINS):
        inside = [pair for pair in pairs if low <= pair[0] < high or pair[0] == high == BINS[-1]]
        if inside:
            mean, share = fmean(value for value, _ in inside), fmean(right for _, right in inside)
            rows.append(RelevanceBin(low, high, len(inside), mean, share))
    return rows
