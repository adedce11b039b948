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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from retrieval.errors import PanelseekError
from retrieval.records import Panel, View
from retrieval.search.ranking.text_match import tokens
from retrieval.search.sampling import interleave
from retrieval.search.searcher import Hit, Query
from retrieval.store.generation import folder_of

if TYPE_CHECKING:
    from retrieval.index import PanelIndex

log = logging.getLogger("panelseek")

Asked = Literal["picture", "words", "both", "panel"]

STRANGERS = 96
"""Panels that ask: enough for a tenth to be told from a fifth, few enough for a second or two."""

FEWEST = 12
"""With fewer strangers nothing is said."""

SHARE = 0.9
"""Of strangers stay below the line."""

WORDS = 5
"""Consecutive words of a panel's dialogue that make a question."""

FILE = "closeness.json"
_SEED = 5
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Closeness:
    """What strangers reach in one view for one kind of question.

    strength: the line, None where the library is too small to tell. strangers: how many were looked at; middle: the
    strength that half of them reach.
    """

    view: View
    asked: Asked
    strength: float | None
    middle: float | None
    strangers: int

    def holds(self, strength: float) -> bool | None:
        """Whether a hit of this strength is closer than strangers are; None where nobody can tell."""
        return None if self.strength is None else strength > self.strength


def kind_of(query: Query) -> Asked:
    """What a query asks with."""
    if query.panel is not None:
        return "panel"
    if query.image is not None:
        return "both" if query.words else "picture"
    return "words"


NATURAL: dict[View, Asked] = {View.PICTURE: "picture", View.DIALOGUE: "words", View.FUSED: "both"}
"""What people mostly ask each view with."""


def is_close(index: PanelIndex, query: Query, hits: Sequence[Hit]) -> bool | None:
    """Whether a query's first hits are closer than strangers; None where nobody can tell.

    The panel that asks does not count as a hit of itself.
    """
    others = [hit for hit in hits if hit.panel.id != query.panel]
    if not others:
        return False
    strongest = {hit.view: max(h.strength for h in others if h.view is hit.view) for hit in others}
    said = [index.closeness(view, kind_of(query)).holds(strength) for view, strength in strongest.items()]
    return True if True in said else (None if None in said else False)


def measure(index: PanelIndex, view: View, asked: Asked, *, gently: bool = False) -> Closeness:
    """Look at strangers; remembered beside the generation where that can be written.

    gently: in small steps, each followed by a rest twice as long.
    """
    known = measured(index, view, asked)
    if known is not None:
        return known
    found = _judged(view, asked, strangers(index, view, asked, gently=gently))
    path = _file(index)
    _write(path, {**_read(path), _key(view, asked): asdict(found)})
    return found


def measured(index: PanelIndex, view: View, asked: Asked) -> Closeness | None:
    """What an earlier look at strangers found; None where nobody looked."""
    found = _read(_file(index)).get(_key(view, asked))
    if found is None:
        return None
    return Closeness(view, asked, found["strength"], found["middle"], int(found["strangers"] or 0))


def _file(index: PanelIndex) -> Path:
    return folder_of(index.folder, index.generation.number) / FILE


def _key(view: View, asked: Asked) -> str:
    return f"{view}/{asked}"


def _judged(view: View, asked: Asked, reached: Sequence[float]) -> Closeness:
    if len(reached) < FEWEST:
        return Closeness(view, asked, None, None, len(reached))
    middle, line = np.quantile(reached, (0.5, SHARE))
    return Closeness(view, asked, round(float(line), 5), round(float(middle), 5), len(reached))


# -------------------------------------------------------------------- strangers


def strangers(
    index: PanelIndex, view: View, asked: Asked, count: int = STRANGERS, *, gently: bool = False
) -> list[float]:
    """The strength of the best hit in another book for each of `count` panels; in a library of one book, of the best
    hit that is not on the same page or the next to it.
    """
    panels = _panels(index, view, asked, count)
    apart = len(index.books()) > 1
    reached = []
    at_once = 2 if gently else _AT_ONCE
    for start in range(0, len(panels), at_once):
        began = time.perf_counter()
        some = [(p, q) for p in panels[start : start + at_once] if (q := _question(index, p, view, asked, apart))]
        answers = index.search_many([query for _, query in some])
        for (panel, _), hits in zip(some, answers, strict=True):
            others = [hit.strength for hit in hits if _stranger(hit.panel, panel, apart)]
            reached += others[:1]
        if gently:
            time.sleep(2 * (time.perf_counter() - began))
    return reached


def _stranger(hit: Panel, panel: Panel, apart: bool) -> bool:
    return hit.book_id != panel.book_id if apart else abs(hit.page - panel.page) > 1


def _question(index: PanelIndex, panel: Panel, view: View, asked: Asked, apart: bool) -> Query | None:
    """The panel as a person would ask for it; None where its picture cannot be had."""
    # two books, or the page itself, the two beside it and one more
    first = Query(view=view, k=2, per_book=1) if apart else Query(view=view, k=4, per_page=1)
    if asked == "panel":
        return replace(first, panel=panel.id, include_self=False)
    text = _line(panel) if asked != "picture" else None
    try:
        image = Image.open(io.BytesIO(index.thumbnail(panel))) if asked != "words" else None
    except PanelseekError as error:
        log.debug("panel %d does not ask: %s", panel.id, error)
        return None
    return replace(first, text=text, image=image)


def _line(panel: Panel) -> str:
    """Five words in a row from the middle of a panel's dialogue, as they are written."""
    written = panel.dialogue.split()
    start = max(0, (len(written) - WORDS) // 2)
    return " ".join(written[start : start + WORDS])


def _panels(index: PanelIndex, view: View, asked: Asked, count: int) -> list[Panel]:
    """Panels that can ask, drawn at random, of each book in turn."""
    ids = index.generation.views[View.DIALOGUE if view is View.DIALOGUE or asked in ("words", "both") else view].ids
    drawn = np.random.default_rng(_SEED).permutation(ids)[: 20 * count]
    books: dict[int, list[Panel]] = {}
    panels = index.catalog.panels(drawn)
    for panel in (panels[i] for i in drawn.tolist() if i in panels):
        if asked in ("picture", "panel") or len(tokens(panel.dialogue)) >= WORDS:
            books.setdefault(panel.book_id, []).append(panel)
    return interleave(books.values())[:count]


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
