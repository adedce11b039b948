"""Samples spread over groups, such as the panels of several books."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import TypeVar

Item = TypeVar("Item")


def interleave(groups: Iterable[Iterable[Item]]) -> list[Item]:
    """Return the first item of each group, then the second of each, until none is left; None is left out."""
    return [item for turn in zip_longest(*groups) for item in turn if item is not None]
