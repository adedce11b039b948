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
_SIGNS = "'`\u00b4\u2018\u2019\u201b\u2032\u02b9\u02bc\u02c8\uff07"
_APOSTROPHES = str.maketrans("", "", _SIGNS)
_POSSESSIVE = re.compile(rf"(?<=\w)[{_SIGNS}]s\b", re.IGNORECASE)
_MIN_SINGULAR = 3
"""Letters of a word without its plural `s`, at least."""
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


def without_possessive(word: str) -> str:
    """Return a word as it is written without a possessive 's: `king` for `king's`."""
    return _POSSESSIVE.sub("", word)


def singular(token: str) -> str:
    """Return a normalised word without its last `s`; words in `ss` and short ones stay."""
    plural = token.endswith("s") and not token.endswith("ss") and len(token) > _MIN_SINGULAR
    return token[:-1] if plural else token


def number_forms(token: str) -> list[str]:
    """Return a normalised word, its singular, and its plural, which is also how `king's` is normalised."""
    return list(dict.fromkeys((token, singular(token), f"{singular(token)}s")))


def idf(terms: Sequence[str], counts: Mapping[str, int], total: int) -> dict[str, float]:
    """Return the inverse document frequency of each term, as in BM25 (Robertson and Zaragoza 2009).

    counts: number of panels with each term; total: number of panels with dialogue.
    """
    return {t: math.log(1 + (total - n + 0.5) / (n + 0.5)) for t in terms for n in [min(counts.get(t, 0), total)]}
