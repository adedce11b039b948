"""How many panels each value of each filter would leave: what a person may narrow a search by.

One pass over the panels counts them by book and page label; what is known about books is added to that. So the
panels are read once, however many filters there are.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from retrieval.filters import ASPECTS, METADATA_FILTERS, Filter
from retrieval.store.catalog.catalog import Catalog

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a filter, and how many panels have it."""

    value: str
    panels: int


Facets = dict[str, tuple[Facet, ...]]


def facets_of(catalog: Catalog, where: Filter, limit: int) -> Facets:
    """For every filter its commonest values among the panels `where` lets through, most panels first.

    The names of `METADATA_FILTERS`, then `book` (titles), `label`, `has_dialogue` (yes, no) and `aspect` (tall, square, wide).
    A panel counts for each value it has: two writers of a book count it twice. `limit` values of each at most.
    """
    tallies = catalog.library.panel_counts(where)
    spoken, panels = sum(t.with_dialogue for t in tallies), sum(t.panels for t in tallies)
    counted = {
        "book": _sum_by_key((t.book, t.panels) for t in tallies),
        "label": _sum_by_key((t.label, t.panels) for t in tallies if t.label),
        "has_dialogue": {"yes": spoken, "no": panels - spoken},
        "aspect": _sum_by_key((name, n) for t in tallies for name, n in zip(ASPECTS, t.aspects, strict=True)),
    }
    found = _metadata_facets(catalog, _sum_by_key((t.book_id, t.panels) for t in tallies), limit)
    return found | {name: _most_common(values, limit) for name, values in counted.items()}


def _metadata_facets(catalog: Catalog, books: Mapping[int, int], limit: int) -> Facets:
    """Panels by each value of each fact; `books` are the panels of each book.

    Values that filters take for the same count together, under their commonest spelling.
    """
    panels: dict[str, dict[str, int]] = {name: {} for name in METADATA_FILTERS}
    spellings: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    seen: set[tuple[int, str, str]] = set()
    for book, name, value, same in catalog.library.metadata_values(METADATA_FILTERS):
        count = books.get(book)
        if count is None:
            continue
        spelled = spellings[name, same]
        spelled[value] = spelled.get(value, 0) + count
        if (book, name, same) not in seen:  # a book that names somebody twice has its panels once
            panels[name][same] = panels[name].get(same, 0) + count
            seen.add((book, name, same))
    found: Facets = {}
    for name, values in panels.items():
        commonest = _most_common(values, limit)
        found[name] = tuple(Facet(_most_common(spellings[name, f.value], 1)[0].value, f.panels) for f in commonest)
    return found


def _sum_by_key(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = defaultdict(int)
    for value, panels in pairs:
        total[value] += panels
    return total


def _most_common(values: Mapping[str, int], limit: int) -> tuple[Facet, ...]:
    """Most panels first, then by name; values without a panel are left out."""
    ordered = heapq.nsmallest(limit, ((-panels, value) for value, panels in values.items() if panels))
    return tuple(Facet(value, -panels) for panels, value in ordered)
