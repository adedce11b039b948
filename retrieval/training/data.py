"""The pages of one or more built indexes, split for training.

Only which pages there are is held in memory; panels and pictures are read when a batch needs them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from retrieval.books.labels import STORY, read_labels
from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.index import PanelIndex
from retrieval.training.recipe import Recipe
from retrieval.training.split import validation_books

_PANELS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page to train on: which index, its id there, its book's title, its full path without extension."""

    index: int
    page_id: int
    book: str
    path: str
    panels: int


@dataclass(frozen=True, slots=True)
class Split:
    """Pages to train on and to validate on, each shuffled once by the seed. `digest` says which they are."""

    training: tuple[PageEntry, ...]
    validation: tuple[PageEntry, ...]
    digest: str
    counts: dict[str, int]

    def describe(self) -> dict[str, Any]:
        """Counts and book titles, for the card."""
        return {
            "counts": self.counts,
            "books": sorted({page.book for page in self.training}),
            "validation_books": sorted({page.book for page in self.validation}),
            "digest": self.digest,
        }


class Library:
    """Open indexes to train from; close it or use it as a context manager."""

    def __init__(self, indexes: Sequence[PanelIndex], stack: ExitStack) -> None:
        self.indexes = tuple(indexes)
        self._stack = stack

    @classmethod
    def open(cls, folders: Sequence[Path]) -> Self:
        """Raises `IndexMissing` or `IndexDamaged`, `UsageError` for none or the same one twice."""
        if not folders:
            raise UsageError("there is no index to train from: name one with --index")
        places = [folder.expanduser().resolve() for folder in folders]
        twice = [place for place, count in Counter(places).items() if count > 1]
        if twice:
            raise UsageError(f"{twice[0]} is given twice; expected each index once")
        with ExitStack() as stack:
            indexes = [stack.enter_context(PanelIndex.open(folder)) for folder in places]
            return cls(indexes, stack.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def split(self, recipe: Recipe, labels: Path | None = None, limit: int | None = None) -> Split:
        """The pages of `labels` that tell the story (all without labels), split by book, the same for the same seed.

        `limit`: at most so many pages to train on, and a fifth of it to validate on.
        """
        pages = [page for number in range(len(self.indexes)) for page in self._pages(number)]
        counts = {"pages_indexed": len(pages)}
        if labels is not None:
            pages = _stories(pages, labels, counts)
        kept = validation_books([page.book.casefold() for page in pages], recipe.validation, recipe.seed)
        training = _some([p for p in pages if p.book.casefold() not in kept], limit, recipe.seed)
        most = recipe.validation_pages if limit is None else min(recipe.validation_pages, max(1, limit // 5))
        validation = _some([p for p in pages if p.book.casefold() in kept], most, recipe.seed)
        if not training:
            raise UsageError("there are no pages to train on: build an index with comics in it")
        for name, some in (("training", training), ("validation", validation)):
            counts[f"{name}_pages"] = len(some)
            counts[f"{name}_panels"] = sum(min(page.panels, recipe.panels_per_page) for page in some)
        return Split(training, validation, _digest(training, validation), counts)

    def _pages(self, number: int) -> Iterator[PageEntry]:
        """The present pages of one index that have panels, in order of their ids."""
        catalog = self.indexes[number].catalog
        roots = {book.id: _root(book.source, book.path, book.kind) for book in catalog.library.books()}
        ids = catalog.panels.matching_ids(Filter.of(None))
        names: dict[int, tuple[int, str, str]] = {}
        counts: Counter[int] = Counter()
        for start in range(0, len(ids), _PANELS_AT_ONCE):
            for panel in catalog.panels.get(ids[start : start + _PANELS_AT_ONCE]).values():
                counts[panel.page_id] += 1
                names.setdefault(panel.page_id, (panel.book_id, panel.book, panel.page_path))
        books = {book.id: book.path for book in catalog.library.books()}
        for page_id in sorted(names):
            book_id, title, source = names[page_id]
            inside = source.removeprefix(f"{books[book_id]}/") if books[book_id] else source
            root = roots[book_id].removesuffix(f"/{inside}")  # a source that is a single picture
            yield PageEntry(number, page_id, title, f"{root}/{inside.rpartition('.')[0] or inside}", counts[page_id])


def _root(source: str, path: str, kind: str) -> str:
    """Where a book's pages lie, as labels write it: an archive counts as a folder of its name."""
    root = Path(source) / path if path else Path(source)
    return (root if kind == "folder" else root.with_suffix("")).as_posix()


def _stories(pages: Sequence[PageEntry], labels: Path, counts: dict[str, int]) -> list[PageEntry]:
    """The pages labelled as telling the story; notes in `counts` what became of the others."""
    known = read_labels(labels)
    found = known.match([page.path for page in pages])
    stories = [page for page, name in zip(pages, found.classes, strict=True) if name in STORY]
    unlabelled = found.classes.count(None)
    counts["pages_without_label"] = unlabelled
    counts["pages_with_ambiguous_label"] = found.ambiguous
    counts["pages_of_other_classes"] = len(pages) - unlabelled - len(stories)
    if not stories and pages:
        raise UsageError(
            f"the labels {labels} make no page a story: {unlabelled} of {len(pages)} pages have no label "
            f"(a page is {pages[0].path!r}, a label {next(iter([*known.pages, *known.books]))!r}), "
            "the others are of other classes"
        )
    return stories


def _some(pages: list[PageEntry], most: int | None, seed: int) -> tuple[PageEntry, ...]:
    order = np.random.default_rng(seed).permutation(len(pages))[:most]
    return tuple(pages[i] for i in order)


def _digest(*parts: Sequence[PageEntry]) -> str:
    """Of what the pages are, not of where their index lies, so that folders may be moved."""
    digest = hashlib.sha256()
    for pages in parts:
        digest.update(f"{len(pages)}\n".encode())
        for page in pages:
            line = f"{page.index}\t{page.page_id}\t{page.book}\t{page.panels}\n"
            digest.update(line.encode("utf-8", "replace"))
    return digest.hexdigest()
