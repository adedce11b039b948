"""Search results, and why each panel was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from retrieval.records import Panel, View
from retrieval.search.query import ViewQuery

MatchedOn = Literal["picture", "words", "meaning", "both"]
"""Why a panel was found: its picture, words of the query, its dialogue by meaning alone, or both picture and words."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result.

    score: exact cosine with the query, -1 to 1. matched_on: why it was found; matched_words: the words of its
    dialogue that match the text of the query, as they are written there.
    ranking_score: the value that results are ordered by, before negative text: the score plus boosts for words,
    regions and keypoints. Comparable between hits of one query type.
    """

    rank: int
    score: float
    panel: Panel
    view: View
    matched_on: MatchedOn
    matched_words: tuple[str, ...]
    ranking_score: float
    _read: Callable[[Panel], Image.Image] = field(repr=False, compare=False)

    def image(self) -> Image.Image:
        """Read the panel's image from the comics. Raises `SourceError` if they are gone."""
        return self._read(self.panel)


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """The match of one dialogue with a query.

    coverage: weighted fraction of the query's words that the dialogue has, 0 to 1. words: as the dialogue has them.
    """

    coverage: float
    words: tuple[str, ...]


NO_MATCH = LexicalMatch(0.0, ())
"""The match of a panel without any word of the query."""


@dataclass(frozen=True, slots=True)
class RankedPanel:
    """One panel in its place: the part of the query that found it, its scores, and the words that match."""

    part: ViewQuery
    panel: Panel
    score: float
    ranking_score: float
    match: LexicalMatch


def explain_match(item: RankedPanel) -> MatchedOn:
    """Return why a panel was found; "words" and "both" only if words of the query match."""
    query, view = item.part.query, item.part.view
    if view is View.PICTURE:
        return "picture"
    if view is View.FUSED and (query.panel is not None or query.image is not None):
        return "both" if item.match.words else "picture"
    return "words" if item.match.words else "meaning"
