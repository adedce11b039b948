"""The adaptive fusion: three branch vectors -> the embedding of a panel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

MODALITIES = 3
ABSENT = -10000.0
"""Added to an absent modality's logit. Finite on purpose: with all three absent the gate must stay the
unmasked one (slightly quantised), as in the published model."""


class Fused(NamedTuple):
    """`embedding` (P, dim); `gate` (P, 3), rows sum to 1; `logits` (P, 3) before the softmax."""

    embedding: Tensor
    gate: Tensor
    logits: Tensor


class AdaptiveFusion(nn.Module):
    """Each modality under its own norm, weighted by a gate, plus a share of their plain mean.

    With `indicators` the gate also sees which modalities are present.
    """

    def __init__(self, dim: int, indicators: bool) -> None:
        super().__init__()
        self.indicators = indicators
        self.norm_vision = nn.LayerNorm(dim)
        self.norm_text = nn.LayerNorm(dim)
        self.norm_comp = nn.LayerNorm(dim)
        seen = MODALITIES * dim + (MODALITIES if indicators else 0)
        self.gate = nn.Sequential(nn.Linear(seen, dim), nn.GELU(), nn.Linear(dim, MODALITIES))
        self.residual_weight = nn.Parameter(torch.tensor(0.1))

    def fuse(self, vision: Tensor, text: Tensor, comp: Tensor, mask: Tensor) -> Fused:
        """(P, dim) three times and (P, 3) of 1 = present, in this order -> `Fused`."""
        parts = [self.norm_vision(vision), self.norm_text(text), self.norm_comp(comp)]
        seen = torch.cat([*parts, mask] if self.indicators else parts, dim=-1)
        logits = self.gate(seen) + (1.0 - mask) * ABSENT
        gate = torch.softmax(logits, dim=-1)
        stacked = torch.stack(parts, dim=1)
        weighted = (gate.unsqueeze(-1) * stacked).sum(dim=1)
        # The mean takes all three, absent ones too: the published model was trained that way.
        return Fused(weighted + self.residual_weight * stacked.mean(dim=1), gate, logits)

    def forward(self, vision: Tensor, text: Tensor, comp: Tensor, mask: Tensor) -> Tensor:
        """The embedding alone, (P, dim)."""
        return self.fuse(vision, text, comp, mask).embedding
