"""Training of the comic panel encoder on the pages of open indexes.

The names load torch when they are first used, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.training.card import TrainingReport
    from retrieval.training.recipe import RECIPES, Recipe
    from retrieval.training.train import find_recipe, train_encoder

__all__ = ["RECIPES", "Recipe", "TrainingReport", "find_recipe", "train_encoder"]

_HOMES = {
    "RECIPES": "recipe",
    "Recipe": "recipe",
    "TrainingReport": "card",
    "find_recipe": "train",
    "train_encoder": "train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
