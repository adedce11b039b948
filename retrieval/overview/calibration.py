"""When nothing is close: what strangers reach in this library, measured instead of a fixed cut.

Panels of the library are asked as a person asks (their small picture, five words in a row that they say, both, or the
panel itself), and the best hit that lies in another book is looked at: it is a stranger, however well it scores. A
question whose best hit is no stronger than all but a tenth of such strangers has found nothing close.

The strength of a hit is what it was ordered by (`Hit.strength`), so that words that are said and windows that are
shown count as they do in the ranking.
"""

from __future__ import annotations

import io
import json
import logging
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from retrieval.errors import PanelseekError
from retrieval.records import Panel, View
from retrieval.search.ranking.text_match import tokens
from retrieval.search.searcher import Hit, Query
from retrieval.store.generation import generation_folder

if TYPE_CHECKING:
    from retrieval.index import PanelIndex

log = logging.getLogger("panelseek")

QueryType = Literal["picture", "words", "both", "panel"]

SAMPLE = 96
"""Panels that ask: enough for a tenth to be told from a fifth, few enough for a second or two."""

MIN_SAMPLE = 12
"""With fewer strangers nothing is said."""

QUANTILE = 0.9
"""Of strangers stay below the line."""

QUERY_WORDS = 5
"""Consecutive words of a panel's dialogue that make a question."""

FILE = "closeness.json"
_SEED = 5
_BATCH = 16


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """What strangers reach in one view for one kind of question.

    value: the line, None where the library is too small to tell. strangers: how many were looked at; middle: the
    strength that half of them reach.
    """

    view: View
    query_type: QueryType
    value: float | None
    median: float | None
    sample_size: int

    def exceeded_by(self, strength: float) -> bool | None:
        """Whether a hit of this strength is closer than strangers are; None where nobody can tell."""
        return None if self.value is None else strength > self.value


def query_type(query: Query) -> QueryType:
    """What a query asks with."""
    if query.panel is not None:
        return "panel"
    if query.image is not None:
        return "both" if query.query_text else "picture"
    return "words"


DEFAULT_QUERY_TYPE: dict[View, QueryType] = {View.PICTURE: "picture", View.DIALOGUE: "words", View.FUSED: "both"}
"""What people mostly ask each view with."""


def is_close(index: PanelIndex, query: Query, hits: Sequence[Hit]) -> bool | None:
    """Whether a query's first hits are closer than strangers; None where nobody can tell.

    The panel that asks does not count as a hit of itself.
    """
    others = [hit for hit in hits if hit.panel.id != query.panel]
    if not others:
        return False
    strongest = {hit.view: max(h.ranking_score for h in others if h.view is hit.view) for hit in others}
    said = [index.closeness(view, query_type(query)).exceeded_by(strength) for view, strength in strongest.items()]
    return True if True in said else (None if None in said else False)


def measure_threshold(index: PanelIndex, view: View, asked: QueryType, *, gently: bool = False) -> ScoreThreshold:
    """Look at strangers; remembered beside the generation where that can be written.

    gently: in small steps, each followed by a rest twice as long.
    """
    known = cached_threshold(index, view, asked)
    if known is not None:
        return known
    found = _threshold(view, asked, impostor_scores(index, view, asked, gently=gently))
    path = _file(index)
    _write(path, {**_read(path), _key(view, asked): asdict(found)})
    return found


def cached_threshold(index: PanelIndex, view: View, asked: QueryType) -> ScoreThreshold | None:
    """What an earlier look at strangers found; None where nobody looked."""
    found = _read(_file(index)).get(_key(view, asked))
    if found is None:
        return None
    return ScoreThreshold(view, asked, found["strength"], found["middle"], int(found["impostor_scores"] or 0))


def _file(index: PanelIndex) -> Path:
    return generation_folder(index.folder, index.generation.number) / FILE


def _key(view: View, asked: QueryType) -> str:
    return f"{view}/{asked}"


def _threshold(view: View, asked: QueryType, reached: Sequence[float]) -> ScoreThreshold:
    if len(reached) < MIN_SAMPLE:
        return ScoreThreshold(view, asked, None, None, len(reached))
    middle, line = np.quantile(reached, (0.5, QUANTILE))
    return ScoreThreshold(view, asked, round(float(line), 5), round(float(middle), 5), len(reached))


# -------------------------------------------------------------------- strangers


def impostor_scores(
    index: PanelIndex, view: View, asked: QueryType, count: int = SAMPLE, *, gently: bool = False
) -> list[float]:
    """The strength of the best hit in another book for each of `count` panels; in a library of one book, of the best
    hit that is not on the same page or the next to it.
    """
    panels = _sample_panels(index, view, asked, count)
    apart = len(index.books()) > 1
    reached = []
    at_once = 2 if gently else _BATCH
    for start in range(0, len(panels), at_once):
        began = time.perf_counter()
        some = [(p, q) for p in panels[start : start + at_once] if (q := _sample_query(index, p, view, asked, apart))]
        answers = index.search_many([query for _, query in some])
        for (panel, _), hits in zip(some, answers, strict=True):
            others = [hit.ranking_score for hit in hits if _is_impostor(hit.panel, panel, apart)]
            reached += others[:1]
        if gently:
            time.sleep(2 * (time.perf_counter() - began))
    return reached


def _is_impostor(hit: Panel, panel: Panel, apart: bool) -> bool:
    return hit.book_id != panel.book_id if apart else abs(hit.page_number - panel.page_number) > 1


def _sample_query(index: PanelIndex, panel: Panel, view: View, asked: QueryType, apart: bool) -> Query | None:
    """The panel as a person would ask for it; None where its picture cannot be had."""
    # two books, or the page itself, the two beside it and one more
    first = Query(view=view, k=2, per_book=1) if apart else Query(view=view, k=4, per_page=1)
    if asked == "panel":
        return replace(first, panel=panel.id, include_self=False)
    text = _sample_words(panel) if asked != "picture" else None
    try:
        image = Image.open(io.BytesIO(index.thumbnail(panel))) if asked != "words" else None
    except PanelseekError as error:
        log.debug("panel %d does not ask: %s", panel.id, error)
        return None
    return replace(first, text=text, image=image)


def _sample_words(panel: Panel) -> str:
    """Five words in a row from the middle of a panel's dialogue, as they are written."""
    written = panel.dialogue.split()
    start = max(0, (len(written) - QUERY_WORDS) // 2)
    return " ".join(written[start : start + QUERY_WORDS])


def _sample_panels(index: PanelIndex, view: View, asked: QueryType, count: int) -> list[Panel]:
    """Panels that can ask, drawn at random, of each book in turn."""
    ids = index.generation.views[View.DIALOGUE if view is View.DIALOGUE or asked in ("words", "both") else view].ids
    drawn = np.random.default_rng(_SEED).permutation(ids)[: 20 * count]
    books: dict[int, list[Panel]] = {}
    panels = index.catalog.panels(drawn)
    for panel in (panels[i] for i in drawn.tolist() if i in panels):
        if asked in ("picture", "panel") or len(tokens(panel.dialogue)) >= QUERY_WORDS:
            books.setdefault(panel.book_id, []).append(panel)
    turns: Iterable[tuple[Panel | None, ...]] = zip_longest(*books.values())
    return [panel for turn in turns for panel in turn if panel is not None][:count]


# --------------------------------------------------------------------- the file


def _read(path: Path) -> dict[str, dict[str, float | None]]:
    try:
        known = json.loads(path.read_text())
        return {key: dict(value) for key, value in known.items() if {"strength", "middle", "strangers"} <= set(value)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(path: Path, known: dict[str, dict[str, float | None]]) -> None:
    """Where the index cannot be written, the next process measures again."""
    beside = path.with_name(f"{FILE}.{os.getpid()}")
    with suppress(OSError):
        beside.write_text(json.dumps(known, indent=1))
        beside.replace(path)
