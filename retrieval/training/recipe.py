"""How to train: every setting that changes the result, under two names.

`comic-panel-encoder-v1` is the published training, its habits included. `small` trains the compact
picture branch on a CPU. The defaults of `Recipe` are the published values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from retrieval.errors import UsageError

BACKBONES = ("both", "siglip", "resnet", "small")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training, checked when made. Raises `UsageError` for values that make no sense.

    backbone                  the picture branch, as `PanelFeatureExtractor` names it
    pages_per_batch           pages that are compared with each other in one step
    panels_per_page           at most this many panels of a page, in order
    learning_rate, floor      where the cosine starts and, as a share of that, where it would end
    weight_decay, clip        AdamW's, and the largest norm of the model's gradient (the head's is not clipped)
    contrastive, reconstruction, alignment
                              weights of the three objectives; `temperature` of the first and the last
    padding                   pages are filled up with empty panels that pass through the model, as published;
                              without it only real panels do
    second_pass               alignment encodes its panels a second time, as published; without it the
                              outputs of the first pass are used
    head_trains_in_validation the reconstruction head keeps its dropout while validating, as published
    validation                share of the pages to validate on, whole books; 0 for none
    validation_pages          at most this many of them
    augment                   panels are shown altered (see views.py)
    instance                  weight of telling apart two altered crops of each panel from all others
    frozen_norms              the backbones' norms keep their statistics, scales and offsets
    mixed_precision           float16 with a loss scaler on cuda, bfloat16 elsewhere
    accumulate                batches whose gradients make one step
    seed                      of the split, the order, the alterations, new weights and dropout
    """

    name: str
    backbone: str = "both"
    epochs: int = 20
    pages_per_batch: int = 4
    panels_per_page: int = 16
    learning_rate: float = 1e-4
    floor: float = 0.01
    weight_decay: float = 0.01
    clip: float = 1.0
    contrastive: float = 1.0
    reconstruction: float = 0.5
    alignment: float = 0.3
    temperature: float = 0.07
    padding: bool = True
    second_pass: bool = True
    head_trains_in_validation: bool = True
    validation: float = 0.05
    validation_pages: int = 500
    augment: bool = False
    instance: float = 0.0
    frozen_norms: bool = False
    mixed_precision: bool = False
    accumulate: int = 1
    seed: int = 42

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise UsageError(f"the recipe's backbone is {self.backbone!r}; expected one of {', '.join(BACKBONES)}")
        for field in ("epochs", "pages_per_batch", "panels_per_page", "validation_pages", "accumulate"):
            self._at_least(field, 1)
        for field in ("weight_decay", "contrastive", "reconstruction", "alignment", "instance", "seed"):
            self._at_least(field, 0)
        for field in ("learning_rate", "clip", "temperature"):
            if not 0 < getattr(self, field) < math.inf:
                raise UsageError(f"the recipe's {field} is {getattr(self, field)}; expected a number above 0")
        if not 0 <= self.floor <= 1 or not 0 <= self.validation < 1:
            raise UsageError(
                f"the recipe's floor is {self.floor} and its validation {self.validation}; expected shares of 1"
            )
        if self.instance and not self.augment:
            raise UsageError("the instance term compares two altered crops of a panel: set augment as well")

    def _at_least(self, field: str, least: int) -> None:
        value = getattr(self, field)
        if not least <= value < math.inf:
            raise UsageError(f"the recipe's {field} is {value}; expected at least {least}")

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0: half a cosine over all epochs, without warm-up.

        The closed form of SGDR without restarts (https://arxiv.org/abs/1608.03983, equation 5).
        """
        low = self.learning_rate * self.floor
        return low + (self.learning_rate - low) * (1 + math.cos(math.pi * epoch / self.epochs)) / 2


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("comic-panel-encoder-v1"),
        Recipe(
            "small",
            backbone="small",
            pages_per_batch=8,
            learning_rate=3e-4,
            padding=False,
            second_pass=False,
            head_trains_in_validation=False,
            augment=True,
            instance=0.5,
        ),
    )
}
