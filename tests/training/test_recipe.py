"""Recipes and their settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from retrieval.errors import UsageError
from retrieval.training import RECIPES, Recipe


def test_the_published_recipe() -> None:
    """Its values are the published ones, and everything beyond them is off."""
    v1 = RECIPES["comic-panel-encoder-v1"]
    assert (v1.contrastive_weight, v1.reconstruction_weight, v1.alignment_weight) == (1.0, 0.5, 0.3)
    assert v1.temperature == 0.07
    assert (v1.learning_rate, v1.weight_decay, v1.clip, v1.epochs, v1.pages_per_batch) == (1e-4, 0.01, 1.0, 20, 4)
    assert (v1.backbone, v1.panels_per_page, v1.padding, v1.second_pass) == ("both", 16, True, True)
    assert v1.head_trains_in_validation
    assert (v1.augment, v1.instance_weight, v1.frozen_norms) == (False, 0, False)
    assert (v1.mixed_precision, v1.gradient_accumulation) == (False, 1)
    assert (v1.objective, v1.cycles, v1.keep, v1.float16_weights) == ("pages", (), "best", False)


@pytest.mark.parametrize("epochs", [1, 2, 20])
def test_the_schedule_is_the_cosine_of_torch(epochs: int) -> None:
    """Stepped once an epoch, with a floor of a hundredth."""
    recipe = Recipe("x", epochs=epochs)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, recipe.learning_rate / 100)
    for epoch in range(epochs):
        assert recipe.rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        schedule.step()
    assert recipe.rate(epochs) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "vgg"},
        {"epochs": 0},
        {"pages_per_batch": 0},
        {"gradient_accumulation": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"temperature": -1.0},
        {"alignment_weight": -0.1},
        {"validation_fraction": 1.0},
        {"floor": 1.5},
        {"instance_weight": 0.5},
        {"objective": "triplets"},
        {"objective": "pairs"},
        {"keep": "first"},
        {"batches_per_epoch": 10},
        {"cycles": ((0, 1.0),)},
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    """When the recipe is made, with a problem that names the setting."""
    with pytest.raises(UsageError, match=next(iter(change))):
        replace(RECIPES["comic-panel-encoder-v1"], **change)
