"""The composition branch: position and size of a panel on its page -> one vector."""

from __future__ import annotations

from torch import Tensor, nn

from retrieval.encoder.spec import FEATURES

HIDDEN = 256
"""Width of both hidden layers."""


class CompositionBranch(nn.Module):
    """A multilayer perceptron: (P, 7) float32 features (see `inputs.composition`) -> (P, dim).

    Layers 0, 1, 4, 5 and 8 have weights. Their numbers are part of the published key names.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(HIDDEN, HIDDEN),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(HIDDEN, dim),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the composition vectors, (P, dim)."""
        vectors: Tensor = self.mlp(features)
        return vectors
