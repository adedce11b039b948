"""Filters as menus: their titles, their values with counts, and how values read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retrieval.names import name_key
from retrieval.overview.facets import Facet
from ui.web.search.handlers import MAX_FILTER_VALUES
from ui.web.search.search_state import SINGLE_VALUE_FILTERS, SearchState

SEARCHABLE_FROM = 9
"""Number of values from which a menu has a field to search them."""

_TITLES = {"has_dialogue": "Dialogue", "aspect": "Shape", "label": "Page type"}
_VALUE_NAMES = {
    ("has_dialogue", "yes"): "With dialogue",
    ("has_dialogue", "no"): "Without dialogue",
    ("aspect", "wide"): "Wide",
    ("aspect", "tall"): "Tall",
    ("aspect", "square"): "Square",
}


@dataclass(frozen=True, slots=True)
class FilterValue:
    """One choice of a filter. panels: how many panels it leaves, 0 if it is not counted."""

    value: str
    name: str
    panels: int
    checked: bool


@dataclass(frozen=True, slots=True)
class FilterMenu:
    """A filter with its choices.

    chosen: the names of the values in use. single: True if only one value can be chosen. searchable: True if it has a
    field to search its values; incomplete: True if there are more values than those listed.
    """

    name: str
    title: str
    chosen: str
    values: tuple[FilterValue, ...]
    single: bool
    searchable: bool
    incomplete: bool

    @property
    def no_match(self) -> str:
        """Return the message for a search field whose text no value contains."""
        if self.incomplete:
            return f"No match in these {MAX_FILTER_VALUES}. Press Enter to search all."
        return f"No {self.title.lower()} matches."


def filter_menus(values: Mapping[str, Sequence[Facet]], state: SearchState) -> list[FilterMenu]:
    """Return a menu for every filter that is in use or has a choice."""
    used = {name: chosen for name, chosen in state.where.items() if chosen}
    names = [name for name in values if name in used or len(values[name]) > 1]
    return [_menu(name, values[name], used.get(name, ())) for name in names]


def _menu(name: str, facets: Sequence[Facet], chosen: Sequence[str]) -> FilterMenu:
    listed, keys = {name_key(facet.value) for facet in facets}, {name_key(value) for value in chosen}
    missing = [Facet(value, 0) for value in chosen if name_key(value) not in listed]
    return FilterMenu(
        name=name,
        title=_TITLES.get(name, name.capitalize()),
        chosen=", ".join(value_name(name, value) for value in chosen),
        values=tuple(_value(name, facet, keys) for facet in (*missing, *facets)),
        single=name in SINGLE_VALUE_FILTERS,
        searchable=len(facets) >= SEARCHABLE_FROM,
        incomplete=len(facets) >= MAX_FILTER_VALUES,
    )


def _value(name: str, facet: Facet, chosen: Collection[str]) -> FilterValue:
    """Return one choice; chosen: keys of the values in use."""
    return FilterValue(facet.value, value_name(name, facet.value), facet.panels, name_key(facet.value) in chosen)


def value_name(name: str, value: str) -> str:
    """Return a filter's value as people read it; `%` in it stands for any characters."""
    return _VALUE_NAMES.get((name, value)) or _pattern_name(value) or value


def _pattern_name(value: str) -> str:
    """Return a pattern in words: "contains “ep0”"; "" for a plain value or a pattern with `%` inside."""
    inner = value.strip("%")
    if not inner or "%" in inner or inner == value:
        return ""
    at_start, at_end = value.startswith("%"), value.endswith("%")
    return f"{'contains' if at_start and at_end else 'ends with' if at_start else 'begins with'} “{inner}”"
