"""Metrics on cases worked out by hand."""

from __future__ import annotations

import pytest

from retrieval.evaluation.metrics import FirstHit, detection, mean_over_types, rank_of, retrieval_scores
from retrieval.evaluation.records import RetrievalScores


def test_the_rank_is_that_of_the_first_right_panel() -> None:
    """Any panel that counts as right will do; none in the ranking is no rank."""
    assert rank_of({7, 9}, [3, 9, 7]) == 2
    assert rank_of({7}, [3, 9]) is None


def test_recall_and_reciprocal_rank() -> None:
    """Ranks 1, 2, 11 and nothing: a quarter first, half in ten, (1 + 1/2 + 1/11) / 4."""
    row = retrieval_scores("crop60", "index", [1, 2, 11, None])
    assert (row.queries, row.r1, row.r10) == (4, 0.25, 0.5)
    assert row.mrr == pytest.approx((1 + 1 / 2 + 1 / 11) / 4)


def test_every_query_type_counts_the_same_in_the_mean() -> None:
    """One query of one type weighs as much as nine of another; methods stay apart."""
    rows = [
        RetrievalScores("a", "index", 1, 1.0, 1.0, 1.0),
        RetrievalScores("b", "index", 9, 0.0, 0.5, 0.2),
        RetrievalScores("a", "x", 1, 0, 0, 0),
    ]
    assert mean_over_types(rows) == [
        RetrievalScores("mean", "index", 10, 0.5, 0.75, 0.6),
        RetrievalScores("mean", "x", 1, 0, 0, 0),
    ]


def test_micro_average_precision_by_hand() -> None:
    """Right, unrelated, right, wrong of three in the library: (1/1 + 2/3) / 3; the best F1 accepts the first three."""
    hits = [
        FirstHit(0.9, right=True, in_library=True),
        FirstHit(0.8, right=False, in_library=False),
        FirstHit(0.7, right=True, in_library=True),
        FirstHit(0.6, right=False, in_library=True),
    ]
    got = detection("index", hits)
    assert got.micro_ap == pytest.approx((1 + 2 / 3) / 3)
    assert (got.queries, got.out_of_library, got.threshold) == (4, 1, 0.7)
    assert (got.precision, got.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_perfect_order_gives_one() -> None:
    """Every right hit above every wrong one."""
    got = detection("index", [FirstHit(0.9, True, True), FirstHit(0.8, True, True), FirstHit(0.1, False, False)])
    assert (got.micro_ap, got.threshold, got.precision, got.recall) == (1.0, 0.8, 1.0, 1.0)


def test_equal_scores_are_not_ordered_favourably() -> None:
    """A right hit tied with an unrelated one counts half, in whichever order they came."""
    right, unrelated = FirstHit(0.5, True, True), FirstHit(0.5, False, False)
    assert detection("x", [right, unrelated]).micro_ap == detection("x", [unrelated, right]).micro_ap == 0.5


def test_nothing_in_the_library_is_no_precision() -> None:
    """Without a panel to find, nothing was found."""
    assert detection("index", [FirstHit(0.9, False, False)]).micro_ap == 0
