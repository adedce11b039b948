"""What is known about the books of a build beside their pictures: it decides labels, facts, and what is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from index_builder.annotations.book import BookAnnotations, book_fingerprint, page_files_fingerprint, read_book
from index_builder.annotations.collection import AnnotationRef, Collection, combined_fingerprint
from index_builder.annotations.languages import select_language
from index_builder.annotations.records import RawAnnotation
from index_builder.options import BuildOptions
from index_builder.sources import BookRef, PageRef
from index_builder.sources.books import root_name
from retrieval.books import BookFormat
from retrieval.books.labels import normalize_label
from retrieval.store.catalog.catalog import Catalog, KnownPage

STORY_PAGES = frozenset({"story", "first-page"})
"""Labels of pages that tell the story."""


class KnownBook:
    """What is known about one book, read only where the catalog does not have it already."""

    def __init__(
        self,
        book: BookRef,
        source: Path,
        remembered: str,
        before: Mapping[str, KnownPage],
        collection: Collection,
        options: BuildOptions,
        language: str = "",
    ) -> None:
        self._book = book
        self._names = path_names(book, source)
        self._before = before
        self._collection = collection
        self._options = options
        self._language = options.language or language
        labels = repr([(p.name, found) for p in book.pages if (found := self._collected_label(p))])
        self._fresh = book_fingerprint(book, [*self._names, labels])
        self._old, _, self._old_direction = remembered.partition("|")
        self._files = page_files_fingerprint(book)

    @property
    def changed(self) -> bool:
        """Whether facts or labels may be other ones than the catalog has."""
        return self._old != self._fresh

    @property
    def stat(self) -> str:
        """What the catalog is to remember, so that the next build need not read again."""
        return f"{self._fresh}|{self._direction or ''}"

    @cached_property
    def read(self) -> BookAnnotations:
        """What the files say; read when it is first asked for."""
        return read_book(self._book, self._names, self._options.reading)

    @cached_property
    def _direction(self) -> str | None:
        return self.read.reading_direction if self.changed else (self._old_direction or None)

    @property
    def right_to_left(self) -> bool:
        """How pages are read that do not say so themselves: as the book says, else as the setting does."""
        return self._options.right_to_left if self._direction is None else self._direction == "rtl"

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """(file, remark) of what was amiss, where it was read."""
        return self.read.notes if "read" in self.__dict__ else ()

    def page_stat(self, page: PageRef) -> str:
        """A fingerprint of what is said about a page outside of it and of the file beside it."""
        said = f"{self._files}{combined_fingerprint(self._collected(page))}"
        return f"{said}:{self._language}" if said else ""

    def said(self, page: PageRef) -> tuple[AnnotationRef, ...]:
        """What is said about a page, the most trusted first: in its book, then in the collection's annotations."""
        said = (*self.read.pages.get(page.name, ()), *self._collected(page))
        return tuple(
            select_language(item, self._language) if isinstance(item, RawAnnotation) else item for item in said
        )

    def label(self, page: PageRef) -> str | None:
        """What kind of page it is: as the collection's labels say, else the book."""
        collected = self._collected_label(page)
        if collected is not None:
            return normalize_label(collected)
        known = self._before.get(page.name)
        if self.changed or known is None:
            return self.read.page_types.get(page.name)
        return known.label

    def left_out(self, page: PageRef) -> bool:
        """Whether only the story is wanted, and the page is something else; one without a label stays."""
        return self._options.story_only and self.label(page) not in (None, *STORY_PAGES)

    def _collected(self, page: PageRef) -> tuple[AnnotationRef, ...]:
        return self._collection.annotations.get(full_path(self._book, page), ()) if self._collection else ()

    def _collected_label(self, page: PageRef) -> str | None:
        return self._collection.page_types.get(full_path(self._book, page)) if self._collection else None


def remember(catalog: Catalog, book_id: int, book: BookRef, known: KnownBook, before: Mapping[str, KnownPage]) -> None:
    """Bring facts and labels in the catalog up to date; nothing is encoded for it."""
    if not known.changed:
        return
    labels = {p.name: known.label(p) for p in book.pages if p.name in before}
    catalog.label_pages(book_id, {name: label for name, label in labels.items() if label != before[name].label})
    catalog.set_book_facts(book_id, known.read.metadata, known.stat)


def full_path(book: BookRef, page: PageRef) -> str:
    """A page as other programs' ids have it: a book file counts as a folder of its name."""
    if book.book_format != BookFormat.FOLDER:
        root = book.path.with_suffix("")
    else:
        root = book.path.parent if book.path.name == page.name and len(book.pages) == 1 else book.path
    return f"{root.as_posix()}/{page.name}"


def path_names(book: BookRef, source: Path) -> Sequence[str]:
    """The parts of a book's path without extension, the source's own name first."""
    parts = [root_name(source), *(part for part in book.relative.split("/") if part)]
    if book.book_format != BookFormat.FOLDER or not book.path.is_dir():
        parts[-1] = Path(parts[-1]).stem
    return parts
