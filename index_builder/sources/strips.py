"""Is a book a vertical strip cut into slices? Then its slices become pages that are cut where nothing is drawn.

Decided by evidence: slices of one width whose edges go on into each other. A few boundaries are looked at; in an
ordinary book nothing goes on over the edge of a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index_builder.sources.books import BookRef, PageRef
from retrieval.books import BookFormat, JoinedPage, ReadLimits, natural_key, parse_joined, read_page
from retrieval.errors import PanelseekError
from retrieval.images.decode import open_image

STRIPS = "strips-1"
"""Stored with what was decided: a change of this string means that books are looked at again."""

_SAMPLED = 8
"""Boundaries between slices that are looked at to decide."""

_ENOUGH = 4
"""Of them that show nothing going on, before a book is taken for an ordinary one."""

_VARIED = 8.0
"""Standard deviation of a row's greys from which something is drawn across the edge."""

_ALIKE = 0.6
"""Correlation of two rows from which the second may go on where the first ends."""

_GUTTER = 0.03
"""Height of a blank band, in widths of the strip, from which it is cut there."""

_SHORT, _TALL, _TALLEST = 0.6, 2.2, 12.0
"""Height of a joined page in widths: from, usually up to, and never more than."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Slice:
    """What joining needs of a slice: its size, and which of its rows are blank, (H,) bool."""

    page: PageRef
    width: int
    blank: NDArray[np.bool_]


def may_join(book: BookRef, mode: str) -> bool:
    """Whether it is worth a look: slices are read again in natural order, so that must be the book's."""
    if mode == "no" or len(book.pages) < 2 or book.kind in (BookFormat.PDF, BookFormat.ACBF):
        return False
    names = [page.name for page in book.pages]
    return names == sorted(names, key=natural_key)


def strip_pages(book: BookRef, mode: str, reading: ReadLimits, annotated: Collection[str] = ()) -> list[str]:
    """Names of the joined pages that a book `may_join` should have instead of its slices; [] where it stays as it is.

    mode: "auto" joins where the slices say that they are some, "yes" wherever widths agree. annotated: pages somebody
    described as they are; they are joined with nothing, and in auto say that pages are pages.
    """
    if mode == "auto" and (annotated or not is_strip(book, reading)):
        return []
    runs = _runs([_look(book, page, reading, page.name in annotated) for page in book.pages])
    return [name for run in runs for name in _cut(run, reading)]


def with_joined(book: BookRef, names: Sequence[str]) -> BookRef:
    """The book with joined pages `names` in the place of their slices; pages that are part of none stay."""
    places = {page.name: place for place, page in enumerate(book.pages)}
    joined = [(name, places[ends.first], places[ends.last]) for name in names if (ends := parse_joined(name))]
    taken = {place for _, first, last in joined for place in range(first, last + 1)}
    found = [(first, PageRef(name, 1, _digest(book.pages[first : last + 1]), None)) for name, first, last in joined]
    found += [(place, page) for place, page in enumerate(book.pages) if place not in taken]
    found.sort(key=lambda item: item[0])
    return replace(book, pages=tuple(replace(page, number=n) for n, (_, page) in enumerate(found, 1)))


def fingerprint(book: BookRef, mode: str, reading: ReadLimits, said: Sequence[str] = ()) -> str:
    """Changes when the answer of `strip_pages` may; `said` are fingerprints of what is said about the pages."""
    about = hashlib.sha1("\n".join(said).encode(), usedforsecurity=False).hexdigest()
    return f"{STRIPS}|{mode}|{reading.max_pixels}|{_digest(book.pages)}|{about}"


def _digest(pages: Sequence[PageRef]) -> str:
    text = "\n".join(f"{page.name}|{page.stat}" for page in pages)
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def is_strip(book: BookRef, reading: ReadLimits) -> bool:
    """Whether drawings go on from slice to slice, by a sample of boundaries."""
    goes_on = stops = 0
    count = len(book.pages) - 1
    for looked, place in enumerate(_sample(count), 1):
        verdict = _boundary(book, place, reading)
        goes_on, stops = goes_on + (verdict > 0), stops + (verdict < 0)
        if stops > 1 + goes_on or (looked >= _ENOUGH and not goes_on):
            return False
    return goes_on >= min(2, count) and goes_on >= 3 * stops


def _sample(count: int) -> list[int]:
    """Boundaries all over the book, not one after the other."""
    places = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED)).astype(int)).tolist()
    return [*places[1::2], *places[::2]]


def _boundary(book: BookRef, place: int, reading: ReadLimits) -> int:
    """1 where the drawing goes on over the boundary after page `place`, -1 where it stops there, 0 where none is."""
    above, below = (_grey(book, page, reading) for page in book.pages[place : place + 2])
    if above is None or below is None:
        return 0
    return goes_on(above, below)


def goes_on(above: Grey, below: Grey) -> int:
    """1 where (H, W) greys `below` go on where `above` ends, -1 where they do not, 0 where both edges are blank."""
    if above.shape[1] != below.shape[1] or min(above.shape[0], below.shape[0]) < 3:
        return -1
    end, start = above[-1].astype(float), below[0].astype(float)
    varied = (end.std() > _VARIED, start.std() > _VARIED)
    if not any(varied):
        return 0 if abs(end.mean() - start.mean()) < _VARIED else -1
    if not all(varied):
        return -1
    step = float(np.abs(end - start).mean())
    usual = max(_step(above[-2], above[-1]), _step(below[0], below[1]))
    alike = float(np.corrcoef(_smooth(end), _smooth(start))[0, 1])
    return 1 if alike > _ALIKE and step < 2.5 * usual + 3 else -1


def _step(row: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Mean difference of two rows of one picture."""
    return float(np.abs(row.astype(float) - after.astype(float)).mean())


def _smooth(row: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(row, np.full(5, 0.2), "valid") if row.size > 5 else row


def _grey(book: BookRef, page: PageRef, reading: ReadLimits) -> Grey | None:
    """(H, W) greys of a page; None where it cannot be read: decoding says why, in its turn."""
    try:
        data = read_page(book.path, page.name, reading)
        picture = open_image(data, max_pixels=reading.max_pixels, max_bytes=reading.max_bytes)
    except PanelseekError:
        return None
    grey: Grey = np.asarray(picture.convert("L"))
    return grey


def _look(book: BookRef, page: PageRef, reading: ReadLimits, annotated: bool) -> _Slice:
    grey = None if annotated else _grey(book, page, reading)
    if grey is None:
        return _Slice(page, 0, np.zeros(0, bool))  # joined with nothing
    low, high = np.percentile(grey, (2, 98), axis=1)
    return _Slice(page, grey.shape[1], high - low < _VARIED)


def _runs(slices: Sequence[_Slice]) -> list[list[_Slice]]:
    """Consecutive slices of one width; single ones, and those of width 0, are left out."""
    runs: list[list[_Slice]] = []
    for before, now in pairwise([_Slice(slices[0].page, -1, slices[0].blank), *slices] if slices else []):
        if now.width and now.width == before.width:
            runs[-1].append(now)
        else:
            runs.append([now])
    return [run for run in runs if len(run) > 1 and run[0].width]


def _cut(run: Sequence[_Slice], reading: ReadLimits) -> list[str]:
    """Names of the pages that a run of slices is cut into."""
    width = run[0].width
    blank = np.concatenate([item.blank for item in run])
    most = min(int(_TALLEST * width), reading.max_pixels // width)
    cuts = [0, *_cuts(blank, width, most), len(blank)]
    starts = np.cumsum([0, *(len(item.blank) for item in run)])
    return [_named(run, starts, top, bottom) for top, bottom in pairwise(cuts)]


def _cuts(blank: NDArray[np.bool_], width: int, most: int) -> list[int]:
    """Rows to cut at: the middles of blank bands, a page's height apart."""
    bands = _bands(blank, max(8, int(_GUTTER * width)))
    cuts, top = [], 0
    while len(blank) - top > _TALL * width:
        cut = _next_cut(bands, top, width, most, len(blank))
        if cut is None:
            break
        cuts.append(cut)
        top = cut
    return cuts


def _next_cut(bands: Sequence[tuple[int, int]], top: int, width: int, most: int, end: int) -> int | None:
    """The middle of the widest band at a good distance, else of the next one, else as far as is allowed."""
    middles = [((start + stop) // 2, stop - start) for start, stop in bands]
    near = [(size, row) for row, size in middles if top + _SHORT * width <= row <= top + min(_TALL * width, most)]
    if near:
        return max(near)[1]
    later = [row for row, _ in middles if top + _SHORT * width <= row <= top + most]
    if later:
        return later[0]
    return top + most if top + most < end else None


def _bands(blank: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """(first row, row after the last) of blank bands of at least `least` rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], blank, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= least]


def _named(run: Sequence[_Slice], starts: NDArray[np.int64], top: int, bottom: int) -> str:
    first = int(np.searchsorted(starts, top, side="right")) - 1
    last = int(np.searchsorted(starts, bottom, side="left")) - 1
    end = int(bottom - starts[last])
    whole = end == len(run[last].blank)
    return JoinedPage(run[first].page.name, int(top - starts[first]), run[last].page.name, None if whole else end).name
