"""Words of a text: normalisation, tokens, and inverse document frequency."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

CACHED_WORDS = 32_768
"""Words, and pairs of words, whose results are cached: a library repeats the same ones."""

_WORD = re.compile(r"\w+")
_APOSTROPHES = str.maketrans("", "", "'`\u00b4\u2018\u2019\u201b\u2032\u02b9\u02bc\u02c8\uff07")
_LINE_END_HYPHEN = re.compile(r"-\s*\n\s*")


def join_hyphenated(text: str) -> str:
    """Return a text with words that a hyphen divides at a line end in one piece."""
    return _LINE_END_HYPHEN.sub("", text)


def normalise(text: str) -> str:
    """Return a text without case, accents, apostrophes and hyphens at line ends; everything else stays."""
    letters = unicodedata.normalize("NFKD", join_hyphenated(text).translate(_APOSTROPHES))
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()


def tokens(text: str) -> list[str]:
    """Return the normalised words of a text, in order."""
    return _WORD.findall(normalise(text))


@lru_cache(CACHED_WORDS)
def word_tokens(word: str) -> tuple[str, ...]:
    """Return the normalised words of one word as it is written, cached."""
    return tuple(tokens(word))


def idf(terms: Sequence[str], counts: Mapping[str, int], total: int) -> dict[str, float]:
    """Return the inverse document frequency of each term, as in BM25 (Robertson and Zaragoza 2009).

    counts: number of panels with each term; total: number of panels with dialogue.
    """
    return {t: math.log(1 + (total - n + 0.5) / (n + 0.5)) for t in terms for n in [min(counts.get(t, 0), total)]}
