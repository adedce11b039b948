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

_Related = tuple[int, float, int]
"""Kind of a relation, its weight, and the place of the word in the dialogue."""

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
    related = _related_words(terms, words)
    matches = [_closest(own) for own in related]
    total = sum(weights[term] for term in terms)
    if not total or not words:
        return NO_MATCH
    covered = sum(weights[term] * weight for term, (weight, _) in zip(terms, matches, strict=True)) / total
    run = _longest_run(related)
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
    matches = [_closest(own)[0] for own in _related_words(terms, words)]
    explicit = [weight if weight >= _RUN_TOGETHER_WEIGHT else 0.0 for weight in matches]
    return max(weight * (weights[term] / heaviest) ** 2 for term, weight in zip(terms, explicit, strict=True))


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


def _related_words(terms: Sequence[str], words: Sequence[Word]) -> list[list[_Related]]:
    """Return the words of a dialogue that are related to each term. Most words are related to none."""
    query = tuple(terms)
    related: list[list[_Related]] = [[] for _ in query]
    for place, word in enumerate(words):
        for number, kind, weight in _relations(word, query):
            related[number].append((kind, weight, place))
    return related


def _closest(related: Sequence[_Related]) -> tuple[float, list[int]]:
    """Return the weight (0 to 1) of a term's best match, and the places of the matching words."""
    if not related:
        return 0.0, []
    kind, weight, last = max(related)
    if kind == _SIMILAR:
        return weight * _OCR_ERROR_WEIGHT, [last]
    return weight, [place for own, _, place in related if own == kind]


@lru_cache(CACHED_WORDS)
def _relations(word: Word, terms: tuple[str, ...]) -> tuple[tuple[int, int, float], ...]:
    """Return (number of the term, kind, weight) for each term of a query that a word is related to.

    Only the closest kind counts. The weight of similar words is their similarity, 0 to 1.
    """
    token, found = word.token, []
    for number, (term, term_singular) in enumerate(zip(terms, _singulars(terms), strict=True)):
        if term == token or term == word.base:
            found.append((number, _EXACT, 1.0))
        elif term_singular == word.singular:
            found.append((number, _PLURAL, _PLURAL_WEIGHT))
        elif term in token and _is_run_together(term, token, terms):
            found.append((number, _RUN_TOGETHER, _RUN_TOGETHER_WEIGHT))
        elif _may_be_similar(len(term), len(token)) and (weight := _similarity(term, token)) >= _MIN_SIMILARITY:
            found.append((number, _SIMILAR, weight))
    return tuple(found)


@lru_cache(64)
def _singulars(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(singular, terms))


def _may_be_similar(a: int, b: int) -> bool:
    """Return False for words whose lengths alone are more edits apart than similar words are."""
    return min(a, b) >= _MIN_OCR_ERROR and abs(a - b) <= (1 - _MIN_SIMILARITY + 0.01) * max(a, b)


def _is_run_together(term: str, token: str, terms: Sequence[str]) -> bool:
    """Return True if `token` is several words without spaces, one of them `term`; `king` is no part of `looking`."""
    if _WITHOUT_SPACES.search(term):
        return len(term) >= 2
    if len(term) < _MIN_RUN_TOGETHER:
        return False
    before, _, after = token.partition(term)
    if _divides(before, terms) and _divides(after, terms):
        return True
    return not _is_known(token) and all(_divides(part, terms, known=True) for part in (before, after))


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
    return known and (word in STOP_WORDS or (len(word) >= _MIN_RUN_TOGETHER and _is_known(word)))


@lru_cache(CACHED_WORDS)
def _is_known(word: str) -> bool:
    return is_known_word(word)


@lru_cache(CACHED_WORDS)
def _similarity(a: str, b: str) -> float:
    """Return 1 less the share of edits: letters that are wrong, missing, added, or exchanged with the next one.

    0 for two known words: `winner` is another word than `winter`, not one with OCR errors.
    """
    if _is_known(a) and _is_known(b):
        return 0.0
    return OSA.normalized_similarity(a, b, score_cutoff=_MIN_SIMILARITY)


def _longest_run(related: Sequence[Sequence[_Related]]) -> int:
    """Return the length of the longest run of query words that the dialogue has in one piece."""
    longest, ends = 0, dict[int, int]()
    for own in related:
        ends = {place: ends.get(place - 1, 0) + 1 for kind, _, place in own if kind == _EXACT}
        longest = max(longest, max(ends.values(), default=0))
    return longest
