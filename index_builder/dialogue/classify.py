"""Classification of text: dialogue (balloons, captions), or sound effects, signatures, page numbers and noise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from index_builder.dialogue.assignment import intersection_area
from index_builder.dialogue.balloons import Balloon
from index_builder.dialogue.cleaning import is_cjk
from retrieval.records import Box

_MIN_SCORE = 0.6
"""OCR score, 0-1, below which text is noise more often than dialogue."""

_SOUND_EFFECT_HEIGHT = 3.0
"""Letter height from which a short text is a sound effect, as a multiple of the page's median letter height."""

_SOUND_EFFECT_WORDS = 2
"""Most words of a sound effect."""

_SOUND_EFFECT_SLANT = 20.0
"""Slant in degrees from which a short text is a sound effect."""

_MIN_LETTERS = 2
"""Fewest letters of dialogue: a single letter is a piece of the drawing more often. One is enough in CJK text."""

_RUNNING_HEAD_WORDS = 3
"""Most words of a running head."""

_MARGIN = 0.04
"""Height of the top and bottom margin with running heads and page numbers, as a fraction of the page height."""

_IN_PANEL = 0.3
"""Share of a text's area that must lie in panels; a text with less is outside of them."""

_CREDIT = re.compile(
    r"\bwww\.|https?:|\.(com|org|net)\b|[\w.]+@[\w.]+|\u00a9|\(c\)|\bcopyright\b|\blicen[sc]ed?\b|creative commons"
    r"|\b(art|artwork|story|script|scenario|translation|lettering|colou?rs)\b[^.!?]{0,24}(\bby\b|:)",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(r"[-\u2013\s]*(page\s*)?\d{1,4}[-\u2013\s]*", re.IGNORECASE)


def is_dialogue(
    balloon: Balloon, letter_height: float, panels: Sequence[Box], page_size: tuple[int, int], *, cjk: bool
) -> bool:
    """Return True if a text is dialogue or narration.

    letter_height: median of the page. panels: their boxes. page_size: width and height in pixels. cjk: the page is
    written in Chinese or Japanese.
    """
    letters = sum(c.isalnum() for c in balloon.text)
    if balloon.score < _MIN_SCORE or letters < (1 if cjk else _MIN_LETTERS) or (not cjk and is_cjk(balloon.text)):
        return False
    if _CREDIT.search(balloon.text) or _is_marginal(balloon, panels, page_size):
        return False
    short = len(balloon.text.split()) <= _SOUND_EFFECT_WORDS
    slant = max(line.slant for line in balloon.lines)
    return not (short and (balloon.height > _SOUND_EFFECT_HEIGHT * letter_height or slant > _SOUND_EFFECT_SLANT))


def median_letter_height(balloons: Sequence[Balloon]) -> float:
    """Return the median line height over all characters of a page, in pixels; 0 for a page without text."""
    heights = [line.height for b in balloons for line in b.lines if line.score >= _MIN_SCORE for _ in line.text]
    return median(heights) if heights else 0.0


def _is_marginal(balloon: Balloon, panels: Sequence[Box], page_size: tuple[int, int]) -> bool:
    """Return True for a page number or a running head outside all panels."""
    box = balloon.box
    if sum(intersection_area(box, panel) for panel in panels) > _IN_PANEL * box.w * box.h:
        return False
    if _PAGE_NUMBER.fullmatch(balloon.text):
        return True
    margin = _MARGIN * page_size[1]
    short = len(balloon.lines) == 1 and len(balloon.text.split()) <= _RUNNING_HEAD_WORDS
    return short and (box.y + box.h < margin or box.y > page_size[1] - margin)
