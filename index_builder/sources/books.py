"""The records of a source, and what names say: order, junk, pages, annotations, titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.books import natural_key, sidecar_names, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page of a book, not yet read.

    `name` is its path inside the book with '/' separators, `number` counts from 1 in natural order; pictures that are
    skipped count as well.
    `stat` changes when the page or its annotation does. `annotation` is the path inside the book of
    the JSON that describes it, or None. Both names are for `retrieval.books.read_page`.
    """

    name: str
    number: int
    stat: str
    annotation: str | None


@dataclass(frozen=True, slots=True)
class BookRef:
    """A book and its pages.

    `path` is always root / `relative`; `relative` is "" when the root is the book. `kind` is one of
    `retrieval.books.BookFormat`. A root that is a single picture is a "folder" book of that one page. `about`: name and
    stat of files in the book that may say something about it; `beside`: of such files next to it, named like it.
    `comment` is what an archive says about itself.
    """

    path: Path
    relative: str
    title: str
    kind: str
    pages: tuple[PageRef, ...]
    about: tuple[tuple[str, str], ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    comment: bytes = b""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that looks like comics and is not read. `reason` continues a sentence after `path`."""

    path: str
    reason: str


def skip_reason(problem: str, hint: str | None) -> str:
    """Return problem and suggested fix in one line, as the report of a build stores them."""
    return problem if hint is None else f"{problem}; {hint}"


_ABOUT = {".xml", ".acbf", ".mokuro"}
_CATALOG = "index.json"  # a list of a whole collection, never the annotation of one page
_GENERIC = re.compile(
    r"(pages?|images?|img|pics?|scans?|jpe?gs?|pngs?|webp|web|strips?|comics?|books?|files|[a-z]{2}"
    r"|(ch|chapter|ep|episode|vol|volume|issue|part|book|no|nr|[a-z])?[\s._-]*\d+)",
    re.IGNORECASE,
)


def number_pages(stats: Mapping[str, str], notes: Mapping[str, str], unread: Iterable[str] = ()) -> tuple[PageRef, ...]:
    """Pages in natural order. `stats`: page name -> stat; `notes`: JSON name -> stat; `unread`: names of pages that are
    there and cannot be read: what counts pages (ComicInfo) counts them.
    """
    return ordered_pages(sorted({*stats, *unread}, key=natural_key), stats, notes)


def ordered_pages(names: Iterable[str], stats: Mapping[str, str], notes: Mapping[str, str]) -> tuple[PageRef, ...]:
    """Pages in the order of `names`, each with its annotation; names without a stat leave a gap in the numbers."""
    exact = {_lower_suffix(name): name for name in notes if is_note(name)}
    pages = []
    for number, name in enumerate(names, start=1):
        if name not in stats:
            continue
        note = next((exact[n] for n in sidecar_names(name)[1:] if n in exact), None)
        stat = stats[name] if note is None else f"{stats[name]}|{notes[note]}"
        pages.append(PageRef(name, number, stat, note))
    return tuple(pages)


def is_about(name: str) -> bool:
    """Whether a file may say something about its whole book."""
    return suffix_of(name) in _ABOUT


def about_book(notes: Mapping[str, str], pages: Iterable[PageRef]) -> tuple[tuple[str, str], ...]:
    """Of the notes of a book those that no page has for its own, with their stats."""
    taken = {page.annotation for page in pages}
    return tuple((name, notes[name]) for name in sorted(notes, key=natural_key) if name not in taken)


def is_note(name: str) -> bool:
    """Whether a file may be the annotation of the page beside it."""
    return suffix_of(name) == ".json" and name.rpartition("/")[2].lower() != _CATALOG


def is_generic(name: str) -> bool:
    """Whether a folder or file is called like thousands of others: `scans`, `en`, `ch 12`."""
    return _GENERIC.fullmatch(name) is not None


def book_title(names: Iterable[str]) -> str:
    """A human name from the path's parts, the book's own last; a generic one brings its parent along.

    ["Comics", "Ubunchu", "ch12"] -> "Ubunchu / ch12"; ["Comics", "Night Harbor"] -> "Night Harbor".
    """
    *parents, own = names
    if not is_generic(own) or not parents:
        return own
    return f"{book_title(parents)} / {own}"


def root_name(root: Path) -> str:
    """The root's own name, also when it was given as "." or through a link's path."""
    return root.name or root.resolve().name or str(root)


def _lower_suffix(name: str) -> str:
    return name[: -len(".json")] + ".json"
