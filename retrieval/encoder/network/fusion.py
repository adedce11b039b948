"""The adaptive fusion: three branch vectors -> the embedding of a panel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from retrieval.encoder.spec import ABSENT, MODALITIES


class Fused(NamedTuple):
    """Result of the fusion: `embedding` (P, dim), `gate` (P, 3) with rows that sum to 1, `logits` (P, 3)."""

    embedding: Tensor
    gate: Tensor
    logits: Tensor


class AdaptiveFusion(nn.Module):
    """A gated sum of the normed modalities, plus a fraction of their plain mean.

    With `indicators` the presence mask is an input of the gate, too.
    """

    def __init__(self, dim: int, indicators: bool) -> None:
        super().__init__()
        self.indicators = indicators
        self.norm_vision = nn.LayerNorm(dim)
        self.norm_text = nn.LayerNorm(dim)
        self.norm_comp = nn.LayerNorm(dim)
        width = MODALITIES * dim + (MODALITIES if indicators else 0)
        self.gate = nn.Sequential(nn.Linear(width, dim), nn.GELU(), nn.Linear(dim, MODALITIES))
        self.residual_weight = nn.Parameter(torch.tensor(0.1))

    @property
    def constant_gate(self) -> bool:
        """Return True if the gate depends only on the mask: its last layer ignores its input."""
        last = self.gate[-1]
        assert isinstance(last, nn.Linear)
        return not bool(last.weight.any())

    def fuse(self, vision: Tensor, text: Tensor, comp: Tensor, mask: Tensor) -> Fused:
        """Fuse the branch vectors of P panels, (P, dim) each; `mask` is (P, 3), 1 = present."""
        normed = [self.norm_vision(vision), self.norm_text(text), self.norm_comp(comp)]
        gate_input = torch.cat([*normed, mask] if self.indicators else normed, dim=-1)
        logits = self.gate(gate_input) + (1.0 - mask) * ABSENT
        gate = torch.softmax(logits, dim=-1)
        stacked = torch.stack(normed, dim=1)
        weighted = (gate.unsqueeze(-1) * stacked).sum(dim=1)
        # The mean includes absent modalities: the published model was trained that way.
        return Fused(weighted + self.residual_weight * stacked.mean(dim=1), gate, logits)

    def forward(self, vision: Tensor, text: Tensor, comp: Tensor, mask: Tensor) -> Tensor:
        """Return the embedding alone, (P, dim)."""
        return self.fuse(vision, text, comp, mask).embedding
