"""One training in a process of its own, for tests that stop it: trainer.py INDEX OUTPUT."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch

from retrieval.training import RECIPES, Progress, train_encoder

RECIPE = replace(RECIPES["small"], epochs=2, pages_per_batch=1, validation=0.3, accumulate=2)
"""Dropout, alterations, the masked panel and the order are all drawn; three batches an epoch make two steps."""


def told(progress: Progress) -> None:
    print(progress.stage, progress.epoch, progress.batch, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train_encoder([sys.argv[1]], sys.argv[2], RECIPE, device="cpu", save_every=1, progress=told)
