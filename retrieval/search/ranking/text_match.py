"""Lexical match: how much of a query's words a dialogue has, and which words match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from retrieval.search.hits import NO_MATCH, LexicalMatch
from retrieval.store.catalog.text import CACHED_WORDS, join_hyphenated, tokens, word_tokens

_PHRASE_WEIGHT = 0.2
"""Part of the coverage that rewards words in the order of the query."""

_MIN_SIMILARITY = 0.7
"""Dice coefficient of letter pairs from which two words count as one with OCR errors: `chanse` and `chance` do,
`flight` and `night` do not."""

_OCR_ERROR_WEIGHT = 0.8
"""Weight of a word with OCR errors, times its similarity; an exact word has weight 1."""

_RUN_TOGETHER_WEIGHT = 0.9
"""Weight of a word inside a run of letters without spaces."""

_MIN_RUN_TOGETHER = 4
"""Letters of a word that may match inside another one; shorter words do so by chance. Two in scripts without spaces."""


def lexical_match(terms: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> LexicalMatch:
    """Compare the words of a query (from `tokens`, with their `idf` weights) with a dialogue."""
    words = [(word, token) for word in join_hyphenated(dialogue).split() for token in word_tokens(word)]
    matches = [_match_term(term, words) for term in terms]
    total = sum(weights[term] for term in terms)
    if not total or not words:
        return NO_MATCH
    covered = sum(weights[term] * weight for term, (weight, _) in zip(terms, matches, strict=True)) / total
    in_order = _longest_run(terms, [token for _, token in words]) / len(terms)
    matched = dict.fromkeys(words[i][0] for weight, places in matches if weight for i in places)
    return LexicalMatch((1 - _PHRASE_WEIGHT) * covered + _PHRASE_WEIGHT * in_order, tuple(matched))


def explicit_mention(terms: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> float:
    """Return 0 to 1: how explicitly a dialogue has one of the words, the rarest counting most.

    Only exact and run-together words count: one with OCR errors may be another word.
    """
    heaviest = max(weights.values(), default=0.0)
    words = [(token, token) for token in tokens(join_hyphenated(dialogue))]
    if not heaviest or not words:
        return 0.0
    return max(_explicit_weight(term, words) * (weights[term] / heaviest) ** 2 for term in terms)


def _explicit_weight(term: str, words: Sequence[tuple[str, str]]) -> float:
    """Return 1 for the word itself, less for a run-together one, 0 if it is missing."""
    weight, _ = _match_term(term, words)
    return weight if weight >= _RUN_TOGETHER_WEIGHT else 0.0


def _match_term(term: str, words: Sequence[tuple[str, str]]) -> tuple[float, list[int]]:
    """Return the weight (0 to 1) of a query word's best match, and the places of the matching words."""
    exact = [i for i, (_, token) in enumerate(words) if token == term]
    if exact:
        return 1.0, exact
    if len(term) >= (_MIN_RUN_TOGETHER if term.isascii() else 2):
        inside = [i for i, (_, token) in enumerate(words) if term in token]
        if inside:
            return _RUN_TOGETHER_WEIGHT, inside
    similarities = [(_similarity(term, token), i) for i, (_, token) in enumerate(words)]
    best, place = max(similarities, default=(0.0, -1))
    return (best * _OCR_ERROR_WEIGHT, [place]) if best >= _MIN_SIMILARITY else (0.0, [])


@lru_cache(CACHED_WORDS)
def _similarity(a: str, b: str) -> float:
    """Return the Dice coefficient of letter pairs, 0 to 1, with the ends of the words marked."""
    if abs(len(a) - len(b)) > max(len(a), len(b)) // 2 or min(len(a), len(b)) < 3:
        return 0.0
    left, right = _letter_pairs(a), _letter_pairs(b)
    return 2 * len(left & right) / (len(left) + len(right))


def _letter_pairs(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[i : i + 2] for i in range(len(marked) - 1)}


def _longest_run(terms: Sequence[str], tokens_: Sequence[str]) -> int:
    """Return the length of the longest run of query words that the dialogue has in one piece."""
    longest, previous = 0, [0] * (len(tokens_) + 1)
    for term in terms:
        row = [0] * (len(tokens_) + 1)
        for j, token in enumerate(tokens_, 1):
            if token == term:
                row[j] = previous[j - 1] + 1
                longest = max(longest, row[j])
        previous = row
    return longest
