"""The composition branch: where and how large a panel is on its page -> one vector."""

from __future__ import annotations

from torch import Tensor, nn

FEATURES = 7
HIDDEN = 256


class CompositionBranch(nn.Module):
    """(P, 7) float32 features (see `inputs.composition`) -> (P, dim).

    Positions 0, 1, 4, 5 and 8 of the stack carry weights; they are part of the published key names.
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
        vectors: Tensor = self.mlp(features)
        return vectors
