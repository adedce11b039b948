"""Text about panels, as plain text: templates turn it into HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.records import Panel

_ALT_CHARS = 120
_EXCERPT_CHARS = 140
_TWO_LINES = 60
"""Characters of two lines on a card of middling width."""

_WORD = re.compile(r"(?:\S+-[ \t]*\n\s*)*\S+")
_LINE_END_HYPHEN = re.compile(r"-\s*\n\s*")

Piece = tuple[str, bool]
"""A piece of text, and whether it is marked as matched."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Two lines of dialogue. starts_late: True if text before them was left out."""

    pieces: tuple[Piece, ...]
    starts_late: bool


def describe(panel: Panel) -> str:
    """Return a panel in one line, for screen readers: "Panel 3 on page 7 of Book: 'dialogue…'"."""
    place = f"Panel {panel.number} on page {panel.page_number} of {panel.book}"
    dialogue = one_line(panel.dialogue)
    return f"{place}: '{shorten(dialogue, _ALT_CHARS)}'" if dialogue else f"{place}, no dialogue"


def one_line(text: str) -> str:
    """Return text with every run of white space as one space."""
    return " ".join(text.split())


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters, cut at a space if there is one in the second half."""
    text = text.strip()
    if len(text) <= length:
        return text
    cut = text[:length]
    space = cut.rfind(" ")
    return (cut[:space] if space > length // 2 else cut).rstrip() + "…"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: "1 page", "1,200 pages"."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def excerpt(dialogue: str, words: Iterable[str]) -> Excerpt:
    """Return the two lines of dialogue that hold the most different matched words."""
    matched = set(words)
    start = _best_start(dialogue, matched)
    return Excerpt(marked(shorten(dialogue[start:], _EXCERPT_CHARS), matched), start > 0)


def _best_start(dialogue: str, matched: set[str]) -> int:
    """Return where the matched word stands that has the most others in the two lines after it.

    0 if the beginning has as many.
    """
    found = [(m.start(), _rejoined(m.group())) for m in _WORD.finditer(dialogue) if _rejoined(m.group()) in matched]

    def in_reach(start: int) -> int:
        return len({word for at, word in found if start <= at < start + _TWO_LINES})

    best = max((at for at, _ in found), key=in_reach, default=0)
    return best if in_reach(best) > in_reach(0) else 0


def marked(dialogue: str, words: Iterable[str]) -> tuple[Piece, ...]:
    """Return dialogue in pieces, the matched words (as they are written there) marked."""
    matched = set(words)
    pieces: list[Piece] = []
    end = 0
    for match in _WORD.finditer(dialogue):
        if _rejoined(match.group()) in matched:
            pieces += [(dialogue[end : match.start()], False), (match.group(), True)]
            end = match.end()
    pieces.append((dialogue[end:], False))
    return tuple(piece for piece in pieces if piece[0])


def _rejoined(word: str) -> str:
    """Return a word that is broken over lines as the search reads it."""
    return _LINE_END_HYPHEN.sub("", word)
