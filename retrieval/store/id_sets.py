"""Sets of panel ids as arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

Member = Callable[[Ids], NDArray[np.bool_]]
"""Returns True for each of (N,) ids that is in a set."""

_MAX_MASK_PER_ID = 64
"""Bytes of an array of True and False for each id of a set, at most; beyond, ids are looked up one by one."""


def is_in(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) True for each of (N,) numbers that is one of the ascending `known` ones."""
    if not len(known):
        return np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.asarray(known[places] == wanted)


def as_mask(ids: Ids) -> NDArray[np.bool_] | None:
    """Return ascending ids as a mask with a place for each number from 0, and one more, which is False.

    None if some id is below 0, or if the ids are so far apart that it would take much memory.
    """
    first, last = (int(ids[0]), int(ids[-1])) if len(ids) else (0, 0)
    if first < 0 or last > _MAX_MASK_PER_ID * max(len(ids), 1):
        return None
    mask = np.zeros(last + 2, np.bool_)
    mask[ids] = True
    return mask


def member_test(ids: Ids) -> Member:
    """Return the test for a set of ascending ids, for many ids of 0 and above at once."""
    mask = as_mask(ids)
    if mask is None:
        return lambda wanted: is_in(ids, wanted)
    return lambda wanted: mask[np.minimum(wanted, len(mask) - 1)]


def ascending(ids: Ids) -> Ids:
    """Return ids in ascending order, each once."""
    if not np.all(ids[1:] > ids[:-1]):
        ids = np.sort(ids)
        ids = ids[np.append(True, ids[1:] != ids[:-1])]  # np.unique would load the masked arrays
    return ids
