"""SQL conditions of a filter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, cast, exists, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from retrieval.filters import METADATA_FILTERS, Filter, Names, Range, as_names, as_ranges, is_range
from retrieval.names import name_key

_RANGES = ("page", "aspect", "size")


class _JsonItems(FunctionElement[Any]):
    """The items of a JSON list as a table with the column `value`: one bound value, however many items."""

    name = "json_items"
    inherit_cache = True


@compiles(_JsonItems)
def _postgres_items(element: _JsonItems, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


@compiles(_JsonItems, "sqlite")
def _sqlite_items(element: _JsonItems, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


def _has_metadata(columns: Mapping[str, Any], name: str, value: Names | Range) -> ColumnElement[bool]:
    """Return the condition that the panel's book has metadata of this name that fits."""
    fits = (
        in_range(columns["metadata_numeric"], value)
        if is_range(value)
        else [_any_name([columns["metadata_casefolded"]], as_names(value))]
    )
    books = select(columns["metadata_book"]).where(columns["metadata_name"] == name, *fits)
    found: ColumnElement[bool] = columns["book_id"].in_(books)
    return found


def in_range(column: Any, bounds: Any) -> list[ColumnElement[bool]]:
    """Return conditions for a range, both ends included; None leaves an end open."""
    low, high = bounds
    return ([column >= low] if low is not None else []) + ([column <= high] if high is not None else [])


def _any_name(columns: Sequence[Any], names: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that one of the columns, which hold keys of names, fits one of the names or patterns."""
    keys = list(dict.fromkeys(name_key(name) for name in names))
    exact, patterns = [key for key in keys if "%" not in key], [_like(key) for key in keys if "%" in key]
    found: list[ColumnElement[bool]] = []
    for column in columns:
        if exact:
            found.append(column == exact[0] if len(exact) == 1 else column.in_(select(_items(exact))))
        if len(patterns) == 1:
            found.append(column.like(patterns[0], escape="\\"))
        elif patterns:
            item = _items(patterns)
            found.append(exists(select(1).where(column.like(item, escape="\\"))))
    return or_(*found)


def fitting_labels(names: Iterable[str], labels: Sequence[str]) -> Select[Any]:
    """Return the query for those of some page labels that fit one of the names or patterns."""
    item = _items(labels)
    return select(item).where(_any_name([item], names))


def _items(values: Sequence[Any]) -> Any:
    """Return a column with these values."""
    return _JsonItems(bindparam(None, json.dumps(values))).table_valued("value").c.value


def _like(pattern: str) -> str:
    """Return a pattern in which only `%` is a wildcard, as LIKE takes it."""
    return pattern.replace("\\", "\\\\").replace("_", "\\_")


def _book_conditions(where: Filter, columns: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions on the panel's book. Books are few: their names are compared once, not for each panel."""
    found: list[ColumnElement[bool]] = []
    book_id = columns["book_id"]
    if where.book is not None:
        fits = _any_name([columns["title_key"], columns["path_key"]], as_names(where.book))
        found.append(book_id.in_(select(columns["book"]).where(fits)))
    if isinstance(where.book_id, int):
        found.append(book_id == where.book_id)
    elif where.book_id is not None:
        found.append(book_id.in_(select(cast(_items(where.book_id), Integer))))
    if where.source is not None:
        sources = select(columns["source"]).where(_any_name([columns["source_key"]], as_names(where.source)))
        found.append(book_id.in_(select(columns["book"]).where(columns["book_source"].in_(sources))))
    return found


def conditions(where: Filter, columns: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the SQL conditions of a filter over the columns of the same names."""
    found: list[ColumnElement[bool]] = []
    found += _book_conditions(where, columns)
    if where.has_dialogue is not None:
        found.append(columns["dialogue"] != "" if where.has_dialogue else columns["dialogue"] == "")
    if where.annotated is not None:
        drawn = columns["box_source"] == "annotation"
        found.append(drawn if where.annotated else ~drawn)
    for name in _RANGES:
        if (value := getattr(where, name)) is not None:
            found.append(or_(*(and_(True, *in_range(columns[name], bounds)) for bounds in as_ranges(value))))
    if where.label is not None:
        found.append(_any_name([columns["label"]], as_names(where.label)))
    found += [
        _has_metadata(columns, name, value) for name in METADATA_FILTERS if (value := getattr(where, name)) is not None
    ]
    return found
