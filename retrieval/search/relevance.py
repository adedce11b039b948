"""Relevance of hits: of the hits with relevance 0.9, nine in ten are what was searched for.

It is estimated from how far a hit stands out: its cosine above those of unrelated panels with this query, its ranking
score above that of the eighth best panel, and its distance to the first hit. `benchmarks/relevance.py` fits the weights
to questions whose answers are known, and docs/evaluation.md says how well they hold for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.records import View
from retrieval.search.candidates import Candidates
from retrieval.search.hits import RankedPanel
from retrieval.search.query import ViewQuery

QuestionType = Literal["words", "picture", "both"]

REFERENCE = 8
"""Place of the panel whose ranking score the hits are compared with: beyond it, few panels are what is searched for."""

CLOSE: dict[QuestionType, float] = {"words": 0.2, "picture": 0.1, "both": 0.1}
"""Relevance below which a first hit is no close match, and further hits are probably unrelated."""

MIN_PANELS = 12
"""Panels of a view below which close matches are left open: too few are unrelated."""

ALL_WORDS, LEAST_WITH_ALL_WORDS = 0.8, 0.5
"""Term coverage of a dialogue that has the words of the query, and the relevance of its panel at least."""

_SMALL = 0.3
"""Added before a logarithm, in standard deviations: differences below it mean nothing."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a logistic regression, each of one piece of evidence; see `evidence`."""

    bias: float
    standing: float
    lead: float
    behind: float


WEIGHTS: dict[QuestionType, Weights] = {
    "words": Weights(bias=-3.41, standing=0.92, lead=1.05, behind=-1.08),
    "picture": Weights(bias=-6.42, standing=1.30, lead=2.20, behind=-1.55),
    "both": Weights(bias=-6.42, standing=1.30, lead=2.20, behind=-1.55),
}
"""Weights by the kind of question. Words and a picture together were not fitted: they have those of pictures."""


@dataclass(frozen=True, slots=True)
class Background:
    """The unrelated panels that the hits of one view stand out from.

    mean, deviation: of the cosines of unrelated panels with the query. reference: ranking score of the eighth best
    panel. panels: number of panels of the view.
    """

    mean: float
    deviation: float
    reference: float
    panels: int


def question_type(part: ViewQuery) -> QuestionType:
    """Return the type of a query; a panel is searched for by its picture."""
    if part.query.image is not None or part.query.panel is not None:
        return "both" if part.query.query_text and part.view is View.FUSED else "picture"
    return "words"


def reference_score(ranked: Candidates, query_panel: int | None, mean: float) -> float:
    """Return the ranking score of the eighth best candidate besides the query panel.

    Where there are fewer, that of unrelated panels: all candidates may be what is searched for.
    """
    scores = ranked.ranking_scores[: REFERENCE + 1].tolist()
    ids = ranked.ids[: REFERENCE + 1].tolist()
    others = [score for score, panel in zip(scores, ids, strict=True) if panel != query_panel]
    return float(others[REFERENCE - 1]) if len(others) >= REFERENCE else min([mean, *others])


def evidence(item: RankedPanel, first: float, background: Background) -> tuple[float, float, float]:
    """Return the evidence for one hit, in standard deviations of unrelated panels' cosines.

    How far its cosine is above theirs, less the expected highest of so many (Gumbel 1958, about sqrt(2 ln P)); the
    logarithm of its lead over the eighth; the logarithm of its distance behind `first`, the first ranking score.
    """
    expected = math.sqrt(2 * math.log(max(background.panels, 2)))
    standing = (item.score - background.mean) / background.deviation - expected
    lead = max(item.ranking_score - background.reference, 0.0) / background.deviation
    behind = max(first - item.ranking_score, 0.0) / background.deviation
    return standing, math.log(lead + _SMALL), math.log(behind + _SMALL)


def is_close(item: RankedPanel, relevance: float) -> bool:
    """Return True if a hit of this relevance is probably what was searched for."""
    return relevance >= CLOSE[question_type(item.part)]


def relevances(ranked: Sequence[RankedPanel], backgrounds: Mapping[View, Background]) -> list[float]:
    """Return the relevance of each hit of a list, 0 to 1; it never rises down the list.

    backgrounds: of each view that has hits.
    """
    firsts: dict[View, float] = {}
    for item in ranked:
        firsts[item.part.view] = max(item.ranking_score, firsts.get(item.part.view, -math.inf))
    found: list[float] = []
    for item in ranked:
        view = item.part.view
        own = _logistic(WEIGHTS[question_type(item.part)], evidence(item, firsts[view], backgrounds[view]))
        if item.match.coverage >= ALL_WORDS:
            own = max(own, LEAST_WITH_ALL_WORDS)
        found.append(min([own, *found[-1:]]))
    return found


def _logistic(weights: Weights, values: tuple[float, float, float]) -> float:
    standing, lead, behind = values
    logit = weights.bias + weights.standing * standing + weights.lead * lead + weights.behind * behind
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
