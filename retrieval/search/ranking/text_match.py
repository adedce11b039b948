"""Words compared with words: how much of a query stands in a panel's dialogue, and which words those are."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"\w+")
_APOSTROPHES = str.maketrans("", "", "'`\u00b4\u2018\u2019\u201b\u2032\u02b9\u02bc\u02c8\uff07")
_HYPHENATED = re.compile(r"-\s*\n\s*")
_PHRASE_SHARE = 0.2
"""Part of the score that rewards words standing in the query's order."""
_MISREAD = 0.7
"""Two words share at least this part of their letter pairs to count as one misread: `chanse` and `chance` do,
`flight` and `night` do not."""
_MISREAD_WORTH = 0.8
_GLUED = 0.9
"""A word found inside a run of letters without spaces counts nearly as much as the word itself."""
_GLUED_LETTERS = 4
"""Shorter words stand inside others by chance; not so in scripts that write without spaces."""

_REMEMBERED = 32_768
"""Words and pairs of words that are remembered: a library says the same ones again and again."""


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """`score` 0-1: the weighted share of the query found; `words`: as they are written in the dialogue."""

    coverage: float
    words: tuple[str, ...]


def normalise(text: str) -> str:
    """Case, accents, apostrophes and line-end hyphens undone; everything else is kept."""
    joined = _HYPHENATED.sub("", text).translate(_APOSTROPHES)
    letters = unicodedata.normalize("NFKD", joined)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()


def tokens(text: str) -> list[str]:
    """The normalised words of a text, in order."""
    return _WORD.findall(normalise(text))


@lru_cache(_REMEMBERED)
def _tokens_of(word: str) -> tuple[str, ...]:
    return tuple(tokens(word))


def idf(terms: Sequence[str], counts: Mapping[str, int], total: int) -> dict[str, float]:
    """A weight for each word, the rarer the heavier (inverse document frequency, as in BM25)."""
    return {t: math.log(1 + (total - n + 0.5) / (n + 0.5)) for t in terms for n in [min(counts.get(t, 0), total)]}


def lexical_match(query: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> LexicalMatch:
    """Compare the words of a query (from `tokens`) with a panel's dialogue."""
    written = _HYPHENATED.sub("", dialogue).split()
    said = [(word, token) for word in written for token in _tokens_of(word)]
    found = [_find(term, said) for term in query]
    total = sum(weights[t] for t in query)
    if not total or not said:
        return LexicalMatch(0.0, ())
    share = sum(weights[t] * worth for t, (worth, _) in zip(query, found, strict=True)) / total
    order = _longest_run(query, [token for _, token in said]) / len(query)
    words = dict.fromkeys(said[i][0] for worth, places in found if worth for i in places)
    return LexicalMatch((1 - _PHRASE_SHARE) * share + _PHRASE_SHARE * order, tuple(words))


def explicit_mention(query: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> float:
    """0 to 1: how plainly a dialogue says one of a query's telling words, the rarest counting most.

    Only words that stand there, alone or glued to others, count: a misread one may be another word.
    """
    heaviest = max(weights.values(), default=0.0)
    said = [(token, token) for token in tokens(_HYPHENATED.sub("", dialogue))]
    if not heaviest or not said:
        return 0.0
    return max(_standing(term, said) * (weights[term] / heaviest) ** 2 for term in query)


def _standing(term: str, said: Sequence[tuple[str, str]]) -> float:
    """1 for the word itself, a little less inside another one, 0 where it is missing."""
    worth, _ = _find(term, said)
    return worth if worth >= _GLUED else 0.0


def _find(term: str, said: Sequence[tuple[str, str]]) -> tuple[float, list[int]]:
    """What a query word is worth here (0-1) and at which words it was found."""
    exact = [i for i, (_, token) in enumerate(said) if token == term]
    if exact:
        return 1.0, exact
    if len(term) >= (_GLUED_LETTERS if term.isascii() else 2):
        glued = [i for i, (_, token) in enumerate(said) if term in token]
        if glued:
            return _GLUED, glued
    likeness = [(_likeness(term, token), i) for i, (_, token) in enumerate(said)]
    best, place = max(likeness, default=(0.0, -1))
    return (best * _MISREAD_WORTH, [place]) if best >= _MISREAD else (0.0, [])


@lru_cache(_REMEMBERED)
def _likeness(a: str, b: str) -> float:
    """Dice coefficient of letter pairs with the word's ends marked, 0-1."""
    if abs(len(a) - len(b)) > max(len(a), len(b)) // 2 or min(len(a), len(b)) < 3:
        return 0.0
    left, right = _pairs(a), _pairs(b)
    return 2 * len(left & right) / (len(left) + len(right))


def _pairs(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[i : i + 2] for i in range(len(marked) - 1)}


def _longest_run(query: Sequence[str], said: Sequence[str]) -> int:
    """Length of the longest run of query words that stands unbroken in the dialogue."""
    longest, previous = 0, [0] * (len(said) + 1)
    for term in query:
        row = [0] * (len(said) + 1)
        for j, token in enumerate(said, 1):
            if token == term:
                row[j] = previous[j - 1] + 1
                longest = max(longest, row[j])
        previous = row
    return longest
