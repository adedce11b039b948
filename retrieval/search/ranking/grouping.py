"""Group limits: at most so many hits of one page or book."""

from __future__ import annotations

from retrieval.records import Panel
from retrieval.search.query import Query


class GroupLimits:
    """Counts of hits by page and book, compared with the limits of a query."""

    def __init__(self, query: Query) -> None:
        self._limits = (query.per_page, query.per_book)
        self._counts: dict[tuple[str, int], int] = {}

    def admit(self, panel: Panel) -> bool:
        """Return True and count the panel if its page and book have room for it."""
        keys = (("page", panel.page_id), ("book", panel.book_id))
        pairs = zip(keys, self._limits, strict=True)
        if any(limit is not None and self._counts.get(key, 0) >= limit for key, limit in pairs):
            return False
        for key in keys:
            self._counts[key] = self._counts.get(key, 0) + 1
        return True
