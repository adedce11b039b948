"""Queries -> candidates -> exact scores -> ranked panels.

A query is compared with one view. Where it has words and the view knows dialogue, they are also looked up
as words, and both rankings are fused: panels are ordered by cosine plus what the share (0 to 1) of the query's words
that stand in the dialogue is worth, by itself and above that of other panels. Where a picture is asked of panels that
have parts, the first are put in order by how much of the picture they show as well, and by how many of its details lie
in them in place (`retrieval.search.ranking.geometric`). Words may also be taken away
(`retrieval.search.ranking.negative`). The score of a hit is always the exact cosine with the question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoder.protocol import DIMENSION, QueryVectors
from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.records import Panel, View
from retrieval.search.ranking.geometric import CloserLook
from retrieval.search.ranking.negative import TakenAway, pushed_down
from retrieval.search.ranking.text_match import LexicalMatch, idf, lexical_match, tokens
from retrieval.store.ann.ivfpq import CANDIDATES, default_nprobe
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.generation import ViewIndex
from retrieval.store.scoring import Scores, best_scores, exact_scores, region_coverage, top, vectors_per_panel
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

MatchedOn = Literal["picture", "words", "both"]

ANY_VIEW = "any"
"""The value of `Query.view` that searches both dialogue and pictures with the text."""

EXACT_UP_TO = 5_000
"""A filter that leaves this many panels or fewer is scored exactly: reading them takes milliseconds."""

WORDS_WEIGHT, WORDS_POWER = 4.0, 4.0
"""Beside the cosine counts 4 x share^4: a panel that says all of the question's words comes before a short one that
says most and therefore lies nearer; panels that say a few words of a question put in other words gain next to nothing.
"""

STANDOUT_WEIGHT, STANDOUT_POWER = 4.0, 1.5
"""And 4 x margin^1.5, the margin being the share less the third best share: misread words give the right panel a small
share, but one that no other panel comes near. (Both measured by `panelseek evaluate`, docs/evaluation.md.)"""

WORDS_WEIGHT_WITH_PICTURE = 0.3
"""The same where a picture was given as well: words then order what looks alike, and do not drown it."""

_SHOWN_AMONG = 200
"""Panels nearest to a picture that are compared with its windows; the others follow in order of score. The same
however many hits are asked for, so that further pages of results go on where the last one ended."""

_WORD_CANDIDATES = 200
_MOST_WORDS = 64
"""Of a longer question the first words are looked up; balloons rarely hold more."""

_WIDEST = 50_000
"""When more candidates than this would be needed, streaming over everything is simpler and not slower."""
_ROWS_AT_ONCE = 2_000
_LARGEST = 2**53
_KEPT_READY = 20_000
_USUAL_SAMPLE, _USUAL_SEED = 512, 11
"""Panels of a view that tell which cosine is nothing special."""
_NO_WORDS = LexicalMatch(0.0, ())


@dataclass(frozen=True, slots=True)
class Query:
    """One search; every field but the question itself has a sensible default.

    Ask with `text`, `image` (path, bytes, PIL picture or array), both, or `panel` (an indexed panel's id).
    negative_text: words to take away; panels that say or mean them come later, whatever else they have.
    view: the vectors to compare with: picture, dialogue or fused. None follows the query: an image -> picture,
    text -> dialogue, both -> fused, a panel -> picture. "any" searches text in dialogue and picture and merges the
    two rankings; negative text then counts in both.
    where: see `retrieval.filters.Filter`. k hits from `offset` on, with score >= min_score, at most
    per_page / per_book of one page / book. exact: score every panel.
    nprobe: IVF lists to look into. include_self: whether a `panel` query finds that panel too.
    """

    text: str | None = None
    image: Any = None
    panel: int | None = None
    negative_text: str | None = None
    view: View | str | None = None
    where: Filter | Mapping[str, Any] | None = None
    k: int = 12
    offset: int = 0
    min_score: float | None = None
    per_page: int | None = None
    per_book: int | None = None
    exact: bool = False
    nprobe: int | None = None
    include_self: bool = True

    def validate(self) -> Query:
        """Itself, when its parts make sense together; raises `UsageError` otherwise."""
        if self.panel is not None and (self.text is not None or self.image is not None):
            raise UsageError("a panel is a question by itself: leave out text and image, or leave out panel")
        for name in ("text", "negative_text"):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), str):
                raise UsageError(f"{name} must be words; found {getattr(self, name)!r}")
        if self.panel is None and self.image is None and not self.query_text:
            alone = ": words to take away are no question by themselves" if self.negative else ""
            raise UsageError(f"nothing to search for{alone}: give text, an image, or the id of an indexed panel")
        for name, least in (("k", 1), ("offset", 0), ("per_page", 1), ("per_book", 1), ("nprobe", 1), ("panel", 1)):
            check_integer(name, getattr(self, name), least)
        if self.min_score is not None and (
            isinstance(self.min_score, bool)
            or not isinstance(self.min_score, int | float)
            or math.isnan(self.min_score)
        ):
            raise UsageError(f"min_score must be a number from -1 to 1; found {self.min_score!r}")
        self.resolved_view()
        Filter.of(self.where)
        return self

    def resolved_view(self) -> View:
        """Return the view whose vectors are compared; for "any" that of the dialogue. Raises `UsageError`."""
        if self.view is not None and self.view != ANY_VIEW:
            try:
                return View(self.view)
            except ValueError:
                choices = ", ".join([*View, ANY_VIEW])
                raise UsageError(f"no view is called {self.view!r}: choose {choices}") from None
        if self.image is not None:
            return View.FUSED if self.query_text else View.PICTURE
        return View.DIALOGUE if self.query_text else View.PICTURE

    @property
    def query_text(self) -> str:
        """The text without blanks around it."""
        return (self.text or "").strip()

    @property
    def negative(self) -> str:
        """The negative text without blanks around it."""
        return (self.negative_text or "").strip()

    @property
    def negative_views(self) -> tuple[View, ...]:
        """The views in which panels are compared with the negative text."""
        if not self.negative:
            return ()
        if self.view == ANY_VIEW:
            return (View.DIALOGUE, View.PICTURE)
        in_pictures = self.view is not None and View(self.view) is View.PICTURE and bool(self.query_text)
        return (View.PICTURE,) if in_pictures else (View.DIALOGUE,)

    @property
    def searches_two_views(self) -> bool:
        """True when text alone is searched in dialogue and pictures."""
        return self.view == ANY_VIEW and bool(self.query_text) and self.image is None


def check_integer(name: str, value: object, least: int) -> None:
    """Raises `UsageError` unless `value` is None or a whole number from `least` to 2^53."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise UsageError(f"{name} must be a whole number from {least} on; found {value!r}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `score` is the exact cosine, -1 to 1; `why` it matched, with the `words` that did.

    `strength` is what it was ordered by before words were taken away: the score, and what its words or what it shows
    of the picture counted. Comparable between hits of questions of one kind, not shown.
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
        """The panel's picture, read from the comics now. Raises `SourceError` when they are gone."""
        return self._read(self.panel)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A panel in its place: id, exact score, what the words said, and the key that put it there."""

    id: int
    score: float
    match: LexicalMatch
    ranking_score: float


class Searcher:
    """Finds panels of one opened generation for query vectors."""

    def __init__(
        self, catalog: Catalog, shards: VectorStore, views: dict[View, ViewIndex], thumbnails: Thumbnails
    ) -> None:
        self._thumbnails = thumbnails
        self._catalog = catalog
        self._shards = shards
        self._views = views
        self._matrices: dict[View, NDArray[np.float32]] = {}
        self._usual: dict[View, NDArray[np.int64]] = {}

    @property
    def regions(self) -> int:
        """Further `picture` vectors of each panel."""
        return self._shards.regions

    def stored_vector(self, panel_id: int, view: View) -> NDArray[np.float32]:
        """(512,) of an indexed panel. Raises `UsageError` when it is unknown or has no such view."""
        _, rows = self._views[view].rows_of(np.array([panel_id], np.int64))
        if len(rows):
            vector: NDArray[np.float32] = self._shards.read(view, rows)[0]
            return vector
        if view is View.DIALOGUE and self._catalog.panels([panel_id]):
            raise UsageError(f"panel {panel_id} has no words: search with view picture or fused instead")
        raise UsageError(f"the index has no panel {panel_id}: panel ids are in the results of a search")

    def search(
        self, query: Query, vectors: QueryVectors, away: Mapping[View, NDArray[np.float32]] | None = None
    ) -> list[tuple[Candidate, Panel]]:
        """The k panels from `offset` on, best first; widens until enough are found or nothing is left.

        `away`: (512,) of the words to take away for each of the query's `views_away`.
        """
        taken = self._taken_away(query, away or {})
        view = self._views[query.resolved_view()]
        where = Filter.of(query.where)
        allowed = None if where.empty else self._catalog.matching_ids(where)
        words = self._word_ranking(query, view, where)
        groups = GroupLimits(query)
        closer = None if vectors.grey_image is None else CloserLook(vectors.grey_image, view, self._thumbnails)
        for ids, scores, complete in self._candidates(view, query, vectors.vectors, allowed, words.ids):
            ranked = (
                self._rank_by_windows(view, ids, scores, vectors.windows)
                if vectors.windows
                else self._rank(ids, scores, words, groups.needed)
            )
            if closer:
                ranked = closer.ordered(ranked)
            if taken:
                sure = -math.inf if complete else _lowest_sure(scores, query)
                ranked = pushed_down(ranked, taken.costs, sure)
            found = self._pick(query, view, groups, ranked)
            if complete or len(found) >= groups.needed:
                break
        return found[query.offset : query.offset + query.k]

    def nearest(self, view: ViewIndex, vector: NDArray[np.float32], count: int) -> list[int]:
        """Ids of the `count` nearest by the default search, vectors only: what `find` starts from."""
        query = Query(panel=0, k=count)
        ids, scores, _ = next(self._candidates(view, query, vector, None, np.empty(0, np.int64)))
        return [int(ids[i]) for i in top(scores, ids, count)]

    def background_stats(self, view: View, vector: NDArray[np.float32]) -> tuple[float, float]:
        """Mean and standard deviation of a vector's scores with panels drawn at random, the same ones every time."""
        place = self._views[view]
        if view not in self._usual:
            rng = np.random.default_rng(_USUAL_SEED)
            chosen = rng.choice(len(place), min(_USUAL_SAMPLE, len(place)), replace=False)
            self._usual[view] = np.asarray(place.rows[np.sort(chosen)])
        if not len(self._usual[view]):
            return 0.0, 1.0
        scores = best_scores(self._shards, view, self._usual[view], vector)
        return float(scores.mean()), max(float(scores.std()), 1e-3)

    def _taken_away(self, query: Query, away: Mapping[View, NDArray[np.float32]]) -> TakenAway | None:
        if not away:
            return None
        terms = tokens(query.negative)[:_MOST_WORDS] if View.DIALOGUE in away else []
        weights = idf(terms, self._catalog.word_counts(terms), len(self._views[View.DIALOGUE]))
        compared = tuple(
            (self._views[view], vector, self.background_stats(view, vector)[0]) for view, vector in away.items()
        )
        return TakenAway(self._catalog, self._shards, terms, weights, compared)

    # --------------------------------------------------------------- candidates

    def _candidates(
        self,
        view: ViewIndex,
        query: Query,
        vector: NDArray[np.float32],
        allowed: NDArray[np.int64] | None,
        extra: NDArray[np.int64],
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], bool]]:
        """(ids, exact scores, nothing is left) in ever wider rounds; the last round is complete."""
        reach = len(view) if allowed is None else len(allowed)
        if view.ann is not None and not query.exact and not (allowed is not None and reach <= EXACT_UP_TO):
            count = max(CANDIDATES, 4 * (query.offset + query.k))
            nprobe = query.nprobe or default_nprobe(view.ann.lists)
            while count <= _WIDEST:
                each = vectors_per_panel(self._shards, view.view)
                found = view.ann.candidates(np.atleast_2d(vector), min(count, each * len(view)), nprobe, allowed)
                ids, rows = view.rows_of(np.concatenate([*found, extra]))
                everything = nprobe >= view.ann.lists and count >= each * reach
                yield ids, best_scores(self._shards, view.view, rows, vector), everything
                count, nprobe = 4 * count, 4 * nprobe
        ids, scores = self._all_scores(view, vector, allowed)
        yield ids, scores, True

    def _all_scores(
        self, view: ViewIndex, vector: NDArray[np.float32], allowed: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Exact scores of everything allowed, (M,) each."""
        if (
            allowed is None
            and view.ann is None
            and vectors_per_panel(self._shards, view.view) * len(view) <= _KEPT_READY
        ):
            return view.ids, self._ready_scores(view, np.atleast_2d(vector))
        ids, rows = (view.ids, view.rows) if allowed is None else view.rows_of(allowed)
        return ids, best_scores(self._shards, view.view, np.asarray(rows), vector)

    def _ready_scores(self, view: ViewIndex, vectors: NDArray[np.float32]) -> Scores:
        """(P,) over all of a small view without IVF-PQ, whose vectors are kept ready (40 MB at most)."""
        each, rows = vectors_per_panel(self._shards, view.view), np.asarray(view.rows)
        if view.view not in self._matrices:
            wholes = self._shards.read(view.view, rows)
            parts = self._shards.read_regions(rows) if each > 1 else np.empty((0, DIMENSION), np.float32)
            self._matrices[view.view] = np.concatenate([wholes, parts])
        best: Scores = exact_scores(self._matrices[view.view], vectors).max(axis=0)
        windows = best[len(rows) :].reshape(len(rows), each - 1)
        return np.maximum(best[: len(rows)], windows.max(axis=1)) if each > 1 else best

    # -------------------------------------------------------------------- words

    def _word_ranking(self, query: Query, view: ViewIndex, where: Filter) -> _Words:
        """The panels that say the query's words; empty for queries that are not about dialogue."""
        terms = tokens(query.query_text)[:_MOST_WORDS] if view.view is not View.PICTURE else []
        if not terms:
            return _Words([], {}, np.empty(0, np.int64), False)
        weights = idf(terms, self._catalog.word_counts(terms), len(self._views[View.DIALOGUE]))
        limit = max(_WORD_CANDIDATES, 2 * (query.offset + query.k))
        ids = self._catalog.word_candidates(terms, limit, where)
        return _Words(terms, weights, np.array(ids, dtype=np.int64), query.image is not None)

    # ------------------------------------------------------------------ ranking

    def _rank(
        self, ids: NDArray[np.int64], scores: NDArray[np.float32], words: _Words, needed: int
    ) -> Iterator[Candidate]:
        """All candidates in order; words are read only where they can matter."""
        if not words.terms:
            order = top(scores, ids, len(ids))
            return (Candidate(int(ids[i]), float(scores[i]), _NO_WORDS, float(scores[i])) for i in order)
        best = top(scores, ids, max(_WORD_CANDIDATES, 2 * needed))
        near = np.union1d(ids[best], np.intersect1d(ids, words.ids))
        matches = {
            panel.id: lexical_match(words.terms, panel.dialogue, words.weights)
            for panel in self._catalog.panels(near).values()
        }
        share = np.array([matches.get(int(i), _NO_WORDS).coverage for i in ids], np.float32)
        keys = scores + words.worth(share)
        order = top(keys, ids, len(ids))
        return (
            Candidate(int(ids[i]), float(scores[i]), matches.get(int(ids[i]), _NO_WORDS), float(keys[i])) for i in order
        )

    def _rank_by_windows(
        self, view: ViewIndex, ids: NDArray[np.int64], scores: Scores, windows: tuple[NDArray[np.float32], ...]
    ) -> Iterator[Candidate]:
        """All candidates in order: the nearest by score and what they show of the picture, then the others."""
        order = top(scores, ids, len(ids))
        near, others = order[:_SHOWN_AMONG], order[_SHOWN_AMONG:]
        keys = scores.copy()
        if len(near):
            near = near[np.argsort(ids[near])]  # as `rows_of` gives them
            keys[near] += region_coverage(self._shards, view.view, view.rows_of(ids[near])[1], windows)
            near = near[top(keys[near], ids[near], len(near))]
            keys[others] += min(keys[near[-1]] - scores[order[_SHOWN_AMONG - 1]], 0) if len(others) else 0
        return (
            Candidate(int(ids[i]), float(scores[i]), _NO_WORDS, float(keys[i])) for i in np.concatenate([near, others])
        )

    def _pick(
        self, query: Query, view: ViewIndex, groups: GroupLimits, ranked: Iterator[Candidate]
    ) -> list[tuple[Candidate, Panel]]:
        """The first `needed` of a ranking that exist, score enough and leave room for other pages and books.

        A panel that a running build has encoded again is left out until its generation is there: its score
        here is that of the vector it had.
        """
        groups.clear()
        found: list[tuple[Candidate, Panel]] = []
        at_once = groups.needed + 4  # most often the first look is enough
        while part := list(islice(ranked, min(at_once, _ROWS_AT_ONCE))):
            at_once *= 4
            panels = self._catalog.panels([r.id for r in part])
            ids, rows = view.rows_of(np.array([r.id for r in part], np.int64))
            scored = dict(zip(ids.tolist(), rows.tolist(), strict=True))
            for item in part:
                panel = panels.get(item.id)
                if (
                    panel is not None
                    and panel.vector_row == scored[item.id]
                    and self._wanted(query, item)
                    and groups.admit(panel)
                ):
                    found.append((item, panel))
                if len(found) >= groups.needed:
                    return found
        return found

    def _wanted(self, query: Query, item: Candidate) -> bool:
        if query.min_score is not None and item.score < query.min_score:
            return False
        return query.include_self or item.id != query.panel


def _lowest_sure(scores: Scores, query: Query) -> float:
    """Above this key nothing can come that was not among the candidates."""
    asked = max(CANDIDATES, 4 * (query.offset + query.k))
    return float(np.partition(scores, -asked)[-asked]) if asked < len(scores) else float(scores.min(initial=np.inf))


@dataclass(frozen=True, slots=True)
class _Words:
    """The query's words, their rarity, the panels that say some of them, and whether a picture was given as well."""

    terms: list[str]
    weights: dict[str, float]
    ids: NDArray[np.int64]
    with_picture: bool

    def worth(self, share: Scores) -> Scores:
        """What each panel's share of the words counts beside its cosine."""
        if self.with_picture:
            return np.float32(WORDS_WEIGHT_WITH_PICTURE) * share
        third = np.partition(share, -3)[-3] if len(share) > 2 else np.float32(0)
        margin = np.maximum(share - third, 0)
        worth = WORDS_WEIGHT * share**WORDS_POWER + STANDOUT_WEIGHT * margin**STANDOUT_POWER
        return np.asarray(worth, np.float32)


class GroupLimits:
    """Counts hits per page and book so that one of them does not fill the list."""

    def __init__(self, query: Query) -> None:
        self.needed = query.offset + query.k
        self._limits = (query.per_page, query.per_book)
        self._seen: dict[tuple[str, int], int] = {}

    def clear(self) -> None:
        self._seen.clear()

    def admit(self, panel: Panel) -> bool:
        """Whether the panel may be added; counts it if so."""
        keys = (("page", panel.page_id), ("book", panel.book_id))
        full = any(
            limit is not None and self._seen.get(key, 0) >= limit for key, limit in zip(keys, self._limits, strict=True)
        )
        if not full:
            for key in keys:
                self._seen[key] = self._seen.get(key, 0) + 1
        return not full


def explain_match(query: Query, words: LexicalMatch) -> MatchedOn:
    """Why a panel was found: its picture, its words, or both."""
    view = query.resolved_view()
    if view is View.FUSED:
        if query.panel is not None or (query.image is not None and words.words):
            return "both"
        return "picture" if query.image is not None else "words"
    return "picture" if view is View.PICTURE else "words"
