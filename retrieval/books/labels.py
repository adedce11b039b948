"""What kind of page a page is, from a file of labels.

Page classifiers of the published framework write {"<path of a page>": "<class>"}, or {"<book>": {"<page>": "<class>"}};
their training data is a list of books with spans of pages. Paths are compared from their ends (`page_names`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.books.page_ids import PageNames
from retrieval.errors import UsageError

STORY = frozenset({"story", "narrative"})
"""Two names of one class; any other counts as not the story."""

EXPECTED = (
    'expected one JSON object {"book/page": "class", ...} or {"book": {"page": "class"}}, or a list of books with spans'
)

SPANS = {
    "stories": "story", "first-pages": "first-page", "textstories": "textstory", "advertisements": "advertisement",
    "covers": "cover", "credits": "credits", "art": "art", "text": "text", "back_covers": "back_cover",
}  # fmt: skip
"""Keys of spans and their classes; later ones overwrite earlier ones."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """`classes`: one for each page asked for, None where no label is surely its own. `ambiguous` counts those pages
    whose ending several labels share, or whose label several pages could claim."""

    classes: list[str | None]
    ambiguous: int


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of pages by path, and for books by path the classes of their page numbers."""

    pages: Mapping[str, str] = field(default_factory=dict)
    books: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def match(self, pages: Sequence[str]) -> Labelled:
        """The class of each page, `pages` being their full paths, '/' between the parts, in order within a book."""
        names = list(self.pages)
        found = PageNames(names).match(pages)
        classes = [None if place is None else tidy(self.pages[names[place]]) for place in found.places]
        spans, unsure = self._by_span(pages) if self.books else ({}, 0)
        merged = [known or spans.get(page) for page, known in zip(pages, classes, strict=True)]
        return Labelled(merged, len(found.unsure) + unsure)

    def _by_span(self, pages: Sequence[str]) -> tuple[dict[str, str], int]:
        """The class of each page whose book has spans, and how many pages of books that several entries fit."""
        by_book: dict[str, list[str]] = defaultdict(list)
        for page in pages:
            by_book[page.rpartition("/")[0]].append(page)
        names, folders = list(self.books), list(by_book)
        matched = PageNames(names).match(folders)
        found: dict[str, str] = {}
        for folder, place in zip(folders, matched.places, strict=True):
            if place is not None:
                numbered = zip(by_book[folder], page_numbers(by_book[folder]), strict=True)
                found |= {page: self.books[names[place]][n] for page, n in numbered if n in self.books[names[place]]}
        return found, len(matched.unsure)


def page_numbers(pages: Sequence[str]) -> list[int]:
    """The number in each page's file name (the last one: titles have numbers too), or all their places from 0."""
    runs = [re.findall(r"\d+", page.rpartition("/")[2].partition(".")[0]) for page in pages]
    numbers = [int(run[-1]) if run and len(run[-1]) < 10 else -1 for run in runs]
    return numbers if -1 not in numbers and len(set(numbers)) == len(numbers) else list(range(len(pages)))


def tidy(label: str) -> str:
    """A class as it is compared: without case and blanks; `narrative` is called `story`."""
    plain = label.strip().lower()
    return "story" if plain in STORY else plain


def read_labels(path: Path) -> Labels:
    """The labels in a file. Raises `UsageError` for a file that is missing or of another form."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the labels {path} cannot be read ({error}): {EXPECTED}") from error
    if isinstance(content, dict | list) and content:
        found = parse_labels(content)
        if found is not None:
            return found
    if isinstance(content, dict) and content:
        key, value = next((k, v) for k, v in content.items() if not isinstance(v, str))
        raise UsageError(f"the labels {path} give {key!r} a {type(value).__name__}: {EXPECTED}")
    raise UsageError(f"the labels {path} hold {type(content).__name__} or nothing: {EXPECTED}")


def parse_labels(content: Any) -> Labels | None:
    """The labels in a JSON value, or None when it is of another form."""
    if isinstance(content, list):
        books = {
            str(book["hash_code"]): _spans(book) for book in content if isinstance(book, dict) and "hash_code" in book
        }
        return Labels(books=books) if books and len(books) == len(content) else None
    if not isinstance(content, dict) or not content:
        return None
    pages: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, str):
            pages[key] = value
        elif isinstance(value, dict) and value and all(isinstance(label, str) for label in value.values()):
            pages |= {f"{key}/{page}": label for page, label in value.items()}
        else:
            return None
    return Labels(pages)


def _spans(book: Mapping[str, Any]) -> dict[int, str]:
    """The class of each page number in the spans of a book; spans that make no sense are passed over."""
    found: dict[int, str] = {}
    for key, name in SPANS.items():
        spans = book.get(key)
        for span in spans if isinstance(spans, list) else ():
            first, last = (span.get("page_start"), span.get("page_end")) if isinstance(span, dict) else (None, None)
            if type(first) is int and type(last) is int and 0 <= first <= last < first + 10_000:
                found |= dict.fromkeys(range(first, last + 1), name)
    return found
