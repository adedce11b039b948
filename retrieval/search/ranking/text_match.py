"""Text match: how much of a query's words a dialogue has, and which words match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from retrieval.encoder.inputs import is_known_word
from retrieval.search.hits import NO_MATCH, LexicalMatch
from retrieval.search.ranking.stop_words import STOP_WORDS
from retrieval.store.catalog.text import CACHED_WORDS, join_hyphenated, singular, without_possessive, word_tokens

_PHRASE_WEIGHT = 0.2
"""Part of the coverage that rewards words in the order of the query."""

_MIN_SIMILARITY = 0.7
"""Share of letters without an edit from which two words count as one with OCR errors: `chanse` and `chance` do. One
edit in three letters is too much, one in four is not. Chosen by the figures in docs/development.md."""

_MIN_OCR_ERROR = 3
"""Letters of a word with OCR errors, at least."""

_OCR_ERROR_WEIGHT = 0.8
"""Weight of a word with OCR errors, times its similarity; an exact word has weight 1."""

_PLURAL_WEIGHT = 0.95
"""Weight of a word that differs by its last `s`."""

_RUN_TOGETHER_WEIGHT = 0.9
"""Weight of a word inside a run of letters without spaces."""

_SIMILAR, _RUN_TOGETHER, _PLURAL, _EXACT = range(4)
"""Kinds of relation between two words; only the closest kind of a dialogue counts."""

_UNRELATED = (_SIMILAR, 0.0)

_MIN_RUN_TOGETHER = 4
"""Letters of a word that may match inside another one; shorter words do so by chance. Two in scripts without spaces."""

_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that write no spaces between words, or join particles to them (Korean)."""


class Word(NamedTuple):
    """A word of a dialogue: as it is written, normalised, without a possessive 's, and without a plural s."""

    written: str
    token: str
    base: str
    singular: str


def lexical_match(terms: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> LexicalMatch:
    """Compare the words of a query (from `tokens`, with their `idf` weights) with a dialogue.

    Stop words alone are not named as matching words, unless the query is a phrase of them that the dialogue has.
    """
    words = dialogue_words(dialogue)
    matches = [_match_term(term, words, terms) for term in terms]
    total = sum(weights[term] for term in terms)
    if not total or not words:
        return NO_MATCH
    covered = sum(weights[term] * weight for term, (weight, _) in zip(terms, matches, strict=True)) / total
    run = _longest_run(terms, words)
    coverage = (1 - _PHRASE_WEIGHT) * covered + _PHRASE_WEIGHT * run / len(terms)
    has_content = any(weight and term not in STOP_WORDS for term, (weight, _) in zip(terms, matches, strict=True))
    if not has_content and not 1 < len(terms) == run:
        return LexicalMatch(coverage, ())
    matched = dict.fromkeys(words[i].written for weight, places in matches if weight for i in places)
    return LexicalMatch(coverage, tuple(matched))


def explicit_mention(terms: Sequence[str], dialogue: str, weights: Mapping[str, float]) -> float:
    """Return 0 to 1: how explicitly a dialogue has one of the words, the rarest counting most.

    Only exact and run-together words count: one with OCR errors may be another word.
    """
    heaviest = max(weights.values(), default=0.0)
    words = dialogue_words(dialogue)
    if not heaviest or not words:
        return 0.0
    return max(_explicit_weight(term, words, terms) * (weights[term] / heaviest) ** 2 for term in terms)


def dialogue_words(dialogue: str) -> list[Word]:
    """Return the words of a dialogue in order."""
    return [word for written in join_hyphenated(dialogue).split() for word in _words(written)]


@lru_cache(CACHED_WORDS)
def _words(written: str) -> tuple[Word, ...]:
    """Return the words of one run of letters without blanks; a hyphen makes two of it."""
    tokens = word_tokens(written)
    bases = word_tokens(without_possessive(written))
    bases = bases if len(bases) == len(tokens) else tokens
    return tuple(Word(written, token, base, singular(token)) for token, base in zip(tokens, bases, strict=True))


def _explicit_weight(term: str, words: Sequence[Word], terms: Sequence[str]) -> float:
    """Return 1 for the word itself, less for a run-together one, 0 if it is missing."""
    weight, _ = _match_term(term, words, terms)
    return weight if weight >= _RUN_TOGETHER_WEIGHT else 0.0


def _match_term(term: str, words: Sequence[Word], terms: Sequence[str]) -> tuple[float, list[int]]:
    """Return the weight (0 to 1) of a query word's best match, and the places of the matching words."""
    query = tuple(terms)
    relations = [_relation(term, word, query) for word in words]
    kind, weight = max(relations, default=_UNRELATED)
    if kind == _SIMILAR and weight < _MIN_SIMILARITY:
        return 0.0, []
    if kind == _SIMILAR:
        return weight * _OCR_ERROR_WEIGHT, [max(i for i, own in enumerate(relations) if own == (kind, weight))]
    return weight, [i for i, (own, _) in enumerate(relations) if own == kind]


@lru_cache(CACHED_WORDS)
def _relation(term: str, word: Word, terms: tuple[str, ...]) -> tuple[int, float]:
    """Return how a word of a dialogue is related to a query word, the closest kind first, and a weight.

    The weight of similar words is their similarity, 0 to 1.
    """
    if term == word.token or term == word.base:
        return _EXACT, 1.0
    if singular(term) == word.singular:
        return _PLURAL, _PLURAL_WEIGHT
    if term in word.token and _is_run_together(term, word.token, terms):
        return _RUN_TOGETHER, _RUN_TOGETHER_WEIGHT
    return _SIMILAR, _similarity(term, word.token)


def _is_run_together(term: str, token: str, terms: Sequence[str]) -> bool:
    """Return True if `token` is several words without spaces, one of them `term`; `king` is no part of `looking`."""
    if _WITHOUT_SPACES.search(term):
        return len(term) >= 2
    if len(term) < _MIN_RUN_TOGETHER:
        return False
    before, _, after = token.partition(term)
    if _divides(before, terms) and _divides(after, terms):
        return True
    return not is_known_word(token) and all(_divides(part, terms, known=True) for part in (before, after))


def _divides(letters: str, terms: Sequence[str], known: bool = False) -> bool:
    """Return True if letters are a row of query words; with `known`, also of stop words and longer known words."""
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(start in reached and _is_part(letters[start:end], terms, known) for start in range(end)):
            reached.add(end)
    return len(letters) in reached


def _is_part(word: str, terms: Sequence[str], known: bool) -> bool:
    if word in terms:
        return True
    return known and (word in STOP_WORDS or (len(word) >= _MIN_RUN_TOGETHER and is_known_word(word)))


@lru_cache(CACHED_WORDS)
def _similarity(a: str, b: str) -> float:
    """Return 1 less the share of edits: letters that are wrong, missing, added, or exchanged with the next one.

    0 for two known words: `winner` is another word than `winter`, not one with OCR errors.
    """
    if min(len(a), len(b)) < _MIN_OCR_ERROR or (is_known_word(a) and is_known_word(b)):
        return 0.0
    return OSA.normalized_similarity(a, b, score_cutoff=_MIN_SIMILARITY)


def _longest_run(terms: Sequence[str], words: Sequence[Word]) -> int:
    """Return the length of the longest run of query words that the dialogue has in one piece."""
    longest, previous = 0, [0] * (len(words) + 1)
    for term in terms:
        row = [0] * (len(words) + 1)
        for j, word in enumerate(words, 1):
            if term == word.token or term == word.base:
                row[j] = previous[j - 1] + 1
                longest = max(longest, row[j])
        previous = row
    return longest
