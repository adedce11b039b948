"""Detection of vertical strips that are cut into slices, and joining of the slices to pages.

A book is a strip if its slices have one width and drawings continue across their edges. A sample of the edges is
compared; in an ordinary book no drawing continues on the next page. JoinedPage pages are cut where a band is blank.
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

STRIPS_VERSION = "strips-1"
"""Version of the detection; stored with its result, so that another version examines the books again."""

_MAX_EDGES = 8
"""Number of edges between slices that are compared."""

_MIN_EDGES = 4
"""Number of edges, none of which a drawing crosses, after which a book counts as ordinary."""

_MIN_DEVIATION = 8.0
"""Standard deviation of the grey values (0-255) of a row from which it counts as drawn."""

_MIN_CORRELATION = 0.6
"""Correlation of two rows from which the second may continue the first."""

_MIN_GUTTER = 0.03
"""Height of a blank band in widths of the strip, from which a page may end there."""

_MIN_HEIGHT, _PREFERRED_HEIGHT, _MAX_HEIGHT = 0.6, 2.2, 12.0
"""Height of a joined page in widths of the strip: minimum, preferred maximum, and maximum."""

GreyImage = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Slice:
    """A slice of a strip. blank: (H,) bool, True for rows without a drawing; width 0 if it must not be joined."""

    page: PageRef
    width: int
    blank: NDArray[np.bool_]


def may_join(book: BookRef, mode: str) -> bool:
    """Return True if a book may be a strip. Slices are read in natural order, so its pages must be in that order."""
    if mode == "no" or len(book.pages) < 2 or book.book_format in (BookFormat.PDF, BookFormat.ACBF):
        return False
    names = [page.name for page in book.pages]
    return names == sorted(names, key=natural_key)


def joined_page_names(book: BookRef, mode: str, limits: ReadLimits, annotated: Collection[str] = ()) -> list[str]:
    """Return the names of the joined pages that replace the slices of a book; [] if it is not a strip.

    mode: "auto" joins the slices of a detected strip, "yes" joins all consecutive pages of one width.
    annotated: names of pages with an annotation. They are never joined, and with "auto" nor are the others.
    """
    if mode == "auto" and (annotated or not is_strip(book, limits)):
        return []
    runs = _runs([_read_slice(book, page, limits, page.name in annotated) for page in book.pages])
    return [name for run in runs for name in _cut(run, limits)]


def with_joined_pages(book: BookRef, names: Sequence[str]) -> BookRef:
    """Return the book with joined pages in place of their slices; other pages stay."""
    positions = {page.name: position for position, page in enumerate(book.pages)}
    joined = [
        (name, positions[ends.first], positions[ends.last]) for name in names if (ends := parse_joined(name, positions))
    ]
    replaced = {position for _, first, last in joined for position in range(first, last + 1)}
    pages = [(first, PageRef(name, 1, _digest(book.pages[first : last + 1]), None)) for name, first, last in joined]
    pages += [(position, page) for position, page in enumerate(book.pages) if position not in replaced]
    pages.sort(key=lambda item: item[0])
    return replace(book, pages=tuple(replace(page, number=n) for n, (_, page) in enumerate(pages, 1)))


def strip_fingerprint(book: BookRef, mode: str, limits: ReadLimits, annotations: Sequence[str] = ()) -> str:
    """Return a fingerprint that changes when the result of `joined_page_names` may change.

    annotations: fingerprints of the annotations of the pages.
    """
    annotated = hashlib.sha1("\n".join(annotations).encode(), usedforsecurity=False).hexdigest()
    return f"{STRIPS_VERSION}|{mode}|{limits.max_pixels}|{_digest(book.pages)}|{annotated}"


def _digest(pages: Sequence[PageRef]) -> str:
    text = "\n".join(f"{page.name}|{page.fingerprint}" for page in pages)
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def is_strip(book: BookRef, limits: ReadLimits) -> bool:
    """Return True if drawings continue from slice to slice, by a sample of the edges."""
    continued = ended = 0
    count = len(book.pages) - 1
    for compared, position in enumerate(_sample(count), 1):
        edge = _compare_pages(book, position, limits)
        continued, ended = continued + (edge > 0), ended + (edge < 0)
        if ended > 1 + continued or (compared >= _MIN_EDGES and not continued):
            return False
    return continued >= min(2, count) and continued >= 3 * ended


def _sample(count: int) -> list[int]:
    """Return positions of edges from the whole book; neighbours are not next to each other in the list."""
    positions = np.unique(np.linspace(0, count - 1, min(count, _MAX_EDGES)).astype(int)).tolist()
    return [*positions[1::2], *positions[::2]]


def _compare_pages(book: BookRef, position: int, limits: ReadLimits) -> int:
    """Compare the edges of the page at `position` and the next one, as `compare_edges`; 0 if one is unreadable."""
    above, below = (_read_grey(book, page, limits) for page in book.pages[position : position + 2])
    if above is None or below is None:
        return 0
    return compare_edges(above, below)


def compare_edges(above: GreyImage, below: GreyImage) -> int:
    """Return 1 if the drawing in `above` continues in `below` (both (H, W)), -1 if not, 0 if both edges are blank."""
    if above.shape[1] != below.shape[1] or min(above.shape[0], below.shape[0]) < 3:
        return -1
    last, first = above[-1].astype(float), below[0].astype(float)
    drawn = (last.std() > _MIN_DEVIATION, first.std() > _MIN_DEVIATION)
    if not any(drawn):
        return 0 if abs(last.mean() - first.mean()) < _MIN_DEVIATION else -1
    if not all(drawn):
        return -1
    step = float(np.abs(last - first).mean())
    step_inside = max(_row_difference(above[-2], above[-1]), _row_difference(below[0], below[1]))
    correlation = float(np.corrcoef(_smooth(last), _smooth(first))[0, 1])
    return 1 if correlation > _MIN_CORRELATION and step < 2.5 * step_inside + 3 else -1


def _row_difference(row: NDArray[np.uint8], next_row: NDArray[np.uint8]) -> float:
    """Return the mean difference of two rows of an image."""
    return float(np.abs(row.astype(float) - next_row.astype(float)).mean())


def _smooth(row: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(row, np.full(5, 0.2), "valid") if row.size > 5 else row


def _read_grey(book: BookRef, page: PageRef, limits: ReadLimits) -> GreyImage | None:
    """Return the (H, W) grey values of a page; None if it is unreadable, which is reported when it is decoded."""
    try:
        data = read_page(book.path, page.name, limits)
        image = open_image(data, max_pixels=limits.max_pixels, max_bytes=limits.max_bytes)
    except PanelseekError:
        return None
    grey: GreyImage = np.asarray(image.convert("L"))
    return grey


def _read_slice(book: BookRef, page: PageRef, limits: ReadLimits, annotated: bool) -> _Slice:
    grey = None if annotated else _read_grey(book, page, limits)
    if grey is None:
        return _Slice(page, 0, np.zeros(0, bool))  # never joined
    low, high = np.percentile(grey, (2, 98), axis=1)
    return _Slice(page, grey.shape[1], high - low < _MIN_DEVIATION)


def _runs(slices: Sequence[_Slice]) -> list[list[_Slice]]:
    """Return runs of at least two consecutive slices of one width; slices of width 0 are in none."""
    runs: list[list[_Slice]] = []
    for previous, current in pairwise([_Slice(slices[0].page, -1, slices[0].blank), *slices] if slices else []):
        if current.width and current.width == previous.width:
            runs[-1].append(current)
        else:
            runs.append([current])
    return [run for run in runs if len(run) > 1 and run[0].width]


def _cut(run: Sequence[_Slice], limits: ReadLimits) -> list[str]:
    """Return the names of the pages that a run of slices is cut into."""
    width = run[0].width
    blank = np.concatenate([item.blank for item in run])
    max_height = min(int(_MAX_HEIGHT * width), limits.max_pixels // width)
    rows = [0, *_cut_rows(blank, width, max_height), len(blank)]
    starts = np.cumsum([0, *(len(item.blank) for item in run)])
    return [_joined_name(run, starts, top, bottom) for top, bottom in pairwise(rows)]


def _cut_rows(blank: NDArray[np.bool_], width: int, max_height: int) -> list[int]:
    """Return the rows to cut at: middles of blank bands, a page's height apart."""
    bands = _blank_bands(blank, max(8, int(_MIN_GUTTER * width)))
    rows, top = [], 0
    while len(blank) - top > _PREFERRED_HEIGHT * width:
        row = _next_cut(bands, top, width, max_height, len(blank))
        if row is None:
            break
        rows.append(row)
        top = row
    return rows


def _next_cut(bands: Sequence[tuple[int, int]], top: int, width: int, max_height: int, end: int) -> int | None:
    """Return the middle of the highest blank band within the preferred height.

    Without one, return the middle of the next band within `max_height`, or the last row within it.
    """
    middles = [((start + stop) // 2, stop - start) for start, stop in bands]
    lowest, preferred = top + _MIN_HEIGHT * width, top + min(_PREFERRED_HEIGHT * width, max_height)
    near = [(height, row) for row, height in middles if lowest <= row <= preferred]
    if near:
        return max(near)[1]
    later = [row for row, _ in middles if lowest <= row <= top + max_height]
    if later:
        return later[0]
    return top + max_height if top + max_height < end else None


def _blank_bands(blank: NDArray[np.bool_], min_rows: int) -> list[tuple[int, int]]:
    """Return (first row, row after the last) of the blank bands of at least `min_rows` rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], blank, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= min_rows]


def _joined_name(run: Sequence[_Slice], starts: NDArray[np.int64], top: int, bottom: int) -> str:
    """Return the name of the page from row `top` to before row `bottom`; `starts` are the first rows of the slices."""
    first = int(np.searchsorted(starts, top, side="right")) - 1
    last = int(np.searchsorted(starts, bottom, side="left")) - 1
    end = int(bottom - starts[last])
    is_complete = end == len(run[last].blank)
    return JoinedPage(
        run[first].page.name, int(top - starts[first]), run[last].page.name, None if is_complete else end
    ).name
