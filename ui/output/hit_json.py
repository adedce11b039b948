"""Hits as JSON: one form for the command line and for the API of the web app (docs/command-line.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from retrieval import Panel


class MatchedPanel(Protocol):
    """The common attributes of a hit and of a card of the web app."""

    @property
    def rank(self) -> int: ...
    @property
    def relevance(self) -> float: ...
    @property
    def score(self) -> float: ...
    @property
    def panel(self) -> Panel: ...
    @property
    def matched_on(self) -> str: ...
    @property
    def matched_words(self) -> tuple[str, ...]: ...


def hit_as_dict(hit: MatchedPanel) -> dict[str, Any]:
    """Return a hit with its place, why it matched, and the gate of its panel."""
    panel = hit.panel
    return {
        "rank": hit.rank,
        "relevance": round(hit.relevance, 4),
        "score": round(hit.score, 6),
        "panel_id": panel.id,
        "book": panel.book,
        "page": panel.page_number,
        "panel": panel.number,
        "box": panel.box.as_list(),
        "dialogue": panel.dialogue,
        "sound_effects": panel.sound_effects,
        "text_source": panel.text_source,
        "page_path": panel.page_path,
        "label": panel.label,
        "matched_on": hit.matched_on,
        "matched_words": list(hit.matched_words),
        "gate": gate_as_dict(panel),
    }


def gate_as_dict(panel: Panel) -> dict[str, float]:
    """Return the weights of the three branches in a panel's fused vector, rounded to four digits."""
    weights = (round(weight, 4) for weight in panel.gate)
    return dict(zip(("picture", "dialogue", "composition"), weights, strict=True))
