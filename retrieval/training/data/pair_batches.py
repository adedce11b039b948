"""Pages -> batches of panels, each with a distorted piece of it.

Panels of one page share a batch, because they are the most easily confused. A batch follows from the seed and its
number alone, so a training continues where it stopped.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retrieval.encoder.inputs import normalize
from retrieval.encoder.small_shape import CELLS, WINDOWS, windows
from retrieval.encoder.spec import IMAGE_SIZE
from retrieval.errors import PictureError, SourceError
from retrieval.training.augmentations.distort import distorted_piece, random_piece, restyled, slightly_toned
from retrieval.training.data.library import Library, PageEntry
from retrieval.training.data.pair_pages import PairPage, Pixels, Rect
from retrieval.training.data.prefetch import prefetch
from retrieval.training.recipe import Recipe

PIECE_SHARES = (0.42, 0.23, 0.35)
"""Shares of the pieces that are a whole panel, half its area and a third of it: one for each size in `WINDOWS`."""

_CELL_PIXELS = 8
"""Pixels of a piece under one cell of the network's last map."""

_CACHED_PAGES = 256
"""Pages kept in memory, at up to 3 MB each."""

_VALIDATION = 1 << 32
"""First number of the batches to validate on, beyond those of any training."""


Page = TypeVar("Page")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Distorted pieces of one size.

    rows: (m,) int64 of the batch. windows: (m,) int64, those that hold the pieces. images: (m, 3, s, s) float32.
    """

    rows: Tensor
    windows: Tensor
    images: Tensor


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Panels (n, 3, 224, 224) float32 and one distorted piece of each, grouped by size."""

    panels: Tensor
    pieces: tuple[Pieces, ...]

    def to(self, device: torch.device) -> PairBatch:
        """Return the batch on a device."""
        pieces = [Pieces(p.rows.to(device), p.windows.to(device), p.images.to(device)) for p in self.pieces]
        return PairBatch(self.panels.to(device), tuple(pieces))

    @property
    def count(self) -> int:
        """Return the number of panels."""
        return len(self.panels)


class PairReader:
    """Source of pair batches. `skipped` holds pages that could not be read: path -> reason."""

    def __init__(self, library: Library, recipe: Recipe, workers: int = 0) -> None:
        self.skipped: dict[str, str] = {}
        self._library = library
        self._recipe = recipe
        self._workers = workers
        self._lock = threading.Lock()
        self._page = lru_cache(maxsize=_CACHED_PAGES)(self._read_page)

    def count(self, pages: Sequence[PageEntry]) -> int:
        """Return the number of batches of an epoch."""
        return self._recipe.batches_per_epoch or self.validation_count(pages)

    def validation_count(self, pages: Sequence[PageEntry]) -> int:
        """Return the number of batches of one validation: as many as the pages fill once."""
        return math.ceil(len(pages) / self._recipe.pages_per_batch)

    def batches(
        self, pages: Sequence[PageEntry], first: int = 0, epoch: int | None = None
    ) -> Iterator[PairBatch | None]:
        """Yield the batches of an epoch from number `first` on; None for a batch without readable pages.

        epoch: counts from 0; None yields the same batches every time, to validate on.
        """
        if epoch is None:
            numbers = range(_VALIDATION, _VALIDATION + self.validation_count(pages))
        else:
            start = epoch * self.count(pages)
            numbers = range(start + first, start + self.count(pages))
        yield from prefetch(partial(self._batch, pages), numbers, self._workers)

    def _batch(self, pages: Sequence[PageEntry], number: int) -> PairBatch | None:
        rng = np.random.default_rng((self._recipe.seed, number))
        squares = draw_panels(pages, self._page, self._recipe, rng)
        return pair_batch(squares, rng) if squares else None

    def _read_page(self, entry: PageEntry) -> PairPage | None:
        """Return a page with its annotated boxes; None if it cannot be read."""
        index = self._library.indexes[entry.index]
        try:
            image = index.page_image(entry.page_id)
        except (PictureError, SourceError) as error:
            with self._lock:
                self.skipped[entry.path] = error.reason
            return None
        panels = index.page_panels(entry.page_id)
        return PairPage.of(image, [panel.box for panel in panels if panel.box_source == "annotation"])


def draw_panels(
    pages: Sequence[Page], read: Callable[[Page], PairPage | None], recipe: Recipe, rng: np.random.Generator
) -> list[Pixels]:
    """Return panels of pages drawn with replacement, (288, 288, 3) uint8 each; unreadable pages give none."""
    squares = []
    for _ in range(recipe.pages_per_batch):
        page = read(pages[int(rng.integers(len(pages)))])
        if page is not None:
            squares += page.panel_squares(recipe.panels_per_page, rng)
    return squares


def pair_batch(squares: Sequence[Pixels], rng: np.random.Generator) -> PairBatch:
    """Return a batch of panels, (288, 288, 3) uint8 each, and a distorted piece of each."""
    sizes = rng.choice(len(WINDOWS), len(squares), p=PIECE_SHARES)
    panels, windows_of, images = [], [], []
    for square, size in zip(squares, sizes, strict=True):
        cells, _ = WINDOWS[size]
        base = restyled(square, rng)
        piece = random_piece(cells / CELLS, rng)
        images.append(distorted_piece(base, piece, cells * _CELL_PIXELS, rng))
        toned = slightly_toned(base, rng)
        panels.append(cv2.resize(toned, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_AREA))
        windows_of.append(nearest_window(piece, int(size)))
    groups = []
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        held_by = torch.tensor([windows_of[row] for row in rows])
        groups.append(Pieces(torch.from_numpy(rows), held_by, _tensor([images[row] for row in rows])))
    return PairBatch(_tensor(panels), tuple(groups))


def nearest_window(piece: Rect, size: int) -> int:
    """Return the number of the window, among those of a size in `WINDOWS`, that overlaps a piece most."""
    counts = [((CELLS - side) // step + 1) ** 2 for side, step in WINDOWS]
    first = sum(counts[:size])
    x, y, w, h = _windows()[first : first + counts[size]].T
    across = np.minimum(x + w, piece[0] + piece[2]) - np.maximum(x, piece[0])
    down = np.minimum(y + h, piece[1] + piece[3]) - np.maximum(y, piece[1])
    return first + int(np.argmax(np.clip(across, 0, None) * np.clip(down, 0, None)))


@cache
def _windows() -> NDArray[np.float64]:
    """Return the windows of a panel, (14, 4) x, y, w, h as shares of its sides."""
    return np.array(windows())


def _tensor(images: Sequence[Pixels]) -> Tensor:
    """Return the network's input of images (s, s, 3) uint8; channels last is the faster layout on a CPU."""
    return torch.from_numpy(normalize(np.stack(images))).contiguous(memory_format=torch.channels_last)
