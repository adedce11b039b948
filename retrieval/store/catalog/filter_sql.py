"""SQL conditions of a filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from retrieval.filters import METADATA_FILTERS, Filter, Names, Range, casefold_name, is_range


def _has_metadata(columns: Mapping[str, Any], name: str, value: Names | Range) -> ColumnElement[bool]:
    """Return the condition that the panel's book has metadata of this name that fits."""
    fits = (
        in_range(columns["metadata_numeric"], value)
        if is_range(value)
        else [_any_name(columns["metadata_casefolded"], value)]
    )
    books = select(columns["metadata_book"]).where(columns["metadata_name"] == name, *fits)
    found: ColumnElement[bool] = columns["book_id"].in_(books)
    return found


def in_range(column: Any, bounds: Any) -> list[ColumnElement[bool]]:
    """Return conditions for a range, both ends included; None leaves an end open."""
    low, high = bounds
    return ([column >= low] if low is not None else []) + ([column <= high] if high is not None else [])


def _any_name(column: Any, names: Any) -> ColumnElement[bool]:
    return or_(*(_like(column, casefold_name(name)) for name in names))


def _like(column: Any, pattern: str) -> ColumnElement[bool]:
    """Compare with a name, or with a pattern in which only `%` is a wildcard."""
    if "%" not in pattern:
        exact: ColumnElement[bool] = column == pattern
        return exact
    escaped = pattern.replace("\\", "\\\\").replace("_", "\\_")
    like: ColumnElement[bool] = column.like(escaped, escape="\\")
    return like


def conditions(where: Filter, columns: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the SQL conditions of a filter over the columns of the same names."""
    found: list[ColumnElement[bool]] = []
    if where.book is not None:
        found.append(or_(_like(columns["book"], where.book), _like(columns["book_path"], where.book)))
    if where.book_id is not None:
        found.append(columns["book_id"] == where.book_id)
    if where.source is not None:
        found.append(_like(columns["source"], where.source))
    if where.has_dialogue is not None:
        found.append(columns["dialogue"] != "" if where.has_dialogue else columns["dialogue"] == "")
    if where.annotated is not None:
        drawn = columns["box_source"] == "annotation"
        found.append(drawn if where.annotated else ~drawn)
    for name in ("page", "aspect", "size"):
        found += in_range(columns[name], getattr(where, name) or (None, None))
    if where.label is not None:
        found.append(_any_name(columns["label"], where.label))
    found += [
        _has_metadata(columns, name, value) for name in METADATA_FILTERS if (value := getattr(where, name)) is not None
    ]
    return found
