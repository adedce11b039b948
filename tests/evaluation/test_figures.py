"""The figures, by cases worked out by hand."""

from __future__ import annotations

import pytest

from retrieval.evaluation.metrics import FirstHit, detection, found, mean_over_kinds, rank_of
from retrieval.evaluation.records import Found


def test_the_rank_is_that_of_the_first_right_panel() -> None:
    """Any panel that counts as right will do; none in the ranking is no rank."""
    assert rank_of({7, 9}, [3, 9, 7]) == 2
    assert rank_of({7}, [3, 9]) is None


def test_recall_and_reciprocal_rank() -> None:
    """Ranks 1, 2, 11 and nothing: a quarter first, half in ten, (1 + 1/2 + 1/11) / 4."""
    row = found("crop60", "index", [1, 2, 11, None])
    assert (row.queries, row.r1, row.r10) == (4, 0.25, 0.5)
    assert row.mrr == pytest.approx((1 + 1 / 2 + 1 / 11) / 4)


def test_every_kind_counts_the_same_in_the_mean() -> None:
    """One question of one kind weighs as much as nine of another; searchers stay apart."""
    rows = [Found("a", "index", 1, 1.0, 1.0, 1.0), Found("b", "index", 9, 0.0, 0.5, 0.2), Found("a", "x", 1, 0, 0, 0)]
    assert mean_over_kinds(rows) == [Found("mean", "index", 10, 0.5, 0.75, 0.6), Found("mean", "x", 1, 0, 0, 0)]


def test_micro_average_precision_by_hand() -> None:
    """Right, stranger, right, wrong of three known: (1/1 + 2/3) / 3; the best F1 accepts the first three."""
    hits = [
        FirstHit(0.9, right=True, known=True),
        FirstHit(0.8, right=False, known=False),
        FirstHit(0.7, right=True, known=True),
        FirstHit(0.6, right=False, known=True),
    ]
    got = detection("index", hits)
    assert got.micro_ap == pytest.approx((1 + 2 / 3) / 3)
    assert (got.queries, got.absent, got.threshold) == (4, 1, 0.7)
    assert (got.precision, got.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_perfect_order_gives_one() -> None:
    """Every right hit above every wrong one."""
    got = detection("index", [FirstHit(0.9, True, True), FirstHit(0.8, True, True), FirstHit(0.1, False, False)])
    assert (got.micro_ap, got.threshold, got.precision, got.recall) == (1.0, 0.8, 1.0, 1.0)


def test_equal_scores_are_not_ordered_in_ones_favour() -> None:
    """A right hit tied with a stranger is worth half, in whichever order they came."""
    right, stranger = FirstHit(0.5, True, True), FirstHit(0.5, False, False)
    assert detection("x", [right, stranger]).micro_ap == detection("x", [stranger, right]).micro_ap == 0.5


def test_nothing_known_is_no_precision() -> None:
    """Without a panel to find, nothing was found."""
    assert detection("index", [FirstHit(0.9, False, False)]).micro_ap == 0
