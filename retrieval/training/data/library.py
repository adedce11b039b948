"""The pages of one or more open indexes, split for training.

Memory holds a short record of each page; panels and images are read when a batch needs them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.books.labels import STORY, read_labels
from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.names import name_key
from retrieval.search.open_index import OpenIndex
from retrieval.training.data.split import validation_books
from retrieval.training.recipe import Recipe

_PANEL_BATCH = 10_000
"""Panels read from a catalog at once."""


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page to train on: number of its index, id there, title of its book, full path without suffix, panels."""

    index: int
    page_id: int
    book: str
    path: str
    panels: int


@dataclass(frozen=True, slots=True)
class Split:
    """Pages to train on and to validate on, each shuffled once by the seed. `digest` identifies them."""

    training: tuple[PageEntry, ...]
    validation: tuple[PageEntry, ...]
    digest: str
    counts: dict[str, int]

    def describe(self) -> dict[str, Any]:
        """Return counts and book titles, for the card."""
        return {
            "counts": self.counts,
            "books": sorted({page.book for page in self.training}),
            "validation_books": sorted({page.book for page in self.validation}),
            "digest": self.digest,
        }


class Library:
    """Open indexes to train from. Raises `UsageError` for none or for one given twice."""

    def __init__(self, indexes: Sequence[OpenIndex]) -> None:
        if not indexes:
            raise UsageError("there is no index to train from", hint="name one with --index")
        folders = Counter(index.folder.resolve() for index in indexes)
        repeated = [folder for folder, count in folders.items() if count > 1]
        if repeated:
            raise UsageError("is given twice; expected each index once", path=repeated[0])
        self.indexes = tuple(indexes)

    def split(self, recipe: Recipe, labels: Path | None = None, limit: int | None = None) -> Split:
        """Return the pages that `labels` calls story pages (all without labels), split by book.

        limit: most pages to train on; a fifth of it is the most to validate on.
        Raises `UsageError` if no page or no second book is left.
        """
        pages = [page for number in range(len(self.indexes)) for page in self._pages(number)]
        counts = {"pages_indexed": len(pages)}
        if labels is not None:
            pages = _story_pages(pages, labels, counts)
        held_out = validation_books([name_key(page.book) for page in pages], recipe.validation_fraction, recipe.seed)
        training = _sample([p for p in pages if name_key(p.book) not in held_out], limit, recipe.seed)
        most = recipe.validation_pages if limit is None else min(recipe.validation_pages, max(1, limit // 5))
        validation = _sample([p for p in pages if name_key(p.book) in held_out], most, recipe.seed)
        if not training:
            raise UsageError("there are no pages to train on", hint="build an index with comics in it")
        for name, part in (("training", training), ("validation", validation)):
            counts[f"{name}_pages"] = len(part)
            counts[f"{name}_panels"] = sum(min(page.panels, recipe.panels_per_page) for page in part)
        return Split(training, validation, _digest(training, validation), counts)

    def _pages(self, number: int) -> Iterator[PageEntry]:
        """Yield the present pages of one index that have panels, in order of their ids."""
        catalog = self.indexes[number].catalog
        roots = {book.id: _root(book.source, book.path, book.book_format) for book in catalog.library.books()}
        ids = catalog.panels.matching_ids(Filter.of(None))
        names: dict[int, tuple[int, str, str]] = {}
        counts: Counter[int] = Counter()
        for start in range(0, len(ids), _PANEL_BATCH):
            for panel in catalog.panels.get(ids[start : start + _PANEL_BATCH]).values():
                counts[panel.page_id] += 1
                names.setdefault(panel.page_id, (panel.book_id, panel.book, panel.page_path))
        books = {book.id: book.path for book in catalog.library.books()}
        for page_id in sorted(names):
            book_id, title, source = names[page_id]
            inside = source.removeprefix(f"{books[book_id]}/") if books[book_id] else source
            root = roots[book_id].removesuffix(f"/{inside}")  # a source that is a single image
            yield PageEntry(number, page_id, title, f"{root}/{inside.rpartition('.')[0] or inside}", counts[page_id])


def _root(source: str, path: str, book_format: str) -> str:
    """Return the folder of a book's pages as labels write it: an archive counts as a folder of its name."""
    root = Path(source) / path if path else Path(source)
    return (root if book_format == "folder" else root.with_suffix("")).as_posix()


def _story_pages(pages: Sequence[PageEntry], labels: Path, counts: dict[str, int]) -> list[PageEntry]:
    """Return the pages labelled as story pages, and add the counts of the others to `counts`."""
    known = read_labels(labels)
    found = known.match([page.path for page in pages])
    stories = [page for page, name in zip(pages, found.classes, strict=True) if name in STORY]
    unlabelled = found.classes.count(None)
    counts["pages_without_label"] = unlabelled
    counts["pages_with_ambiguous_label"] = found.ambiguous
    counts["pages_of_other_classes"] = len(pages) - unlabelled - len(stories)
    if not stories and pages:
        raise UsageError(
            f"no page is a story page: {unlabelled} of {len(pages)} pages have no label "
            f"(a page is {pages[0].path!r}, a label {next(iter([*known.pages, *known.books]))!r}), "
            "the others are of other classes",
            path=labels,
        )
    return stories


def _sample(pages: list[PageEntry], most: int | None, seed: int) -> tuple[PageEntry, ...]:
    order = np.random.default_rng(seed).permutation(len(pages))[:most]
    return tuple(pages[i] for i in order)


def _digest(*parts: Sequence[PageEntry]) -> str:
    """Return a digest of the pages, not of the folders of their indexes, which may be moved."""
    digest = hashlib.sha256()
    for pages in parts:
        digest.update(f"{len(pages)}\n".encode())
        for page in pages:
            line = f"{page.index}\t{page.page_id}\t{page.book}\t{page.panels}\n"
            digest.update(line.encode("utf-8", "replace"))
    return digest.hexdigest()
