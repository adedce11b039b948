"""Facets: the number of panels for each value of each filter.

One pass over the panels counts them by book and page label, and book metadata is joined to these counts. The panels are
therefore read once for all filters.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.filters import ASPECTS, METADATA_FILTERS, Filter
from retrieval.names import name_key
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.records import MetadataValues
from retrieval.store.id_sets import is_in

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a filter, and the number of panels with it."""

    value: str
    panels: int


Facets = dict[str, tuple[Facet, ...]]
"""Values by filter, most panels first."""


def facets_of(catalog: Catalog, where: Filter, limit: int) -> Facets:
    """Return the most common values of every filter among the panels that pass `where`, at most `limit` each.

    Keys: those of `METADATA_FILTERS`, `book` (titles), `label`, `has_dialogue` (yes, no) and `aspect` (tall, square,
    wide). A panel counts for each of its values: for each writer of its book, for example.
    """
    counts = catalog.library.panel_counts(where)
    panels, with_dialogue, *aspects = counts.numbers.sum(axis=0).tolist()
    books, group_of = np.unique(counts.books, return_inverse=True)
    of_books = np.bincount(group_of, counts.numbers[:, 0], len(books)).astype(np.int64)
    titles = zip((counts.titles[book] for book in books.tolist()), of_books.tolist(), strict=True)
    labels = zip(counts.labels, counts.numbers[:, 0].tolist(), strict=True)
    values = {
        "book": _sum_by_name(titles),
        "label": _sum_by_name((label, n) for label, n in labels if label),
        "has_dialogue": {"yes": with_dialogue, "no": panels - with_dialogue},
        "aspect": dict(zip(ASPECTS, aspects, strict=True)),
    }
    metadata = _metadata_facets(catalog.library.metadata_values(), books, of_books, limit)
    return metadata | {name: _most_common(panels_by_value, limit) for name, panels_by_value in values.items()}


def _metadata_facets(metadata: MetadataValues, books: Numbers, panels: Numbers, limit: int) -> Facets:
    """Return the facets of book metadata; books: (B,) ids, ascending; panels: (B,) numbers of panels.

    Values that filters do not distinguish are one value, in its most common spelling. A book that names a person twice
    has its panels once.
    """
    weights = np.zeros(len(metadata.books), np.int64)
    known = is_in(books, metadata.books)
    weights[known] = panels[np.searchsorted(books, metadata.books[known])]
    of_spellings = np.bincount(metadata.spelling_of, weights, len(metadata.spellings)).astype(np.int64)
    values = metadata.value_of[metadata.spelling_of[metadata.first]]
    of_values = np.bincount(values, weights[metadata.first], len(metadata.values)).astype(np.int64)
    spellings: dict[int, dict[str, int]] = defaultdict(dict)
    for number in np.flatnonzero(of_spellings).tolist():
        spellings[int(metadata.value_of[number])][metadata.spellings[number]] = int(of_spellings[number])
    found: dict[str, list[tuple[int, str, int]]] = {name: [] for name in METADATA_FILTERS}
    for number in np.flatnonzero(of_values).tolist():
        found[metadata.names[number]].append((-int(of_values[number]), metadata.values[number], number))
    return {
        name: tuple(Facet(_most_common(spellings[v], 1)[0].value, -n) for n, _, v in heapq.nsmallest(limit, own))
        for name, own in found.items()
    }


def _sum_by_name(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the numbers of each name, in its most common spelling."""
    spellings: dict[str, dict[str, int]] = defaultdict(dict)
    for name, number in _sum_by_key(pairs).items():
        spellings[name_key(name)][name] = number
    return {_most_common(spelled, 1)[0].value: sum(spelled.values()) for spelled in spellings.values()}


def _sum_by_key(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the numbers of each key."""
    total: dict[str, int] = defaultdict(int)
    for key, number in pairs:
        total[key] += number
    return total


def _most_common(values: Mapping[str, int], limit: int) -> tuple[Facet, ...]:
    """Return the values with most panels, equal ones by name; values without panels are left out."""
    ordered = heapq.nsmallest(limit, ((-panels, value) for value, panels in values.items() if panels))
    return tuple(Facet(value, -panels) for panels, value in ordered)
