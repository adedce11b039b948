"""Query panels, drawn at random and spread evenly over books."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.names import check_text, name_key
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex
from retrieval.search.sampling import interleave
from retrieval.store.catalog.records import BookSummary


def query_panels(
    index: OpenIndex, count: int | None, seed: int, patterns: Sequence[str] = (), where: Filter | None = None
) -> list[Panel]:
    """Return at most `count` panels (None: all), in order of page, as many of each book as possible.

    patterns: a book's title or path with `%` for any letters, or a part of its source. where: filter of the panels.
    Raises `UsageError` if the patterns match no book.
    """
    for pattern in patterns:
        check_text("the pattern of books", pattern)
    books = [book for book in index.books() if not patterns or any(_matches(book, pattern) for pattern in patterns)]
    if patterns and not books:
        raise UsageError(
            f"no book matches {', '.join(patterns)}",
            path=index.folder,
            hint="list the books with `panelseek info --books`",
        )
    chosen = interleave([_shuffled(index, book, seed, where or Filter()) for book in books])
    ids = chosen if count is None else chosen[:count]
    return sorted(index.catalog.panels.get(ids).values(), key=lambda panel: (panel.page_id, panel.number))


def _shuffled(index: OpenIndex, book: BookSummary, seed: int, where: Filter) -> list[int]:
    ids = index.catalog.panels.matching_ids(replace(where, book_id=book.id))
    return [int(i) for i in np.random.default_rng([seed, book.id]).permutation(ids)]


def _matches(book: BookSummary, pattern: str) -> bool:
    """Return True if title or path match, as SQL's LIKE without regard to case, or source and path hold the pattern."""
    wanted = name_key(pattern)
    names = (name_key(book.title), name_key(book.path))
    like = "".join("*" if c == "%" else "?" if c == "_" else f"[{c}]" if c in "*?[" else c for c in wanted)
    if any(name == wanted or fnmatch.fnmatchcase(name, like) for name in names):
        return True
    return "%" not in wanted and wanted in name_key(f"{book.source}/{book.path}")
