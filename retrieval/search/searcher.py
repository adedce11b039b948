"""Search: encode the query, retrieve candidates, rank them, collect hits.

A query is compared with one view, or with two that are merged (`ranking.fusion`). Text is also looked up as words, and
both rankings are fused (`ranking.hybrid`). For an image, panels that show most of it come first (`ranking.coverage`),
then panels whose keypoints match (`ranking.geometric`). Negative text moves panels down (`ranking.negative`).
The score of a hit is always the exact cosine with the query.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import Encoder
from retrieval.filters import Filter
from retrieval.records import Panel, View
from retrieval.search.candidates import Candidates, Ids, Retriever
from retrieval.search.full_text import lexical_query
from retrieval.search.hits import NO_MATCH, Hit, RankedPanel, explain_match
from retrieval.search.query import Query, ViewQuery, split_by_view
from retrieval.search.query_vectors import EncodedQuery, QueryEncoder
from retrieval.search.ranking import coverage, hybrid, negative
from retrieval.search.ranking.context import RankingContext
from retrieval.search.ranking.fusion import ViewRanking, fuse
from retrieval.search.ranking.grouping import GroupLimits
from retrieval.search.relevance import MIN_PANELS, Background, is_close, reference_score, relevances
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import ViewIndex
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger("panelseek")

_MAX_ROWS_PER_READ = 2_000
"""Panels that are read from the catalog at once."""

_SPARE_ROWS = 4
"""Panels read beyond those needed: most often the first read is enough."""


class Searcher:
    """Search in one open generation. Safe to share between threads."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorStore,
        views: Mapping[View, ViewIndex],
        thumbnails: Thumbnails,
        encoder: Callable[[], Encoder],
        read_image: Callable[[Panel], Image.Image],
    ) -> None:
        self.retriever = Retriever(catalog, vectors, views)
        self._catalog = catalog
        self._thumbnails = thumbnails
        self._query_encoder = QueryEncoder(encoder)
        self._read_image = read_image
        self._damaged: set[tuple[View, int]] = set()

    def search(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """Return the hits of each query, best first, in the order of the queries."""
        parts = [split_by_view(query.validate()) for query in queries]
        encoded = self._query_encoder.encode(parts, self.retriever)
        return [self._answer(*item) for item in zip(queries, parts, encoded, strict=True)]

    def _answer(self, query: Query, parts: Sequence[ViewQuery], encoded: Sequence[EncodedQuery]) -> list[Hit]:
        """Return the hits of one query from the ranking of each view that it searches."""
        rankings = [self._search_view(part, vectors) for part, vectors in zip(parts, encoded, strict=True)]
        ranked = fuse(query, rankings)
        backgrounds = {ranking.view: ranking.background for ranking in rankings}
        found = list(zip(ranked, relevances(ranked, backgrounds), strict=True))
        enough = all(background.panels >= MIN_PANELS for background in backgrounds.values())
        # the panels like a panel are wanted although they are no copies of it
        return self._hits(query, found[query.offset :], tells_close=enough and query.panel is None)

    def _search_view(self, part: ViewQuery, encoded: EncodedQuery) -> ViewRanking:
        """Retrieve, rank and collect the best panels of one view; widen until enough are found or nothing is left."""
        where = Filter.of(part.query.where)
        allowed = None if where.empty else self._allowed(part.view, where)
        context = self._context(part, encoded, where)
        vectors = encoded.vectors.vectors
        mean, deviation = self.retriever.background_stats(part.view, vectors)
        panels: list[RankedPanel] = []
        reference = mean
        for candidates in self.retriever.retrieve(part.view, part.query, vectors, allowed, context.lexical.panel_ids):
            panels, reference = self._rank_and_collect(candidates, context, mean)
            if candidates.complete or len(panels) >= part.query.needed:
                break
        background = Background(mean, deviation, reference, len(self.retriever.views[part.view]))
        return ViewRanking(part.view, panels, background)

    def _allowed(self, view: View, where: Filter) -> Ids:
        """Return the sorted ids that pass a filter and are in the searched generation; a build may have added more."""
        return self.retriever.views[view].rows_of(self._catalog.panels.matching_ids(where))[0]

    def _context(self, part: ViewQuery, encoded: EncodedQuery, where: Filter) -> RankingContext:
        """Collect what the ranking steps need: statistics of the whole index, and the query in each form."""
        return RankingContext(
            part=part,
            vectors=encoded.vectors,
            retriever=self.retriever,
            catalog=self._catalog,
            thumbnails=self._thumbnails,
            lexical=lexical_query(part, self._catalog, len(self.retriever.views[View.DIALOGUE]), where),
            negative=negative.negative_query(part.query, encoded.negative, self._catalog, self.retriever),
        )

    def _rank_and_collect(
        self, candidates: Candidates, context: RankingContext, mean: float
    ) -> tuple[list[RankedPanel], float]:
        """Order the candidates; return the first that may be shown, and the score that they are compared with.

        mean: of the scores of unrelated panels. Penalties of negative text are read from the top down, deeper while
        too few panels are found.
        """
        first_step = coverage.apply if context.vectors.query_regions else hybrid.apply
        ranked = first_step(candidates, context)
        if context.vectors.grey_image is not None:
            from retrieval.search.ranking import geometric  # loads OpenCV, which words do not need

            ranked = geometric.apply(ranked, context)
        reference = reference_score(ranked, context.part.query.panel, mean)
        depth = context.part.query.needed + _SPARE_ROWS
        while True:
            final = negative.apply(ranked, context, depth)
            panels = self._collect(final, context)
            if not final.truncated or len(panels) >= context.part.query.needed:
                return panels, reference
            depth *= 4

    def _collect(self, ranked: Candidates, context: RankingContext) -> list[RankedPanel]:
        """Return the first panels that may be shown, except those whose vectors are damaged: their scores are wrong."""
        view = context.part.view
        while True:
            sums: dict[int, bytes] = {}
            collected = self._first(ranked, context, sums)
            panels = [item.panel for item in collected]
            damaged = self.retriever.damaged(view, panels, [sums[panel.id] for panel in panels])
            if not damaged:
                return collected
            self._damaged |= {(view, panel_id) for panel_id in damaged}
            listed = ", ".join(map(str, sorted(damaged)))
            log.warning("left out, because their vectors are damaged: panels %s; %s", listed, REPAIR_HINT)

    def _first(self, ranked: Candidates, context: RankingContext, sums: dict[int, bytes]) -> list[RankedPanel]:
        """Return the first panels that exist, score enough and are within the limits of their page and book.

        Their checksums are added to `sums`.

        A panel that a running build has encoded again is excluded until its generation is searched, if it has another
        vector in this view: its score here is that of the vector it had. Without a vector of the query or of the panel,
        only words that match make a result.
        """
        part, query, groups = context.part, context.part.query, GroupLimits(context.part.query)
        collected: list[RankedPanel] = []
        start, count = 0, query.needed + _SPARE_ROWS
        while start < len(ranked) and len(collected) < query.needed:
            stop = min(len(ranked), start + min(count, _MAX_ROWS_PER_READ))
            panels = self._catalog.panels.get_with_sums(ranked.ids[start:stop].tolist())
            scored = self._have_vectors(ranked.rows[start:stop], context)
            for place in range(start, stop):
                panel, own_sums = panels.get(int(ranked.ids[place]), (None, b""))
                if panel is None or (part.view, panel.id) in self._damaged or not _passes(query, ranked, place, panel):
                    continue
                row = int(ranked.rows[place])
                if panel.vector_row != row and not self.retriever.holds(part.view, row, own_sums):
                    continue
                item = _ranked_panel(part, ranked, place, panel)
                if (item.match.words or scored[place - start]) and groups.admit(panel):
                    sums[panel.id] = own_sums
                    collected.append(item)
                if len(collected) >= query.needed:
                    break
            start, count = stop, 4 * count
        return collected

    def _have_vectors(self, rows: Ids, context: RankingContext) -> NDArray[np.bool_]:
        """Return (P,) True for each panel whose score is a cosine: the encoder could read its text and the query."""
        if not context.vectors.vectors.any():
            return np.zeros(len(rows), np.bool_)
        if context.part.view is not View.DIALOGUE:
            return np.ones(len(rows), np.bool_)
        vectors = self.retriever.vectors.read(View.DIALOGUE, np.asarray(rows))
        return np.asarray(vectors.any(axis=1), dtype=np.bool_)

    def _hits(self, query: Query, found: Sequence[tuple[RankedPanel, float]], *, tells_close: bool) -> list[Hit]:
        return [
            Hit(
                rank=query.offset + place,
                relevance=relevance,
                score=item.score,
                panel=item.panel,
                view=item.part.view,
                matched_on=explain_match(item),
                matched_words=item.match.words,
                ranking_score=item.ranking_score,
                close=is_close(item, relevance) if tells_close else None,
                _read=self._read_image,
            )
            for place, (item, relevance) in enumerate(found, 1)
        ]


def _passes(query: Query, ranked: Candidates, place: int, panel: Panel) -> bool:
    """Return True if the query accepts a panel."""
    if query.min_score is not None and float(ranked.scores[place]) < query.min_score:
        return False
    return query.include_self or panel.id != query.panel


def _ranked_panel(part: ViewQuery, ranked: Candidates, place: int, panel: Panel) -> RankedPanel:
    score, ranking_score = float(ranked.scores[place]), float(ranked.ranking_scores[place])
    return RankedPanel(part, panel, score, ranking_score, ranked.matches.get(panel.id, NO_MATCH))
