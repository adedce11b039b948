"""Training of the comic panel encoder on the pages of built indexes.

The names load torch when they are first asked for, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.training.loop import Progress, TrainingReport, train_encoder
    from retrieval.training.recipe import RECIPES, Recipe

__all__ = ["RECIPES", "Progress", "Recipe", "TrainingReport", "train_encoder"]

_HOMES = {
    "RECIPES": "recipe",
    "Recipe": "recipe",
    "Progress": "loop",
    "TrainingReport": "loop",
    "train_encoder": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
