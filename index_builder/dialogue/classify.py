"""Which lettering is dialogue (balloons, captions) and which is kept apart: sound effects, signatures, page numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from index_builder.dialogue.assignment import common
from index_builder.dialogue.balloons import Balloon
from index_builder.dialogue.cleaning import is_wide
from retrieval.records import Box

_SURE = 0.6
"""Less sure readings are noise more often than words."""
_LOUD = 3.0
"""Lettering this many times as high as the page's usual is drawn, not set."""
_FEW = 2
"""Words of a sound effect, at most."""
_SLANTED = 20.0
"""Degrees from which a short text was drawn into the picture."""
_LETTERS = 2
"""A single letter is a piece of a drawing more often than a word; not so in scripts with wide signs."""
_HEAD = 3
"""Words of a running head, at most."""
_MARGIN = 0.04
"""Part of the page's height at its top and bottom where running heads and page numbers stand."""
_INSIDE = 0.3
"""Of a text, so much lies in panels, else it stands outside of them."""
_CREDIT = re.compile(
    r"\bwww\.|https?:|\.(com|org|net)\b|[\w.]+@[\w.]+|\u00a9|\(c\)|\bcopyright\b|\blicen[sc]ed?\b|creative commons"
    r"|\b(art|artwork|story|script|scenario|translation|lettering|colou?rs)\b[^.!?]{0,24}(\bby\b|:)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-\u2013\s]*(page\s*)?\d{1,4}[-\u2013\s]*", re.IGNORECASE)


def is_dialogue(balloon: Balloon, usual: float, panels: Sequence[Box], page: tuple[int, int], wide: bool) -> bool:
    """Whether a text is said or told.

    usual: the page's letter height; panels: their boxes; page: width and height in pixels; wide: whether the page is
    written in a script such as Japanese.
    """
    least = 1 if wide else _LETTERS
    if balloon.score < _SURE or sum(c.isalnum() for c in balloon.text) < least or (not wide and is_wide(balloon.text)):
        return False
    if _CREDIT.search(balloon.text) or _outside(balloon, panels, page):
        return False
    few = len(balloon.text.split()) <= _FEW
    slant = max(line.slant for line in balloon.lines)
    return not (few and (balloon.height > _LOUD * usual or slant > _SLANTED))


def usual_height(balloons: Sequence[Balloon]) -> float:
    """The letter height of a page: of the line in which its middle letter stands; 0 where there is none."""
    heights = [line.height for b in balloons for line in b.lines if line.score >= _SURE for _ in line.text]
    return median(heights) if heights else 0.0


def _outside(balloon: Balloon, panels: Sequence[Box], page: tuple[int, int]) -> bool:
    """Whether it is a number, or a line at the page's edge, that stands in no panel."""
    box = balloon.box
    if sum(common(box, panel) for panel in panels) > _INSIDE * box.w * box.h:
        return False
    if _NUMBER.fullmatch(balloon.text):
        return True
    edge = _MARGIN * page[1]
    head = len(balloon.lines) == 1 and len(balloon.text.split()) <= _HEAD
    return head and (box.y + box.h < edge or box.y > page[1] - edge)
