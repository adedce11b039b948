"""Kumiko's JSON: a list of pages with their panels."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import four, size_of
from index_builder.annotations.records import AnnotatedPanel, Written
from retrieval.records import Box


def read(value: Any) -> dict[str, Written] | None:
    """Each page by its file name, or None when this is another form."""
    items = value if isinstance(value, list) else [value]
    pages = [(str(item["filename"]), page) for item in items if (page := _page(item)) is not None]
    return dict(pages) if pages and len(pages) == len(items) else None


def _page(page: Any) -> Written | None:
    """A page as Kumiko writes it: `size` [w, h], `numbering`, and panels that are nothing but [x, y, w, h]."""
    if not isinstance(page, dict) or not isinstance(page.get("panels"), list) or "filename" not in page:
        return None
    sides = page.get("size")
    size = size_of(*sides) if isinstance(sides, list) and len(sides) == 2 else None
    notes, found = [], []
    for place, item in enumerate(page["panels"], 1):
        box = four(item)
        if box is None:
            notes.append(f"panel {place} dropped: its box is not four numbers")
        else:
            found.append(AnnotatedPanel(place, Box(*box), None))
    direction = page.get("numbering")
    return Written(tuple(found) or None, direction if direction in ("ltr", "rtl") else None, tuple(notes), size=size)
