"""Search results, and why each panel was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from retrieval.errors import UsageError
from retrieval.records import Panel, View
from retrieval.search.query import ViewQuery

if TYPE_CHECKING:
    from PIL import Image

MatchedOn = Literal["picture", "words", "meaning", "both"]
"""Why a panel was found: its picture, words of the query, its dialogue by meaning alone, or both picture and words."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result.

    relevance: 0 to 1; it never rises down a list. Of the hits with relevance 0.9, nine in ten are what was searched
    for. score: exact cosine with the query, -1 to 1. matched_on: why it was found; matched_words: the words of its
    dialogue that match the text of the query, as they are written there.
    ranking_score: the value that results are ordered by, before negative text: the score plus boosts for words,
    regions and keypoints. Comparable between hits of one query type.
    close: True if it is probably what was searched for. None in an index of too few panels to tell, and for a panel as
    the query, since panels like it are wanted that are no copies.
    """

    rank: int
    relevance: float
    score: float
    panel: Panel
    view: View
    matched_on: MatchedOn
    matched_words: tuple[str, ...]
    ranking_score: float
    close: bool | None
    _read: Callable[[Panel], Image.Image] = field(repr=False, compare=False)

    def image(self) -> Image.Image:
        """Read the panel's image from the comics. Raises `SourceError` if they are gone."""
        return self._read(self.panel)

    def __copy__(self) -> Hit:
        """Return the hit itself: nothing of it changes."""
        return self

    def __deepcopy__(self, _: object) -> Hit:
        """Return the hit itself."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Hit], tuple[Any, ...]]:
        """Store everything but the open index."""
        stored = (getattr(self, item.name) for item in fields(self) if item.name != "_read")
        return _without_index, tuple(stored)


def _without_index(*stored: Any) -> Hit:
    """Return a stored hit."""
    values: tuple[Any, ...] = (*stored, _no_index)
    return Hit(*values)


def _no_index(panel: Panel) -> Image.Image:
    problem = f"the result of panel {panel.id} was stored without its index"
    raise UsageError(problem, hint="open the index, and call index.panel_image(hit.panel)")


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
