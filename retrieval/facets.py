"""How many panels each value of each filter would leave: what a person may narrow a search by.

One pass over the panels counts them by book and page label; what is known about books is added to that. So the
panels are read once, however many filters there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from retrieval.catalog import Catalog, Tally
from retrieval.filters import ASPECTS, FACTS, Filter

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a filter, and how many panels have it."""

    value: str
    panels: int


Facets = dict[str, tuple[Facet, ...]]


def facets_of(catalog: Catalog, where: Filter, limit: int) -> Facets:
    """For every filter its commonest values among the panels `where` lets through, most panels first.

    The names of `FACTS`, then `book` (titles), `label`, `has_dialogue` (yes, no) and `aspect` (tall, square, wide).
    A panel counts for each value it has: two writers of a book count it twice. `limit` values of each at most.
    """
    tallies = catalog.tallies(where)
    counted = _by_fact(catalog, tallies)
    counted["book"] = _summed((t.book, t.panels) for t in tallies)
    counted["label"] = _summed((t.label, t.panels) for t in tallies if t.label)
    spoken, all_panels = sum(t.with_dialogue for t in tallies), sum(t.panels for t in tallies)
    counted["has_dialogue"] = Counter({"yes": spoken, "no": all_panels - spoken})
    counted["aspect"] = _summed((name, n) for t in tallies for name, n in zip(ASPECTS, t.aspects, strict=True))
    return {name: _commonest(values, limit) for name, values in counted.items()}


def _by_fact(catalog: Catalog, tallies: Sequence[Tally]) -> dict[str, Counter[str]]:
    """Panels by each value of each fact; values that filters take for the same go under the commonest spelling."""
    books = _summed((t.book_id, t.panels) for t in tallies)
    found: dict[str, Counter[str]] = {name: Counter() for name in FACTS}
    spellings: dict[tuple[str, str], Counter[str]] = {}
    seen: set[tuple[int, str, str]] = set()
    for book, name, value, same in catalog.facts_named(FACTS):
        if book not in books:
            continue
        spellings.setdefault((name, same), Counter())[value] += books[book]
        if (book, name, same) not in seen:  # a book that names somebody twice has its panels once
            found[name][same] += books[book]
            seen.add((book, name, same))
    return {name: _spelled(name, values, spellings) for name, values in found.items()}


def _spelled(name: str, values: Counter[str], spellings: Mapping[tuple[str, str], Counter[str]]) -> Counter[str]:
    """The same counts under the commonest spelling of each name."""
    return Counter({_commonest(spellings[name, same], 1)[0].value: n for same, n in values.items() if n})


def _summed(pairs: Iterable[tuple[Key, int]]) -> Counter[Key]:
    total: Counter[Key] = Counter()
    for value, panels in pairs:
        total[value] += panels
    return total


def _commonest(values: Counter[str], limit: int) -> tuple[Facet, ...]:
    """Most panels first, then by name; values without a panel are left out."""
    ordered = sorted(((v, n) for v, n in values.items() if n), key=lambda vn: (-vn[1], vn[0]))
    return tuple(Facet(value, panels) for value, panels in ordered[:limit])
