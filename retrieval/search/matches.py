"""The words of a dialogue that match a query."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """The match of one dialogue with a query.

    coverage: weighted fraction of the query's words that the dialogue has, 0 to 1. words: as the dialogue has them.
    """

    coverage: float
    words: tuple[str, ...]


NO_MATCH = LexicalMatch(0.0, ())
"""The match of a panel without any word of the query."""
