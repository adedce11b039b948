"""Recipes: every setting that changes the result of a training.

`comic-panel-encoder-v1` is the published training. `small` makes the checkpoint that ships with the package.
`small-pages` trains the same compact network with the published objectives. The defaults of `Recipe` are the
published values.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from retrieval.errors import UsageError
from retrieval.training.schedule import cosine_rate, cyclic_rate
from retrieval.values import is_number, plain

BACKBONES = ("both", "siglip", "resnet", "small")

PAGES, PAIRS = "pages", "pairs"
OBJECTIVES = (PAGES, PAIRS)

BEST, LAST = "best", "last"
KEEPS = (BEST, LAST)

_AT_LEAST_ONE = ("epochs", "pages_per_batch", "panels_per_page", "validation_pages", "gradient_accumulation")
_AT_LEAST_ZERO = (
    "weight_decay",
    "contrastive_weight",
    "reconstruction_weight",
    "alignment_weight",
    "instance_weight",
    "warm_up",
    "seed",
)
_ABOVE_ZERO = ("learning_rate", "clip", "temperature")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of one training, checked when made. Raises `UsageError` for values out of range.

    backbone                  vision branch, as `PanelFeatureExtractor` names it
    objective                 `pages`: the published objectives over pages. `pairs`: panels and distorted pieces of
                              them, which train the vision branch alone
    epochs                    number of epochs. Each ends with a validation and with weights on disk
    batches_per_epoch         with `pairs`, batches of an epoch. None: as many as the pages fill once
    pages_per_batch           pages compared with each other in one batch
    panels_per_page           most panels of a page: the first ones with `pages`, drawn at random with `pairs`
    learning_rate             highest learning rate
    floor                     share of the learning rate that the cosine over all epochs ends at
    cycles, warm_up           see `schedule.cyclic_rate`. They replace the cosine over epochs, counted in steps
    weight_decay, clip        AdamW's, and the largest norm of the model's gradient (the head's is not clipped)
    contrastive_weight, reconstruction_weight, alignment_weight
                              weights of the three objectives over pages
    instance_weight           weight of the objective between two augmented crops of each panel
    temperature               of the contrastive, instance and pair objectives
    padding                   fill pages up with empty panels that pass through the model, as published
    second_pass               encode panels a second time for the alignment objective, as published. Without it the
                              outputs of the first pass are used
    head_trains_in_validation keep the dropout of the reconstruction head while validating, as published
    validation_fraction       share of the pages to validate on, whole books. 0: none
    validation_pages          most pages to validate on
    augment                   train on augmented panels (see `augmentations`)
    frozen_norms              keep statistics, scales and offsets of the backbones' norms
    mixed_precision           float16 with a loss scaler on cuda, bfloat16 elsewhere
    gradient_accumulation     batches whose gradients make one step
    keep                      which epoch's weights are the result: `best` (lowest loss) or `last`
    float16_weights           store large matrices of the result as float16
    seed                      of the split, the order, the augmentations, new weights and dropout
    """

    name: str
    backbone: str = "both"
    objective: str = PAGES
    epochs: int = 20
    batches_per_epoch: int | None = None
    pages_per_batch: int = 4
    panels_per_page: int = 16
    learning_rate: float = 1e-4
    floor: float = 0.01
    cycles: tuple[tuple[int, float], ...] = ()
    warm_up: int = 0
    weight_decay: float = 0.01
    clip: float = 1.0
    contrastive_weight: float = 1.0
    reconstruction_weight: float = 0.5
    alignment_weight: float = 0.3
    instance_weight: float = 0.0
    temperature: float = 0.07
    padding: bool = True
    second_pass: bool = True
    head_trains_in_validation: bool = True
    validation_fraction: float = 0.05
    validation_pages: int = 500
    augment: bool = False
    frozen_norms: bool = False
    mixed_precision: bool = False
    gradient_accumulation: int = 1
    keep: str = BEST
    float16_weights: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, plain(getattr(self, item.name)))
        for field, choices in (("backbone", BACKBONES), ("objective", OBJECTIVES), ("keep", KEEPS)):
            value = getattr(self, field)
            if value not in choices:
                raise UsageError(f"{field} of the recipe is {value!r}; expected one of {', '.join(choices)}")
        for field in _AT_LEAST_ONE:
            self._check_at_least(field, 1)
        if self.batches_per_epoch is not None:
            self._check_at_least("batches_per_epoch", 1)
        for field in _AT_LEAST_ZERO:
            self._check_at_least(field, 0)
        for field in _ABOVE_ZERO:
            if not is_number(getattr(self, field)) or getattr(self, field) <= 0:
                raise UsageError(f"{field} of the recipe is {getattr(self, field)}; expected a number above 0")
        self._check_shares()
        self._check_objective()

    def _check_at_least(self, field: str, least: int) -> None:
        value = getattr(self, field)
        if not is_number(value) or value < least:
            raise UsageError(f"{field} of the recipe is {value}; expected at least {least}")

    def _check_shares(self) -> None:
        if not 0 <= self.floor <= 1:
            raise UsageError(f"floor of the recipe is {self.floor}; expected 0 to 1")
        if not 0 <= self.validation_fraction < 1:
            raise UsageError(f"validation_fraction of the recipe is {self.validation_fraction}; expected 0 to below 1")
        if any(length < 1 or share <= 0 for length, share in self.cycles):
            raise UsageError(f"cycles of the recipe are {self.cycles}; expected (length, share) pairs above 0")

    def _check_objective(self) -> None:
        if self.instance_weight and not self.augment:
            raise UsageError("instance_weight compares two augmented crops of a panel", hint="set augment as well")
        if self.objective != PAIRS:
            if self.batches_per_epoch is not None:
                raise UsageError("batches_per_epoch belongs to the objective pairs; pages are all seen once an epoch")
            return
        if self.backbone != "small":
            raise UsageError(f"the objective pairs trains the backbone small; found {self.backbone!r}")
        if not self.augment:
            raise UsageError(
                "the objective pairs compares panels with distorted pieces of them",
                hint="leave augment on, or choose the recipe small-pages",
            )

    def rate(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """Return the learning rate of a step; epochs and the `steps` steps of the training count from 0."""
        if self.cycles:
            return cyclic_rate(self.learning_rate, self.cycles, self.warm_up, step, steps)
        return cosine_rate(self.learning_rate, self.floor, epoch, self.epochs)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("comic-panel-encoder-v1"),
        Recipe(
            "small",
            backbone="small",
            objective=PAIRS,
            epochs=37,
            batches_per_epoch=100,
            pages_per_batch=24,
            panels_per_page=4,
            learning_rate=2e-3,
            cycles=((2600, 1.0), (1100, 0.5)),
            warm_up=100,
            weight_decay=0.02,
            temperature=0.06,
            padding=False,
            second_pass=False,
            head_trains_in_validation=False,
            validation_fraction=0.0,
            augment=True,
            mixed_precision=True,
            keep=LAST,
            float16_weights=True,
            seed=20260301,
        ),
        Recipe(
            "small-pages",
            backbone="small",
            pages_per_batch=8,
            learning_rate=3e-4,
            padding=False,
            second_pass=False,
            head_trains_in_validation=False,
            augment=True,
            instance_weight=0.5,
        ),
    )
}
