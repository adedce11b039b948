"""Search: encode the query, retrieve candidates, rank them, collect hits.

A query is compared with one view, or with two that are merged (`ranking.fusion`). Text is also looked up as words, and
both rankings are fused (`ranking.hybrid`). For an image, panels that show most of it come first (`ranking.coverage`),
then panels whose keypoints match (`ranking.geometric`). Negative text moves panels down (`ranking.negative`).
The score of a hit is always the exact cosine with the query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from retrieval.encoder.protocol import Encoder
from retrieval.filters import Filter
from retrieval.records import Panel, View
from retrieval.search.candidates import Candidates, Retriever
from retrieval.search.hits import Hit, RankedPanel, explain_match
from retrieval.search.query import Query, ViewQuery, split_by_view
from retrieval.search.query_vectors import EncodedQuery, QueryEncoder
from retrieval.search.ranking import coverage, geometric, hybrid, negative
from retrieval.search.ranking.context import RankingContext
from retrieval.search.ranking.fusion import FusedPanel, ViewRanking, fuse
from retrieval.search.ranking.grouping import GroupLimits
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import ViewIndex
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

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

    def search(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """Return the hits of each query, best first, in the order of the queries."""
        parts = [split_by_view(query.validate()) for query in queries]
        encoded = iter(self._query_encoder.encode([part for each in parts for part in each], self.retriever))
        results = []
        for query, views in zip(queries, parts, strict=True):
            rankings = [self._search_view(part, next(encoded)) for part in views]
            results.append(self._hits(query, fuse(query, rankings)))
        return results

    def _search_view(self, part: ViewQuery, encoded: EncodedQuery) -> ViewRanking:
        """Return the best panels of one view; retrieval widens until enough are found or nothing is left."""
        where = Filter.of(part.query.where)
        allowed = None if where.empty else self._catalog.panels.matching_ids(where)
        context = self._context(part, encoded, where)
        vectors = encoded.vectors.vectors
        found: list[RankedPanel] = []
        for candidates in self.retriever.retrieve(part.view, part.query, vectors, allowed, context.lexical.panel_ids):
            found = self._rank_and_collect(candidates, context)
            if candidates.complete or len(found) >= part.query.needed:
                break
        background = (
            self.retriever.background_stats(part.view, vectors) if part.query.searches_two_views else (0.0, 1.0)
        )
        return ViewRanking(part, found, *background)

    def _context(self, part: ViewQuery, encoded: EncodedQuery, where: Filter) -> RankingContext:
        """Collect what the ranking steps need: statistics of the whole index, and the query in each form."""
        return RankingContext(
            part=part,
            vectors=encoded.vectors,
            retriever=self.retriever,
            catalog=self._catalog,
            thumbnails=self._thumbnails,
            lexical=hybrid.lexical_query(part, self._catalog, self.retriever, where),
            negative=negative.negative_query(part.query, encoded.negative, self._catalog, self.retriever),
        )

    def _rank_and_collect(self, candidates: Candidates, context: RankingContext) -> list[RankedPanel]:
        """Order the candidates and return the first that may be shown.

        Penalties of negative text are read from the top down, deeper while too few panels are found.
        """
        ranked = geometric.apply(coverage.apply(hybrid.apply(candidates, context), context), context)
        depth = context.part.query.needed + _SPARE_ROWS
        while True:
            settled = negative.apply(ranked, context, depth)
            found = self._collect(settled, context)
            if settled.settled is None or len(found) >= context.part.query.needed:
                return found
            depth *= 4

    def _collect(self, ranked: Candidates, context: RankingContext) -> list[RankedPanel]:
        """Return the first panels that exist, score enough and leave room for other pages and books.

        A panel that a running build has encoded again is left out until its generation is searched: its score here is
        that of the vector it had.
        """
        query = context.part.query
        groups = GroupLimits(query)
        found: list[RankedPanel] = []
        end = len(ranked) if ranked.settled is None else ranked.settled
        start, count = 0, query.needed + _SPARE_ROWS
        while start < end and len(found) < query.needed:
            stop = min(end, start + min(count, _MAX_ROWS_PER_READ))
            panels = self._catalog.panels.get(ranked.ids[start:stop].tolist())
            for place in range(start, stop):
                panel = panels.get(int(ranked.ids[place]))
                if panel is not None and _passes(query, ranked, place, panel) and groups.admit(panel):
                    found.append(_ranked_panel(ranked, place, panel))
                if len(found) >= query.needed:
                    break
            start, count = stop, 4 * count
        return found

    def _hits(self, query: Query, panels: Sequence[FusedPanel]) -> list[Hit]:
        return [
            Hit(
                rank=query.offset + place,
                score=item.score,
                panel=item.panel,
                view=part.view,
                matched_on=explain_match(part, item.match),
                matched_words=item.match.words,
                ranking_score=item.ranking_score,
                _read=self._read_image,
            )
            for place, (part, item) in enumerate(panels, 1)
        ]


def _passes(query: Query, ranked: Candidates, place: int, panel: Panel) -> bool:
    """Return True if the panel still has the vector that was scored, and the query accepts it."""
    if panel.vector_row != ranked.rows[place]:
        return False
    if query.min_score is not None and float(ranked.scores[place]) < query.min_score:
        return False
    return query.include_self or panel.id != query.panel


def _ranked_panel(ranked: Candidates, place: int, panel: Panel) -> RankedPanel:
    score, ranking_score = float(ranked.scores[place]), float(ranked.ranking_scores[place])
    match = ranked.matches.get(panel.id)
    return (
        RankedPanel(panel, score, ranking_score) if match is None else RankedPanel(panel, score, ranking_score, match)
    )
