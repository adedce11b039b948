"""Records of a verification: its problems, its report, and what its checks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import UsageError
from retrieval.progress import ProgressCallback
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import VectorPlaces
from retrieval.store.vectors import VectorStore
from retrieval.values import plain, whole_number

MAX_LISTED = 100
"""Damaged panels that are listed one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage of one part of an index.

    found: the damage, without its path. hint: the suggested fix. derived: True if it can be repaired from the other
    parts. path: the file, folder or page it is about, or None.
    """

    part: str
    found: str
    hint: str
    derived: bool
    path: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify_index`. checked: counts of what was checked. notes: remarks that are not damage."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    checked: dict[str, int]

    @property
    def sound(self) -> bool:
        """True if there is no damage."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        problems = [{"part": p.part, "path": p.path, "found": p.found, "hint": p.hint} for p in self.problems]
        return {"sound": self.sound, "problems": problems, "notes": list(self.notes), "checked": self.checked}


@dataclass(frozen=True, slots=True)
class Part:
    """One of `count` equal parts of an index: panels are divided in order of their ids; number: from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def of(cls, value: Sequence[int] | None) -> Part:
        """Return the part for (number, count); the whole for None. Raises `UsageError` if there is no such part."""
        if value is None:
            return cls()
        hint = "name parts from 1/10 to 10/10, in Python (1, 10) to (10, 10)"
        given = plain(value)
        if not isinstance(given, list | tuple) or len(given) != 2:
            raise UsageError(f"part must be two whole numbers; found {value!r}", hint=hint)
        number, count = (whole_number("part", each, 1) for each in given)
        if number > count:
            raise UsageError(f"there is no part {number} of {count}", hint=hint)
        return cls(number, count)

    @property
    def first(self) -> bool:
        """True for the part that also covers catalog, full text and generation."""
        return self.number == 1

    def select(self, places: VectorPlaces) -> VectorPlaces:
        """Return the panels of this part."""
        chosen: NDArray[np.intp] = np.array_split(np.arange(len(places)), self.count)[self.number - 1]
        return places.take(chosen)


@dataclass(frozen=True, slots=True)
class Verification:
    """The state that the checks of one run share; damaged: ids of panels with damaged vectors."""

    folder: Path
    catalog: Catalog
    vectors: VectorStore
    part: Part
    progress: ProgressCallback
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)
