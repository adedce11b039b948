"""Pages -> batches: tensors of panels, and the page and slot of each."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retrieval.encoder import inputs
from retrieval.errors import PictureError, SourceError
from retrieval.images.crops import crop
from retrieval.training.augmentations.crop import augmented_crop
from retrieval.training.data.library import Library, PageEntry
from retrieval.training.data.prefetch import prefetch
from retrieval.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class PageBatch:
    """B pages of at most N panels as R rows: a row for each panel (and each empty slot, if the recipe pads).

    panels        the model's inputs, flat: images (R, 3, 224, 224) and the rest, see `PanelFeatureExtractor`
    slots         (R,) int64, the place of each row in B x N
    mask          (B, N) bool, True for a panel
    second_crops  (R, 3, 224, 224) other crops of the same panels, or None
    """

    panels: dict[str, Tensor]
    slots: Tensor
    mask: Tensor
    second_crops: Tensor | None = None

    def to(self, device: torch.device) -> PageBatch:
        """Return the batch on a device."""
        panels = {name: tensor.to(device) for name, tensor in self.panels.items()}
        second = None if self.second_crops is None else self.second_crops.to(device)
        return PageBatch(panels, self.slots.to(device), self.mask.to(device), second)

    @property
    def real(self) -> Tensor:
        """Return (R,) bool: True for rows that are panels, not empty slots."""
        return self.mask.flatten()[self.slots]

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return len(self.slots)


@dataclass(frozen=True, slots=True)
class _Row:
    """One panel, read: images (224, 224, 3) uint8."""

    image: NDArray[np.uint8]
    second_crop: NDArray[np.uint8] | None
    text: str
    features: NDArray[np.float32]


class PageReader:
    """Source of page batches. `skipped` holds pages that could not be read: path -> reason."""

    def __init__(self, library: Library, recipe: Recipe, workers: int = 0) -> None:
        self.skipped: dict[str, str] = {}
        self._library = library
        self._recipe = recipe
        self._workers = workers
        self._lock = threading.Lock()

    def count(self, pages: Sequence[PageEntry]) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(pages) / self._recipe.pages_per_batch)

    def batches(
        self, pages: Sequence[PageEntry], first: int = 0, epoch: int | None = None
    ) -> Iterator[PageBatch | None]:
        """Yield the batches of an epoch from number `first` on; None for a batch without readable pages.

        epoch: shuffles the pages and, if the recipe augments, the crops; None: in order, as they are.
        A batch follows from the recipe's seed, the epoch and its number alone.
        """
        recipe = self._recipe
        order = list(range(len(pages))) if epoch is None else shuffled(len(pages), recipe.seed, epoch)
        starts = range(first * recipe.pages_per_batch, len(order), recipe.pages_per_batch)
        groups = [order[start : start + recipe.pages_per_batch] for start in starts]
        yield from prefetch(partial(self._batch, pages, epoch), groups, self._workers)

    def _batch(self, pages: Sequence[PageEntry], epoch: int | None, group: Sequence[int]) -> PageBatch | None:
        read = [self._page(pages[place], place, epoch) for place in group]
        kept = [rows for rows in read if rows]
        return collate(kept, self._recipe) if kept else None

    def _page(self, entry: PageEntry, place: int, epoch: int | None) -> list[_Row]:
        index = self._library.indexes[entry.index]
        panels = [panel for panel in index.page_panels(entry.page_id) if not panel.is_fallback_page]
        panels = panels[: self._recipe.panels_per_page]
        augment = self._recipe.augment and epoch is not None
        rng = np.random.default_rng([self._recipe.seed, epoch or 0, place])
        rows = []
        try:
            page = index.page_image(entry.page_id)
        except (PictureError, SourceError) as error:
            with self._lock:
                self.skipped[entry.path] = error.reason
            return []
        for panel in panels:
            cut = crop(page, panel.box)
            if cut is None:
                continue
            paired = augment and self._recipe.instance_weight > 0
            image = inputs.resize(augmented_crop(cut, rng) if augment else cut)
            second = inputs.resize(augmented_crop(cut, rng)) if paired else None
            features = inputs.composition(panel.box, page.width, page.height, panel.number)
            rows.append(_Row(image, second, panel.dialogue, features))
        return rows


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """Return the order of the pages in an epoch."""
    generator = torch.Generator().manual_seed(1000 * seed + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def collate(pages: Sequence[Sequence[_Row]], recipe: Recipe) -> PageBatch:
    """Return the batch of some pages; if the recipe pads, with rows of zeros for the empty slots."""
    slots_per_page = recipe.panels_per_page
    rows = [row for page in pages for row in page]
    slots = torch.tensor([b * slots_per_page + n for b, page in enumerate(pages) for n in range(len(page))])
    mask = torch.zeros(len(pages) * slots_per_page, dtype=torch.bool)
    mask[slots] = True
    ids, attention = inputs.tokenize([row.text for row in rows])
    panels = {
        "images": torch.from_numpy(inputs.normalize(np.stack([row.image for row in rows]))),
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(attention),
        "comp_feats": torch.from_numpy(np.stack([row.features for row in rows])),
        "modality_mask": torch.from_numpy(np.stack([inputs.modality_mask(row.text) for row in rows])),
    }
    seconds = [row.second_crop for row in rows if row.second_crop is not None]
    second = torch.from_numpy(inputs.normalize(np.stack(seconds))) if seconds else None
    if recipe.padding:
        panels = {name: _spread(tensor, slots, len(mask)) for name, tensor in panels.items()}
        second = None if second is None else _spread(second, slots, len(mask))
        slots = torch.arange(len(mask))
    return PageBatch(panels, slots, mask.view(len(pages), slots_per_page), second)


def _spread(rows: Tensor, slots: Tensor, count: int) -> Tensor:
    """Return (P, ...) rows as (count, ...), with zeros for empty slots."""
    spread = rows.new_zeros(count, *rows.shape[1:])
    spread[slots] = rows
    return spread
