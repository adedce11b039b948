"""Which panels ask: drawn at random, evenly over the books that may."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.store.catalog.records import BookSummary


def panels_that_ask(
    index: PanelIndex, count: int | None, seed: int, patterns: Sequence[str] = (), where: Filter | None = None
) -> list[Panel]:
    """At most `count` panels (None: all), in order of page, as many of each book as it has.

    A pattern is a book's title or path with `%` for any letters, or a part of where its source lies.
    `where` says which panels of a book may ask. Raises `UsageError` when a pattern fits no book.
    """
    books = [book for book in index.books() if not patterns or any(_fits(book, pattern) for pattern in patterns)]
    if patterns and not books:
        raise UsageError(
            f"no book of {index.folder} fits {', '.join(patterns)}: `panelseek info --books` lists their names"
        )
    chosen = _evenly([_shuffled(index, book, seed, where or Filter()) for book in books])
    ids = chosen if count is None else chosen[:count]
    return sorted(index.catalog.panels.get(ids).values(), key=lambda panel: (panel.page_id, panel.number))


def _shuffled(index: PanelIndex, book: BookSummary, seed: int, where: Filter) -> list[int]:
    ids = index.catalog.panels.matching_ids(replace(where, book_id=book.id))
    return [int(i) for i in np.random.default_rng([seed, book.id]).permutation(ids)]


def _evenly(books: Iterable[list[int]]) -> list[int]:
    """One of each book, then the second of each, until nothing is left."""
    return [panel for turn in zip_longest(*books) for panel in turn if panel is not None]


def _fits(book: BookSummary, pattern: str) -> bool:
    """As SQL's LIKE, without regard to case, on title and path; or a plain part of source and path."""
    wanted = pattern.casefold()
    names = (book.title.casefold(), book.path.casefold())
    like = "".join("*" if c == "%" else "?" if c == "_" else f"[{c}]" if c in "*?[" else c for c in wanted)
    if any(name == wanted or fnmatch.fnmatchcase(name, like) for name in names):
        return True
    return "%" not in wanted and wanted in f"{book.source}/{book.path}".casefold()
