"""Rankings of panels by their terms, with the numbers and the order that FTS5 gives for the same query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from retrieval.store.catalog.cached.postings import SHIFT, Keys, Postings
from retrieval.store.catalog.text import idf
from retrieval.store.id_sets import Ids, Member, ascending, is_in

_K1, _B = 1.2, 0.75
"""Parameters of BM25 in FTS5."""

_MIN_IDF = 1e-6
"""Weight in FTS5 of a term that more than half of the panels have."""

_DENSE = 4
"""Ids up to this many times the number of panels are places in an array; beyond, that would take too much memory."""


def with_phrase(
    postings: Postings,
    connection: Connection,
    terms: Sequence[str],
    counts: Mapping[str, int],
    limit: int,
    keep: Member,
) -> list[int]:
    """Return the best `limit` panels with these terms one after another; counts: panels with each term."""
    rarest_first = sorted(range(len(terms)), key=lambda place: counts[terms[place]])
    starts: Keys | None = None
    for place in rarest_first:  # common terms are not even read if the others leave nothing
        keys = postings.keys(connection, terms[place])
        if starts is None:
            starts = keys[keys & ((1 << SHIFT) - 1) >= place] - place
        else:
            starts = starts[is_in(keys, starts + place)]
        if not len(starts):
            return []
    assert starts is not None
    ids = _panels(starts)
    kept = ids[keep(ids)]
    scores = _score(postings, connection, kept, [(_occurrences(starts, kept), len(ids))])
    return _best(kept, scores, limit)


def with_all(
    postings: Postings, connection: Connection, counts: Mapping[str, int], limit: int, keep: Member
) -> list[int]:
    """Return the best `limit` panels with all terms; counts: panels with each."""
    if not counts:
        return []
    keys_of: dict[str, Keys] = {}
    ids: Ids | None = None
    for term in sorted(counts, key=counts.__getitem__):
        keys = keys_of[term] = postings.keys(connection, term)
        if ids is None:
            ids = _panels(keys)
            ids = ids[keep(ids)]
        else:
            ids = ids[_occurrences(keys, ids) > 0]
        if not len(ids):
            return []
    assert ids is not None
    return _best(ids, _score_terms(postings, connection, ids, keys_of, counts), limit)


def with_some(
    postings: Postings, connection: Connection, counts: Mapping[str, int], limit: int, keep: Member
) -> list[int]:
    """Return the best `limit` panels with any of the terms; counts: panels with each."""
    keys_of = {term: postings.keys(connection, term) for term in counts}
    ids = ascending(np.concatenate([keys >> SHIFT for keys in keys_of.values()]))
    ids = ids[keep(ids)]
    return _best(ids, _score_terms(postings, connection, ids, keys_of, counts), limit)


def with_heaviest(
    postings: Postings, connection: Connection, counts: Mapping[str, int], limit: int, keep: Member
) -> list[int]:
    """Return the `limit` panels whose terms have the highest sum of weights; lengths do not count."""
    weights = idf(list(counts), counts, max(counts.values()) + 1)
    ids_of = [_panels(postings.keys(connection, term)) for term in weights]
    last = max(int(ids[-1]) for ids in ids_of)
    dense = last <= _DENSE * postings.state.panels
    known = None if dense else ascending(np.concatenate(ids_of))
    sums = np.zeros(last + 1 if known is None else len(known))
    for ids, weight in zip(ids_of, weights.values(), strict=True):
        sums[ids if known is None else np.searchsorted(known, ids)] += weight
    places = np.flatnonzero(sums)
    found = places if known is None else known[places]
    allowed = keep(found)
    return _best(found[allowed], sums[places[allowed]], limit)


def _score_terms(
    postings: Postings, connection: Connection, ids: Ids, keys_of: Mapping[str, Keys], counts: Mapping[str, int]
) -> NDArray[np.float64]:
    """Return the (M,) BM25 of panels for some terms."""
    terms = [(_occurrences(keys_of[term], ids), count) for term, count in counts.items()]
    return _score(postings, connection, ids, terms)


def _score(
    postings: Postings, connection: Connection, ids: Ids, terms: Sequence[tuple[NDArray[np.int64], int]]
) -> NDArray[np.float64]:
    """Return the (M,) BM25 of panels; terms: the occurrences of each in these panels, and its number of panels.

    Step by step as FTS5 does it, so that panels with almost equal scores come in the same order.
    """
    scores = np.zeros(len(ids))
    if not len(ids):
        return scores
    state = postings.state
    average = state.tokens / state.panels
    lengths = postings.lengths(connection, ids)
    for occurrences, count in terms:
        weight = math.log((state.panels - count + 0.5) / (count + 0.5))
        weight = weight if weight > 0 else _MIN_IDF
        frequency = occurrences.astype(np.float64)
        scores += weight * ((frequency * (_K1 + 1.0)) / (frequency + _K1 * (1 - _B + _B * lengths / average)))
    return scores


def _best(ids: Ids, scores: NDArray[np.float64], limit: int) -> list[int]:
    """Return the `limit` ids with the highest scores, equal ones by id; ids: ascending."""
    if len(ids) > limit:
        reached = scores >= np.partition(scores, -limit)[-limit]
        ids, scores = ids[reached], scores[reached]
    best: list[int] = ids[np.argsort(-scores, kind="stable")[:limit]].tolist()
    return best


def _occurrences(keys: Keys, ids: Ids) -> NDArray[np.int64]:
    """Return the (M,) numbers of a term's occurrences in panels; ids: ascending."""
    first = np.searchsorted(keys, ids << SHIFT)
    return np.searchsorted(keys, (ids + 1) << SHIFT) - first


def _panels(keys: Keys) -> Ids:
    """Return the (M,) ids of the panels of occurrences, ascending, each once."""
    ids = keys >> SHIFT
    return ids[np.append(True, ids[1:] != ids[:-1])] if len(ids) else ids
