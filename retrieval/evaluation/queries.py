"""Query panels, and text queries from their dialogue: part of it, with OCR errors, or in other words."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.names import check_text, name_key
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex
from retrieval.search.sampling import interleave
from retrieval.store.catalog.records import BookSummary

FIVE = 5
"""Words in a row of the query type "five words"; shorter dialogue makes no queries."""
FORGOTTEN = 0.4
"""Share of a line's words missing from a half-remembered one."""
OCR_ERRORS = (0.10, 0.15)
"""Lowest and highest share of characters with OCR errors."""

_CONFUSED = {
    "a": "oe", "b": "h6", "c": "eo", "d": "cl", "e": "co", "f": "t", "g": "q9", "h": "bn", "i": "l1",
    "j": "i", "k": "h", "l": "i1", "m": "rn", "n": "rm", "o": "0c", "p": "q", "q": "g", "r": "n",
    "s": "5", "t": "fl", "u": "vn", "v": "u", "w": "v", "x": "k", "y": "v", "z": "2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rephrased:
    """A line of a comic, and the same in other words."""

    book: str
    page: int
    panel: int
    line: str
    rephrased: str


def text_query(dialogue: str, query_type: str, *, seed: int, key: str) -> str | None:
    """Return a query of a type in `QUERY_TYPES`; the same for the same (seed, key, type).

    None if the dialogue has fewer than five words.
    """
    words = dialogue.split()
    if len(words) < FIVE:
        return None
    digest = hashlib.sha256(f"{seed}\0{key}\0{query_type}".encode()).digest()
    return QUERY_TYPES[query_type](words, np.random.default_rng(int.from_bytes(digest[:8], "big")))


def _five_words(words: list[str], rng: np.random.Generator) -> str:
    start = int(rng.integers(0, len(words) - FIVE + 1))
    return " ".join(words[start : start + FIVE])


def _half_remembered(words: list[str], rng: np.random.Generator) -> str:
    kept = sorted(rng.permutation(len(words))[round(FORGOTTEN * len(words)) :])
    return " ".join(words[i] for i in kept)


def _ocr_noise(words: list[str], rng: np.random.Generator) -> str:
    """Return the line with OCR errors: characters confused, spaces lost or added."""
    line = list(" ".join(words))
    wrong = max(1, round(len(line) * rng.uniform(*OCR_ERRORS)))
    for place in rng.permutation(len(line))[:wrong]:
        line[place] = _misread(line[place], rng)
    return " ".join("".join(line).split())


def _misread(letter: str, rng: np.random.Generator) -> str:
    if letter == " ":
        return ""
    if rng.random() < 0.15:
        return f"{letter} "
    similar = _CONFUSED.get(letter.lower())
    if similar is None:
        return ""
    return str(rng.choice(list(similar)))


QUERY_TYPES: dict[str, Callable[[list[str], np.random.Generator], str]] = {
    "five words": _five_words,
    "half remembered": _half_remembered,
    "ocr noise": _ocr_noise,
}


def read_rephrased(path: Path) -> list[Rephrased]:
    """Return the rephrased lines of a JSON file. Raises `UsageError` with the number of a wrong entry."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot be read as a list of rephrased lines: {error}", path=path) from error
    if not isinstance(entries, list):
        raise UsageError(f"holds {type(entries).__name__}; expected a list of rephrased lines", path=path)
    return [_rephrased(path, number, entry) for number, entry in enumerate(entries, 1)]


def _rephrased(path: Path, number: int, entry: object) -> Rephrased:
    types = {"book": str, "page": int, "panel": int, "line": str, "rephrased": str}
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), kind) for name, kind in types.items()):
        raise UsageError(f"entry {number} is {entry!r}; expected {', '.join(types)}", path=path)
    if not entry["rephrased"].strip():
        raise UsageError(f"entry {number} has an empty rephrased line", path=path)
    return Rephrased(**{name: entry[name] for name in types})


# ------------------------------------------------------------------- query panels


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
