"""The objective between panels and distorted pieces of them. It trains the compact vision branch.

A piece is to lie nearer to the window of its own panel than to any window of another panel of the batch.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from retrieval.encoder.network.small import SmallBackbone
from retrieval.training.data.pair_batches import PairBatch


class PairLosses(NamedTuple):
    """The loss, and the share of pieces most similar to their own panel; the names are those of the metrics file."""

    own_panel_first: Tensor
    total: Tensor


def pair_losses(
    backbone: SmallBackbone, batch: PairBatch, temperature: float, autocast: AbstractContextManager[object]
) -> PairLosses:
    """Return the losses of a batch; the convolutions run in the precision of `autocast`, the rest in float32."""
    with autocast:
        panel_maps = backbone.maps(functional.avg_pool2d(batch.panels, 2))
        piece_maps = [backbone.maps(pieces.images) for pieces in batch.pieces]
    panels = functional.normalize(backbone.pool_regions(panel_maps), dim=-1)
    pieces = torch.cat([functional.normalize(backbone.pool_whole(maps), dim=-1) for maps in piece_maps])
    order = torch.cat([pieces.rows for pieces in batch.pieces]).argsort()
    windows = torch.cat([pieces.windows for pieces in batch.pieces])
    return pair_loss(panels, pieces[order], windows[order], temperature)


def pair_loss(panels: Tensor, pieces: Tensor, windows: Tensor, temperature: float) -> PairLosses:
    """Return InfoNCE over windows, in both directions (https://arxiv.org/abs/1807.03748).

    panels (n, windows, dim) and pieces (n, dim), unit rows; piece i lies in window `windows[i]` of panel i. A panel is
    as similar to a piece as its most similar window, the piece's own panel as the window that holds the piece.
    """
    similar = torch.einsum("id,jpd->ijp", pieces, panels)
    best = similar.amax(dim=2)
    rows = torch.arange(len(pieces), device=pieces.device)
    own = similar[rows, rows, windows]
    first = (best.argmax(dim=1) == rows).float().mean()
    diagonal = torch.eye(len(pieces), dtype=torch.bool, device=pieces.device)
    logits = torch.where(diagonal, own[:, None], best) / temperature
    loss = (functional.cross_entropy(logits, rows) + functional.cross_entropy(logits.T, rows)) / 2
    return PairLosses(first, loss)
