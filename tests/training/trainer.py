"""A training from index folders; as a script, in a process that tests kill: trainer.py INDEX OUTPUT."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from retrieval import PanelIndex
from retrieval.progress import Progress
from retrieval.training import RECIPES, Recipe, TrainingReport, train_encoder
from retrieval.training.data.library import Library

RECIPE = replace(RECIPES["small-pages"], epochs=2, pages_per_batch=1, validation_fraction=0.3, gradient_accumulation=2)
"""Dropout, augmentations, the masked panel and the order are all drawn; three batches an epoch make two steps."""


@contextmanager
def opened(folders: Sequence[Path | str]) -> Iterator[Library]:
    """Open indexes as a library to train from."""
    with ExitStack() as stack:
        yield Library([stack.enter_context(PanelIndex.open(folder)) for folder in folders])


def train(folders: Sequence[Path | str], output: Path | str, recipe: Recipe | str, **options: Any) -> TrainingReport:
    """Train on the CPU on the indexes in some folders."""
    with opened(folders) as library:
        return train_encoder(library.indexes, output, recipe, device="cpu", **options)


def show(progress: Progress) -> None:
    """Print the stage and the batches done."""
    print(progress.stage, progress.done, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train([sys.argv[1]], sys.argv[2], RECIPE, save_every=1, progress=show)
