"""Kumiko's JSON: a list of pages with their panels."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import parse_direction, parse_four_numbers, parse_size_pair
from index_builder.annotations.records import AnnotatedPanel, RawAnnotation
from retrieval.records import Box


def read(value: Any) -> dict[str, RawAnnotation] | None:
    """Return the pages by file name, or None if this is another format."""
    items = value if isinstance(value, list) else [value]
    pages = [(str(item["filename"]), page) for item in items if (page := _page(item)) is not None]
    return dict(pages) if pages and len(pages) == len(items) else None


def _page(page: Any) -> RawAnnotation | None:
    """Return a page with `size` [w, h], `numbering`, and panels that are lists [x, y, w, h], or None."""
    if not isinstance(page, dict) or not isinstance(page.get("panels"), list) or "filename" not in page:
        return None
    warnings, panels = [], []
    for number, item in enumerate(page["panels"], 1):
        box = parse_four_numbers(item)
        if box is None:
            warnings.append(f"panel {number} dropped: its box is not four numbers")
        else:
            panels.append(AnnotatedPanel(number, Box(*box), None))
    direction, size = parse_direction(page.get("numbering")), parse_size_pair(page.get("size"))
    return RawAnnotation(tuple(panels) or None, direction, tuple(warnings), page_size=size)
