"""Results as the web app shows them: cards, on request one for each page or book with the others behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval import Hit
from retrieval.records import Panel, View
from retrieval.search.hits import MatchedOn
from ui.web.search.search_state import SearchState

MAX_GROUPED = 24
"""Results that unfold below one; a link searches for the others."""

# Cards stand in rows like panels on a page, as wide as their images, within limits so that captions fit.
_NARROWEST, _WIDEST = 0.66, 3.4

_REASONS: dict[MatchedOn, tuple[str, ...]] = {
    "picture": ("similar image",),
    "words": ("exact words",),
    "meaning": ("similar meaning",),
    "both": ("similar image", "exact words"),
}
"""Names on screen by `Hit.matched_on`."""


@dataclass(frozen=True, slots=True)
class Card:
    """One panel on screen. hit: its search result, None where panels are only listed.

    grouped: the other results of the same page or book, best first; more_grouped: how many of them are not listed.
    """

    panel: Panel
    hit: Hit | None = None
    grouped: tuple[Card, ...] = ()
    more_grouped: int = 0

    @property
    def ratio(self) -> float:
        """Return the width of the card divided by its height."""
        box = self.panel.box
        return min(max(box.w / box.h if box.h else 1, _NARROWEST), _WIDEST)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why the panel matched, as read on screen."""
        return _REASONS[self.hit.matched_on] if self.hit else ()


@dataclass(frozen=True, slots=True)
class Results:
    """Results number `start` + 1 and on of a search.

    - view: the view that was searched.
    - two_views: True if text was searched in dialogue and pictures.
    - searched: number of panels that were searched.
    - more: True if results follow.
    - truncated: True if the list ends at its limit before the results do.
    - notes: sentences on words that the encoder cannot read, and on a build that is running or was stopped.
    - like, excluded: the panels of `SearchState.like` and `SearchState.exclude`.
    """

    state: SearchState
    view: View
    cards: tuple[Card, ...]
    searched: int
    seconds: float
    more: bool
    start: int = 0
    two_views: bool = False
    truncated: bool = False
    notes: tuple[str, ...] = ()
    like: Panel | None = None
    excluded: Panel | None = None


def make_cards(hits: Sequence[Hit], ungrouped: Sequence[Hit], group: str) -> tuple[Card, ...]:
    """Return a card for each hit. ungrouped: all hits of the search; those of the same group go behind a card."""
    if not group:
        return tuple(Card(hit.panel, hit) for hit in hits)
    groups: dict[int, list[Hit]] = defaultdict(list)
    for hit in ungrouped:
        groups[_group_id(hit.panel, group)].append(hit)
    return tuple(_grouped_card(hit, groups[_group_id(hit.panel, group)]) for hit in hits)


def _group_id(panel: Panel, group: str) -> int:
    return panel.page_id if group == "page" else panel.book_id


def _grouped_card(hit: Hit, group: Sequence[Hit]) -> Card:
    others = [other for other in group if other.panel.id != hit.panel.id]
    shown = tuple(Card(other.panel, other) for other in others[:MAX_GROUPED])
    return Card(hit.panel, hit, shown, max(0, len(others) - MAX_GROUPED))
