"""Page types from a file of labels.

The page classifiers of the published framework write {"<path of a page>": "<class>"}, or {"<book>": {"<page>":
"<class>"}}. Their training data is a list of books with spans of pages. Paths are matched from their ends
(`retrieval.books.page_ids`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.books.page_ids import PageIdMatcher
from retrieval.errors import UsageError
from retrieval.names import name_key

STORY = frozenset({"story", "narrative"})
"""Two names of one class; any other class is not part of the story."""

_EXPECTED = 'one JSON object {"book/page": "class", ...} or {"book": {"page": "class"}}, or a list of books with spans'

_SPANS = {
    "stories": "story", "first-pages": "first-page", "textstories": "textstory", "advertisements": "advertisement",
    "covers": "cover", "credits": "credits", "art": "art", "text": "text", "back_covers": "back_cover",
}  # fmt: skip
"""Keys of spans and their classes; later ones overwrite earlier ones."""

_MAX_SPAN = 10_000
"""Pages in one span; a longer span is an error in the file."""


@dataclass(frozen=True, slots=True)
class PageTypes:
    """Page types of a list of pages.

    classes: one per page, None without a certain match. ambiguous: the number of pages whose ending several labels
    share, or whose label several pages could claim.
    """

    classes: list[str | None]
    ambiguous: int


@dataclass(frozen=True, slots=True)
class Labels:
    """Page types by the path of a page, and by the path of a book and a page number."""

    pages: Mapping[str, str] = field(default_factory=dict)
    books: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def match(self, pages: Sequence[str]) -> PageTypes:
        """Return the type of each page. `pages` are full paths with '/' separators, in order within each book."""
        ids = list(self.pages)
        matched = PageIdMatcher(ids).match(pages)
        classes = [None if match is None else normalize_label(self.pages[ids[match]]) for match in matched.matches]
        by_span, ambiguous = self._match_spans(pages) if self.books else ({}, 0)
        merged = [own or by_span.get(page) for page, own in zip(pages, classes, strict=True)]
        return PageTypes(merged, len(matched.ambiguous) + ambiguous)

    def _match_spans(self, pages: Sequence[str]) -> tuple[dict[str, str], int]:
        """Return the type of each page whose book has spans, and the number of ambiguous books."""
        by_folder: dict[str, list[str]] = defaultdict(list)
        for page in pages:
            by_folder[page.rpartition("/")[0]].append(page)
        ids, folders = list(self.books), list(by_folder)
        matched = PageIdMatcher(ids).match(folders)
        types: dict[str, str] = {}
        for folder, match in zip(folders, matched.matches, strict=True):
            if match is not None:
                spans = self.books[ids[match]]
                numbered = zip(by_folder[folder], page_numbers(by_folder[folder]), strict=True)
                types |= {page: spans[number] for page, number in numbered if number in spans}
        return types, len(matched.ambiguous)


def page_numbers(pages: Sequence[str]) -> list[int]:
    """Return the last number in each page's file name, or the positions from 0 if these do not number all pages.

    The last number counts because titles contain numbers too.
    """
    runs = [re.findall(r"\d+", page.rpartition("/")[2].partition(".")[0]) for page in pages]
    numbers = [int(run[-1]) if run and len(run[-1]) < 10 else -1 for run in runs]
    return numbers if -1 not in numbers and len(set(numbers)) == len(numbers) else list(range(len(pages)))


def normalize_label(label: str) -> str:
    """Return a class in lower case, without surrounding blanks; `narrative` becomes `story`."""
    normalized = name_key(label)
    return "story" if normalized in STORY else normalized


def read_labels(path: Path) -> Labels:
    """Read a file of labels. Raises `UsageError` if it is missing or of another form."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the labels cannot be read ({error})", path, f"give {_EXPECTED}") from error
    if isinstance(content, dict | list) and content:
        labels = parse_labels(content)
        if labels is not None:
            return labels
    if isinstance(content, dict) and content:
        key, value = next((k, v) for k, v in content.items() if not isinstance(v, str))
        raise UsageError(f"the label of {key!r} is a {type(value).__name__}", path, f"give {_EXPECTED}")
    raise UsageError(f"no labels, but an empty or wrong {type(content).__name__}", path, f"give {_EXPECTED}")


def parse_labels(content: Any) -> Labels | None:
    """Return the labels in a JSON value, or None if it is of another form."""
    if isinstance(content, list):
        books = {
            str(book["hash_code"]): _parse_spans(book)
            for book in content
            if isinstance(book, dict) and "hash_code" in book
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


def _parse_spans(book: Mapping[str, Any]) -> dict[int, str]:
    """Return the class of each page number in the spans of a book; invalid spans are ignored."""
    classes: dict[int, str] = {}
    for key, name in _SPANS.items():
        spans = book.get(key)
        for span in spans if isinstance(spans, list) else ():
            first, last = (span.get("page_start"), span.get("page_end")) if isinstance(span, dict) else (None, None)
            if type(first) is int and type(last) is int and 0 <= first <= last < first + _MAX_SPAN:
                classes |= dict.fromkeys(range(first, last + 1), name)
    return classes
