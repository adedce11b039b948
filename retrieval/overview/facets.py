"""Facets: the number of panels for each value of each filter.

One pass over the panels counts them by book and page label, and book metadata is joined to these counts. The panels are
therefore read once for all filters.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from retrieval.filters import ASPECTS, METADATA_FILTERS, Filter
from retrieval.names import name_key
from retrieval.store.catalog.catalog import Catalog

Key = TypeVar("Key", int, str)


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
    with_dialogue, panels = sum(c.with_dialogue for c in counts), sum(c.panels for c in counts)
    values = {
        "book": _sum_by_name((c.book, c.panels) for c in counts),
        "label": _sum_by_name((c.label, c.panels) for c in counts if c.label),
        "has_dialogue": {"yes": with_dialogue, "no": panels - with_dialogue},
        "aspect": _sum_by_key((name, n) for c in counts for name, n in zip(ASPECTS, c.aspects, strict=True)),
    }
    metadata = _metadata_facets(catalog, _sum_by_key((c.book_id, c.panels) for c in counts), limit)
    return metadata | {name: _most_common(panels_by_value, limit) for name, panels_by_value in values.items()}


def _metadata_facets(catalog: Catalog, books: Mapping[int, int], limit: int) -> Facets:
    """Return the facets of book metadata; books: number of panels by book id.

    Values that filters do not distinguish are one value, in its most common spelling.
    """
    panels: dict[str, dict[str, int]] = {name: {} for name in METADATA_FILTERS}
    spellings: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    seen: set[tuple[int, str, str]] = set()
    for book_id, name, value, casefolded in catalog.library.metadata_values(METADATA_FILTERS):
        count = books.get(book_id)
        if count is None:
            continue
        spelled = spellings[name, casefolded]
        spelled[value] = spelled.get(value, 0) + count
        if (book_id, name, casefolded) not in seen:  # a book that names a person twice has its panels once
            panels[name][casefolded] = panels[name].get(casefolded, 0) + count
            seen.add((book_id, name, casefolded))
    facets: Facets = {}
    for name, values in panels.items():
        most = _most_common(values, limit)
        facets[name] = tuple(Facet(_most_common(spellings[name, f.value], 1)[0].value, f.panels) for f in most)
    return facets


def _sum_by_name(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the numbers of each name, in its most common spelling."""
    spellings: dict[str, dict[str, int]] = defaultdict(dict)
    for name, number in _sum_by_key(pairs).items():
        spellings[name_key(name)][name] = number
    return {_most_common(spelled, 1)[0].value: sum(spelled.values()) for spelled in spellings.values()}


def _sum_by_key(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """Return the sum of the numbers of each key."""
    total: dict[Key, int] = defaultdict(int)
    for key, number in pairs:
        total[key] += number
    return total


def _most_common(values: Mapping[str, int], limit: int) -> tuple[Facet, ...]:
    """Return the values with most panels, equal ones by name; values without panels are left out."""
    ordered = heapq.nsmallest(limit, ((-panels, value) for value, panels in values.items() if panels))
    return tuple(Facet(value, -panels) for panels, value in ordered)
