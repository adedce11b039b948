"""The three objectives of the published model over pages, and one between two crops of a panel.

Written from the description of the published training (docs/training.md); values and gradients are
compared with recorded ones in tests/training/test_golden.py. Everything here is float32 whatever the
precision of the model.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.encoder.spec import DIMENSION
from retrieval.training.recipe import Recipe

_TINY = 1e-6
"""Added inside the contrastive logarithm and its mean. Not negligible: the largest similarity, the panel's own, is
subtracted first, so if all others are low their exponentials are as small as this."""


def contrastive(embeddings: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Return the loss for panels of a page that are no nearer to each other than to those of other pages: a scalar.

    `embeddings` (B, N, dim), any length; `mask` (B, N) bool, True for a panel. Supervised contrastive
    form (https://arxiv.org/abs/2004.11362), the page as the label; panels alone on their page count as 0.
    A constant 0 if no page of the batch has two panels.
    """
    pages = torch.arange(len(mask), device=mask.device).unsqueeze(1).expand_as(mask)[mask]
    same = pages.unsqueeze(0) == pages.unsqueeze(1)
    others = ~torch.eye(len(pages), dtype=torch.bool, device=mask.device)
    positive = same & others
    if not bool(positive.any()):
        return embeddings.new_zeros(())
    unit = functional.normalize(embeddings[mask], dim=-1)
    similar = unit @ unit.T / temperature
    similar = similar - similar.max(dim=1, keepdim=True).values.detach()
    spread = torch.log((similar.exp() * others).sum(dim=1, keepdim=True) + _TINY)
    per_panel = -((similar - spread) * positive).sum(dim=1) / (positive.sum(dim=1) + _TINY)
    return per_panel.mean()


def draw_masked(mask: Tensor) -> Tensor:
    """Draw one panel of each page with two or more, in page order: (Q,) int64 among the page's panels.

    `mask` (B, N) bool. Drawn uniformly by torch's CPU generator, whose state a training saves.
    """
    counts = [int(n) for n in mask.sum(dim=1) if n >= 2]
    drawn = [int(torch.randint(n, ())) for n in counts]
    return torch.tensor(drawn, dtype=torch.int64, device=mask.device)


def reconstruction(embeddings: Tensor, mask: Tensor, masked: Tensor, head: nn.Module) -> Tensor:
    """Return the error of `head`, given the mean of a page's other panels, against the masked panel: a scalar.

    `embeddings` (B, N, dim), `mask` (B, N) bool, `masked` from `draw_masked`. Mean squared error, the
    gradient flows into both sides. A constant 0 if no page has two panels.
    """
    pages = mask.sum(dim=1) >= 2
    if not bool(pages.any()):
        return embeddings.new_zeros(())
    chosen, valid = embeddings[pages], mask[pages]
    place = valid.cumsum(dim=1) - 1  # a panel's number among the page's panels
    hidden = valid & (place == masked.unsqueeze(1))
    context = valid & ~hidden
    mean = (chosen * context.unsqueeze(-1)).sum(dim=1) / context.sum(dim=1, keepdim=True)
    loss: Tensor = functional.mse_loss(head(mean), chosen[hidden])
    return loss


def alignment(vision: Tensor, text: Tensor, temperature: float) -> Tensor:
    """Return the loss for pictures that are not nearest to their own text: a scalar.

    `vision`, `text` (M, dim), branch outputs of panels that have both, in one order. One direction, from
    picture to text. A constant 0 for fewer than two panels.
    """
    if len(vision) < 2:
        return vision.new_zeros(())
    similar = functional.normalize(vision, dim=-1) @ functional.normalize(text, dim=-1).T / temperature
    return functional.cross_entropy(similar, torch.arange(len(vision), device=vision.device))


def instance(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the loss for two augmented crops of a panel that are not nearest to each other: a scalar.

    `first`, `second` (P, dim), vision outputs in one order. NT-Xent (https://arxiv.org/abs/2002.05709).
    """
    count = len(first)
    if count < 2:
        return first.new_zeros(())
    unit = functional.normalize(torch.cat([first, second]), dim=-1)
    similar = unit @ unit.T / temperature
    similar = similar.masked_fill(torch.eye(2 * count, dtype=torch.bool, device=unit.device), -torch.inf)
    partner = torch.arange(2 * count, device=unit.device).roll(count)
    return functional.cross_entropy(similar, partner)


class Losses(NamedTuple):
    """The objectives and their weighted sum, scalars; the names are those of the metrics file."""

    contrastive: Tensor
    reconstruction: Tensor
    alignment: Tensor
    instance: Tensor
    total: Tensor


class Objectives(nn.Module):
    """The weighted sum of the objectives, and the reconstruction head, which is trained but not part of the encoder."""

    def __init__(self, recipe: Recipe, dim: int = DIMENSION) -> None:
        super().__init__()
        self.recipe = recipe
        self.reconstruction_head = nn.Sequential(
            nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim)
        )

    def forward(
        self,
        embeddings: Tensor,
        mask: Tensor,
        branches: tuple[Tensor, Tensor],
        crops: tuple[Tensor, Tensor] | None = None,
        masked: Tensor | None = None,
    ) -> Losses:
        """Return the losses of a batch.

        embeddings (B, N, dim) and mask (B, N) of the panels. branches: vision and text, (M, dim) each, of those with
        text. crops: two vision outputs, (P, dim) each. masked: replaces what `draw_masked` draws.
        """
        recipe = self.recipe
        embeddings = embeddings.float()
        if masked is None:
            masked = draw_masked(mask)
        page = contrastive(embeddings, mask, recipe.temperature)
        rebuilt = reconstruction(embeddings, mask, masked, self.reconstruction_head)
        aligned = alignment(branches[0].float(), branches[1].float(), recipe.temperature)
        own = page.new_zeros(())
        if crops is not None:
            own = instance(crops[0].float(), crops[1].float(), recipe.temperature)
        total = recipe.contrastive_weight * page + recipe.reconstruction_weight * rebuilt
        total = total + recipe.alignment_weight * aligned + recipe.instance_weight * own
        return Losses(page, rebuilt, aligned, own, total)
