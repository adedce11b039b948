"""What the view `search` does, without the page: plain values in, plain records out. No Gradio, no HTML.

Nothing here remembers anybody's question: whoever asks brings it along, so two people never share one.
"""

from __future__ import annotations

import io
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from retrieval.errors import PictureError, SourceError, UsageError
from retrieval.images.decode import open_image
from retrieval.index import PanelIndex
from retrieval.overview.calibration import query_type
from retrieval.overview.facets import Facet
from retrieval.records import Panel, View
from retrieval.search.hits import Hit, MatchedOn
from retrieval.search.query import Query
from ui.output.hit_json import hit_as_dict
from ui.web.search.question import FILTERS, MAX_WORDS, Crop, Question
from ui.web.search.welcome import glance

log = logging.getLogger("panelseek.page")

AT_ONCE = 36
"""Hits that an answer begins with, and that each `More` adds."""

FOR_PROGRAMS = 24
"""Hits that programs get."""

MOST_HITS = 480
"""`More` stops here, and says so: nobody looks at more."""

MOST_LISTED = 50
"""Values of a filter that are listed, those of most panels."""

MOST_FOLDED = 24
"""Panels that unfold below one; the rest of them is a search of its own."""

MAX_UPLOAD_BYTES = 50 * 2**20
MAX_UPLOAD_PIXELS = 120_000_000

_PREVIEW = 900


@dataclass(frozen=True, slots=True)
class Card:
    """One hit as it is shown; `folded` are the other hits of its page or book, `more_folded` how many more there are.

    `strength`: what it was ordered by, comparable with what strangers reach.
    """

    rank: int
    score: float
    panel: Panel
    matched_on: MatchedOn
    matched_words: tuple[str, ...]
    view: View = View.PICTURE
    ranking_score: float = 0.0
    grouped: tuple[Card, ...] = ()
    more_grouped: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """Hits `start` + 1 and on of the answer to a question: how many panels were searched, and how long that took.

    asked: what the question asks with (`query_type`), None where it only browses. twice: whether words
    were compared with what is said and with what is drawn. cut: whether there are more than `MOST_HITS`, and these end
    there.
    """

    question: Question
    view: View
    cards: tuple[Card, ...]
    searched: int
    seconds: float
    more: bool
    start: int = 0
    asked: str | None = None
    twice: bool = False
    cut: bool = False
    like: Panel | None = None
    elsewhere: Panel | None = None


def ask(index: PanelIndex, question: Question, start: int = 0, count: int | None = None) -> Results:
    """Hits from `start` on; without anything to search for, the panels that the filters leave, in story order.

    Raises `PanelseekError` for a question that makes no sense or a picture that cannot be read.
    """
    index.refresh()
    count = count or AT_ONCE
    if not question.asks:
        return _browse(index, question, start, count)
    like = None if question.like is None else index.panel(question.like)
    elsewhere = None if question.elsewhere is None else index.panel(question.elsewhere)
    left_out = {panel.id for panel in (like, elsewhere) if panel}
    end = min(start + count, MOST_HITS)
    query = _query(index, question, like, k=end + len(left_out) + 1)  # one more than shown tells whether there is more
    started = time.perf_counter()
    answers = index.search_many([query, *_folded(query, question.fold)])
    seconds = time.perf_counter() - started
    hits = [hit for hit in answers[0] if hit.panel.id not in left_out]
    others = [hit for answer in answers[1:] for hit in answer if hit.panel.id not in left_out]
    return Results(
        question=question,
        view=query.resolved_view(),
        cards=_cards(hits[start:end], others, question.fold),
        searched=_searched(index, question, None if query.searches_two_views else query.resolved_view()),
        seconds=seconds,
        more=len(hits) > end and end < MOST_HITS,
        start=start,
        asked=query_type(query),
        twice=query.searches_two_views,
        cut=len(hits) > end == MOST_HITS,
        like=like,
        elsewhere=elsewhere,
    )


def search_panels(index: PanelIndex, question: Question) -> dict[str, Any]:
    """The same search as one JSON object, as `panelseek search --json` prints it."""
    if not question.asks:
        raise UsageError("Type some words, or add a picture: there is nothing to search for yet.")
    results = ask(index, question, count=FOR_PROGRAMS)
    return {
        "query": {"text": question.text.strip() or None, "picture": question.picture is not None},
        "view": str(results.view),
        "hits": [hit_as_dict(card) for card in results.cards],
    }


def _query(index: PanelIndex, question: Question, like: Panel | None, k: int) -> Query:
    text = question.text[:MAX_WORDS].strip() or None
    as_it_is = like is not None and text is None and question.crop is None
    return Query(
        text=text,
        image=None if as_it_is else picture(index, question, like),
        panel=like.id if as_it_is and like else None,
        view=question.view,
        negative_text=question.without[:MAX_WORDS].strip() or None,
        words_in=question.words_in if text or question.without else None,
        where=question.filters(),
        k=k,
        per_page=1 if question.fold == "page" else None,
        per_book=1 if question.fold == "book" else None,
        include_self=False,
    )


def _folded(query: Query, fold: str) -> list[Query]:
    """The same question without folding, to see what lies in the folds."""
    return [replace(query, k=MOST_HITS, per_page=None, per_book=None)] if fold else []


def _cards(hits: Sequence[Hit], others: Sequence[Hit], fold: str) -> tuple[Card, ...]:
    if not fold:
        return tuple(_card(hit) for hit in hits)
    groups: dict[int, list[Hit]] = defaultdict(list)
    for other in others:
        groups[_group(other.panel, fold)].append(other)
    return tuple(_with_folded(hit, groups[_group(hit.panel, fold)]) for hit in hits)


def _group(panel: Panel, fold: str) -> int:
    return panel.page_id if fold == "page" else panel.book_id


def _with_folded(hit: Hit, group: list[Hit]) -> Card:
    rest = [other for other in group if other.panel.id != hit.panel.id]
    folded = tuple(_card(other) for other in rest[:MOST_FOLDED])
    return replace(_card(hit), grouped=folded, more_grouped=max(0, len(rest) - MOST_FOLDED))


def _card(hit: Hit) -> Card:
    return Card(hit.rank, hit.score, hit.panel, hit.matched_on, hit.matched_words, hit.view, hit.ranking_score)


def _browse(index: PanelIndex, question: Question, start: int, count: int) -> Results:
    if question.without.strip() and not question.where:
        raise UsageError("Words to take away are no question by themselves: say what to look for as well.")
    if question.empty:
        raise UsageError("Type some words, or add a picture: there is nothing to search for yet.")
    where = question.filters()
    started = time.perf_counter()
    end = min(start + count, MOST_HITS)
    panels = index.browse(where, k=end - start, offset=start) if start < end else []
    total = index.count(where)
    return Results(
        question=question,
        view=View.PICTURE,
        cards=tuple(Card(start + place, 0.0, panel, "picture", ()) for place, panel in enumerate(panels, 1)),
        searched=total,
        seconds=time.perf_counter() - started,
        more=end < min(total, MOST_HITS),
        start=start,
        cut=total > end == MOST_HITS,
    )


def _searched(index: PanelIndex, question: Question, view: View | None) -> int:
    """How many panels the question was compared with; `view` None where that was done in two views."""
    where = question.filters()
    if view is View.DIALOGUE:
        where.setdefault("has_dialogue", True)
        if not where["has_dialogue"]:
            return 0
    if not question.where:
        return glance(index).with_words if view is View.DIALOGUE else glance(index).panels
    return index.count(where)


# ------------------------------------------------------------------------- facets


def narrowing(index: PanelIndex, question: Question) -> dict[str, tuple[Facet, ...]]:
    """For every filter its values among the panels that the other filters leave; filters without values are left out.

    So a filter in use still shows what else could be chosen; it is there also when nothing is left, to be taken away.
    """
    chosen = question.filters()
    found = dict(index.facets(chosen, MOST_LISTED))
    for name in chosen:
        found[name] = index.facets({n: v for n, v in chosen.items() if n != name}, MOST_LISTED).get(name, ())
    return {name: found[name] for name in FILTERS if found.get(name) or name in chosen}


# ------------------------------------------------------------------------- pictures


def picture(index: PanelIndex, question: Question, like: Panel | None = None) -> Image.Image | None:
    """The picture that asks, cropped: an upload, or that of a panel; None where none does."""
    if like is not None:
        return cropped(panel_picture(index, like), question.crop)
    if question.picture is not None:
        return cropped(read_upload(question.picture), question.crop)
    return None


def panel_picture(index: PanelIndex, panel: Panel) -> Image.Image:
    """A panel's picture from the comics, the index's small one where they are out of reach."""
    try:
        return index.panel_image(panel)
    except (SourceError, PictureError) as error:
        log.warning("panel %d from its small picture: %s", panel.id, error)
        return open_image(index.thumbnail(panel))


def cropped(image: Image.Image, crop: Crop | None) -> Image.Image:
    """The part of a picture, at least a pixel of it."""
    if crop is None:
        return image
    left, top = int(crop.left * image.width), int(crop.top * image.height)
    left, top = min(left, image.width - 1), min(top, image.height - 1)
    right, bottom = round((crop.left + crop.width) * image.width), round((crop.top + crop.height) * image.height)
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def preview(path: str) -> bytes:
    """An upload as the page shows it, upright, WebP bytes, longest side at most 900 px."""
    small = read_upload(path)
    small.thumbnail((_PREVIEW, _PREVIEW), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=1)
    return out.getvalue()


def read_upload(path: str) -> Image.Image:
    """An uploaded picture, decoded within the page's bounds. Raises `PictureError` without naming any path."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_UPLOAD_BYTES + 1)
    except OSError:
        raise PictureError("The picture is no longer here (uploads are kept for an hour): add it again.") from None
    try:
        return open_image(data, max_pixels=MAX_UPLOAD_PIXELS, max_bytes=MAX_UPLOAD_BYTES)
    except PictureError as error:
        # the hint names an option of the command line
        raise PictureError(f"This picture cannot be used: {error.problem}.") from error
