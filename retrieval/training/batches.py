"""Pages -> what one step sees: tensors of panels, and where on which page each stands."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retrieval.encoder import inputs
from retrieval.errors import PictureError, SourceError
from retrieval.images.crops import crop
from retrieval.training.augmentations import altered
from retrieval.training.data import Library, PageEntry
from retrieval.training.recipe import Recipe

_AHEAD = 2
"""Batches read for each worker before they are needed."""


@dataclass(frozen=True, slots=True)
class PageBatch:
    """B pages of at most N panels as R rows, a row for each panel (and each empty slot, where the recipe pads).

    panels   the model's inputs, flat: images (R, 3, 224, 224) and the rest, see `PanelFeatureExtractor`
    slots    (R,) int64, each row's place in B x N
    mask     (B, N) bool, True where a panel is
    second   (R, 3, 224, 224) other crops of the same panels, or None
    """

    panels: dict[str, Tensor]
    slots: Tensor
    mask: Tensor
    second: Tensor | None = None

    def to(self, device: torch.device) -> PageBatch:
        panels = {name: tensor.to(device) for name, tensor in self.panels.items()}
        second = None if self.second is None else self.second.to(device)
        return PageBatch(panels, self.slots.to(device), self.mask.to(device), second)

    @property
    def real(self) -> Tensor:
        """(R,) bool: rows that are panels, not empty slots."""
        return self.mask.flatten()[self.slots]


@dataclass(frozen=True, slots=True)
class _Row:
    """One panel, read: pictures (224, 224, 3) uint8."""

    picture: NDArray[np.uint8]
    second: NDArray[np.uint8] | None
    text: str
    features: NDArray[np.float32]


class Reader:
    """Reads batches of pages. Pages that cannot be read are left out and named in `skipped` (path -> reason)."""

    def __init__(self, library: Library, recipe: Recipe, workers: int = 0) -> None:
        self.skipped: dict[str, str] = {}
        self._library = library
        self._recipe = recipe
        self._workers = workers
        self._lock = threading.Lock()

    def batches(
        self, pages: Sequence[PageEntry], first: int = 0, epoch: int | None = None
    ) -> Iterator[PageBatch | None]:
        """The batches of `pages` from number `first` on; None for one of which no page can be read.

        `epoch`: shuffled and, where the recipe says so, altered for this epoch; None: in order, as they are.
        What a batch holds follows from the recipe's seed, the epoch and its number alone.
        """
        recipe = self._recipe
        order = list(range(len(pages))) if epoch is None else shuffled(len(pages), recipe.seed, epoch)
        starts = range(first * recipe.pages_per_batch, len(order), recipe.pages_per_batch)
        groups = [order[start : start + recipe.pages_per_batch] for start in starts]
        if not self._workers:
            yield from (self._batch(pages, group, epoch) for group in groups)
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="pages") as pool:
            waiting: deque[Future[PageBatch | None]] = deque()
            try:
                for group in groups:
                    waiting.append(pool.submit(self._batch, pages, group, epoch))
                    if len(waiting) > _AHEAD * self._workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _batch(self, pages: Sequence[PageEntry], group: Sequence[int], epoch: int | None) -> PageBatch | None:
        read = [self._page(pages[place], place, epoch) for place in group]
        kept = [rows for rows in read if rows]
        return collate(kept, self._recipe) if kept else None

    def _page(self, entry: PageEntry, place: int, epoch: int | None) -> list[_Row]:
        index = self._library.indexes[entry.index]
        panels = [panel for panel in index.page_panels(entry.page_id) if not panel.is_fallback_page]
        panels = panels[: self._recipe.panels_per_page]
        alter = self._recipe.augment and epoch is not None
        dice = np.random.default_rng([self._recipe.seed, epoch or 0, place])
        rows = []
        try:
            page = index.page_image(entry.page_id)
        except (PictureError, SourceError) as error:
            with self._lock:
                self.skipped[entry.path] = str(error)
            return []
        for panel in panels:
            cut = crop(page, panel.box)
            if cut is None:
                continue
            pair = alter and self._recipe.instance > 0
            picture = inputs.resize(altered(cut, dice) if alter else cut)
            second = inputs.resize(altered(cut, dice)) if pair else None
            features = inputs.composition(panel.box, page.width, page.height, panel.number)
            rows.append(_Row(picture, second, panel.dialogue, features))
        return rows


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The order of an epoch's pages."""
    generator = torch.Generator().manual_seed(1000 * seed + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def collate(pages: Sequence[Sequence[_Row]], recipe: Recipe) -> PageBatch:
    """Pages of panels -> one batch; where the recipe pads, with rows of zeros for the empty slots."""
    slots_per_page = recipe.panels_per_page
    rows = [row for page in pages for row in page]
    slots = torch.tensor([b * slots_per_page + n for b, page in enumerate(pages) for n in range(len(page))])
    mask = torch.zeros(len(pages) * slots_per_page, dtype=torch.bool)
    mask[slots] = True
    ids, attention = inputs.tokenize([row.text for row in rows])
    panels = {
        "images": inputs.to_tensor(np.stack([row.picture for row in rows])),
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(attention),
        "comp_feats": torch.from_numpy(np.stack([row.features for row in rows])),
        "modality_mask": torch.from_numpy(np.stack([inputs.modality_mask(row.text) for row in rows])),
    }
    seconds = [row.second for row in rows if row.second is not None]
    second = inputs.to_tensor(np.stack(seconds)) if seconds else None
    if recipe.padding:
        panels = {name: _spread(tensor, slots, len(mask)) for name, tensor in panels.items()}
        second = None if second is None else _spread(second, slots, len(mask))
        slots = torch.arange(len(mask))
    return PageBatch(panels, slots, mask.view(len(pages), slots_per_page), second)


def _spread(rows: Tensor, slots: Tensor, count: int) -> Tensor:
    """(P, ...) -> (count, ...), zeros where no slot is filled."""
    spread = rows.new_zeros(count, *rows.shape[1:])
    spread[slots] = rows
    return spread
