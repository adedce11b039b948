"""Sets of ids as arrays: masks where ids are near each other, look-ups where they are far apart."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.records import View
from retrieval.store.generation import ViewIndex
from retrieval.store.id_sets import as_mask, ascending, is_in, member_test

SETS = [[], [7], [1, 2, 3], [3, 9, 10, 400], list(range(5, 900, 2)), [1, 10**9], [5, 2**62]]
WANTED = np.array([0, 1, 2, 3, 7, 9, 400, 401, 899, 10**6, 10**9, 2**62, 2**63 - 1])


@pytest.mark.parametrize("known", SETS, ids=str)
def test_membership(known: list[int]) -> None:
    """Both tests tell what a set tells, also of ids beyond the last one."""
    ids = np.array(known, np.int64)
    expected = [number in set(known) for number in WANTED.tolist()]
    assert is_in(ids, WANTED).tolist() == expected
    assert member_test(ids)(WANTED).tolist() == expected


def test_far_apart_ids_are_no_mask() -> None:
    """A mask takes at most 64 bytes an id; ids below 0, which only damage makes, have none."""
    assert as_mask(np.array([1, 10**9])) is None
    assert as_mask(np.array([-1, 5])) is None
    assert np.flatnonzero(as_mask(np.array([0, 5, 64]))).tolist() == [0, 5, 64]  # type: ignore[arg-type]


def test_ascending() -> None:
    assert ascending(np.array([5, 1, 5, 3])).tolist() == [1, 3, 5]
    assert ascending(np.array([1, 2, 9])).tolist() == [1, 2, 9]
    assert ascending(np.empty(0, np.int64)).tolist() == []


@pytest.mark.parametrize("step", [1, 3, 10**7])
def test_rows_of_many_and_of_few_ids(step: int) -> None:
    """A view gives the same ids and rows for many ids, which it looks at together, and for each alone."""
    ids = np.arange(1, 400, 2) * step
    view = ViewIndex(View.PICTURE, ids, np.arange(len(ids)) + 1000, None)
    for wanted in (np.arange(0, 500) * step, ids[::-1], ids[:3], np.array([2, 2**60]), np.array([ids[5], ids[5]])):
        found, rows = view.rows_of(wanted)
        expected = sorted(set(wanted.tolist()) & set(ids.tolist()))
        assert found.tolist() == expected
        assert rows.tolist() == [1000 + ids.tolist().index(number) for number in expected]
