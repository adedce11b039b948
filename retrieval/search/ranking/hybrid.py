"""Hybrid ranking: the cosine plus a boost for the words of the query that are in the dialogue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retrieval.search.candidates import Candidates
from retrieval.search.full_text import MIN_LEXICAL
from retrieval.search.hits import NO_MATCH
from retrieval.search.ranking.context import RankingContext
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.scoring import Scores, top

COVERAGE_WEIGHT, COVERAGE_POWER = 4.0, 4.0
"""Boost 4 x coverage^4: a panel with all words of the query comes before a shorter one with most of them and a higher
cosine. For panels with few words of a paraphrase the boost is near 0."""

MARGIN_WEIGHT, MARGIN_POWER = 4.0, 1.5
"""Boost 4 x margin^1.5, the margin being the coverage less the third best coverage: OCR errors leave the right panel a
small coverage that is far above that of all others. Both are measured by `panelseek evaluate` (docs/evaluation.md)."""

COVERAGE_WEIGHT_WITH_IMAGE = 0.3
"""Boost per coverage if the query has an image too: words then order panels that look alike."""


def apply(candidates: Candidates, context: RankingContext) -> Candidates:
    """Order candidates by cosine and, where the query has words, by the words that match."""
    ids, scores, lexical = candidates.ids, candidates.scores, context.lexical
    if not lexical.terms:
        return candidates.take(top(scores, ids, len(ids)))
    best = top(scores, ids, max(MIN_LEXICAL, 2 * context.part.query.needed))
    compared = context.catalog.panels.dialogues(np.union1d(ids[best], np.intersect1d(ids, lexical.panel_ids)))
    matches = {id_: lexical_match(lexical.terms, dialogue, lexical.weights) for id_, dialogue in compared.items()}
    coverage = np.array([matches.get(i, NO_MATCH).coverage for i in ids.tolist()], np.float32)
    ranking_scores = scores + boost(coverage, with_image=context.part.query.image is not None)
    ranked = replace(candidates, ranking_scores=ranking_scores, matches=matches)
    return ranked.take(top(ranking_scores, ids, len(ids)))


def boost(coverage: Scores, *, with_image: bool) -> Scores:
    """Return the (C,) float32 boosts for the coverage (0 to 1) of each candidate."""
    if with_image:
        return np.float32(COVERAGE_WEIGHT_WITH_IMAGE) * coverage
    third = np.partition(coverage, -3)[-3] if len(coverage) > 2 else np.float32(0)
    margin = np.maximum(coverage - third, 0)
    boosts = COVERAGE_WEIGHT * coverage**COVERAGE_POWER + MARGIN_WEIGHT * margin**MARGIN_POWER
    return np.asarray(boosts, np.float32)
