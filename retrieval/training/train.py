"""A training from its settings to its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from retrieval.encoder.checkpoints import NAMES, pick_device
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.weight_files import sha256
from retrieval.errors import CheckpointError, UsageError
from retrieval.progress import ProgressCallback, no_progress
from retrieval.search.open_index import OpenIndex
from retrieval.training.card import TrainingReport
from retrieval.training.data.library import Library, Split
from retrieval.training.data.page_batches import PageReader
from retrieval.training.data.pair_batches import PairReader
from retrieval.training.initial_weights import new_model
from retrieval.training.learner import Learner
from retrieval.training.recipe import PAIRS, RECIPES, Recipe
from retrieval.training.region_basis import write_region_basis
from retrieval.training.run import Readers, TrainingRun
from retrieval.training.state import Output, Position
from retrieval.values import path_argument, whole_number

_FORMAT = 2
"""Version of `settings.json`; a training of another version cannot be continued."""


def train_encoder(
    indexes: Sequence[OpenIndex],
    output: str | Path,
    recipe: Recipe | str = "small",
    *,
    init_from: str | Path | None = None,
    labels: str | Path | None = None,
    limit: int | None = None,
    device: str | None = None,
    workers: int = 0,
    save_every: int = 100,
    licences: Sequence[str] = (),
    progress: ProgressCallback = no_progress,
    stop: Callable[[], bool] | None = None,
) -> TrainingReport:
    """Train an encoder on the pages of open indexes into a folder, or continue the training in it.

    init_from   weights to start from: a name or a file, as `load_encoder` takes them
    labels      classes of pages (see `labels.py`). Only story pages are used
    limit       most pages to train on
    workers     threads that read pages ahead. 0: they are read between the steps
    save_every  steps between two saves
    licences    of the comics, for the card
    progress    called after each batch: stage "train" over all epochs, "validate" over one validation, "region basis"
                at the end (see `region_basis.py`)
    stop        called after each step. True saves the training and raises KeyboardInterrupt

    On one CPU, with the same number of torch threads, a training that was stopped at any moment and continued gives
    the same weights, to the bit, as one that was not.

    Raises `UsageError` for settings out of range or other than those in the folder, `CheckpointError` for `init_from`,
    and `TrainingError` if the loss is no longer a number, the folder's files are damaged, or another process trains
    into it.
    """
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    target = pick_device(device)
    save_every, workers = whole_number("save_every", save_every, 1), whole_number("workers", workers, 0)
    limit = whole_number("limit", limit, 1, optional=True)
    out = Output(path_argument("output", output))
    label_file = None if labels is None else Path(labels).expanduser()
    library = Library(indexes)
    split = library.split(recipe, label_file, limit)
    settings = _settings(recipe, init_from, label_file, limit, split)
    cuda = [target] if target.type == "cuda" else []
    with out.locked(), torch.random.fork_rng(devices=cuda):
        out.check(settings)
        learner, position = _start(out, settings, recipe, init_from, target)
        readers = _readers(library, recipe, workers)
        card = _card(out, settings, learner, split, [str(index.folder) for index in indexes], licences)
        run = TrainingRun(learner, readers, split, out, position, card, save_every=save_every)
        report = run.run(progress, stop or (lambda: False))
        if recipe.backbone == "small":  # the one with region vectors
            write_region_basis(out.folder, readers.pages, split, target, progress, stop or (lambda: False))
        return report


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name. Raises `UsageError` for an unknown name."""
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}; expected one of {', '.join(RECIPES)}")
    return RECIPES[name]


def _readers(library: Library, recipe: Recipe, workers: int) -> Readers:
    pages = PageReader(library, recipe, workers)
    return Readers(PairReader(library, recipe, workers) if recipe.objective == PAIRS else pages, pages)


def _settings(
    recipe: Recipe, init_from: str | Path | None, labels: Path | None, limit: int | None, split: Split
) -> dict[str, Any]:
    """Return the settings that identify a training."""
    return {
        "format": _FORMAT,
        "recipe": asdict(recipe),
        "init_from": _identity(init_from),
        "labels": None if labels is None else {"name": labels.name, "sha256": sha256(labels)},
        "limit": limit,
        "data": split.digest,
    }


def _identity(init_from: str | Path | None) -> Any:
    if init_from is None or str(init_from) in NAMES:
        return init_from
    path = Path(init_from).expanduser()
    if not path.is_file():
        raise CheckpointError(f"is not a file; expected encoder weights, or one of {', '.join(NAMES)}", path=path)
    return {"name": path.name, "sha256": sha256(path)}


def _start(
    out: Output, settings: dict[str, Any], recipe: Recipe, init_from: str | Path | None, device: torch.device
) -> tuple[Learner, Position]:
    """Return model, head and optimiser at their position. Random draws do not depend on how often it stopped."""

    def make() -> PanelFeatureExtractor:
        torch.manual_seed(recipe.seed)
        return new_model(recipe, init_from)

    model = out.begin(settings, make)
    torch.manual_seed(recipe.seed + 1)
    learner = Learner(model, recipe, device)
    return learner, out.restore(learner)


def _card(
    out: Output,
    settings: dict[str, Any],
    learner: Learner,
    split: Split,
    indexes: Sequence[str],
    licences: Sequence[str],
) -> dict[str, Any]:
    """Return the card without its figures."""
    backbone = learner.recipe.backbone
    return {
        "name": out.folder.name,
        "what": f"PanelFeatureExtractor with visual_backbone={backbone!r}, trained by panelseek train",
        "recipe": settings["recipe"],
        "init_from": settings["init_from"],
        "precision": learner.precision,
        "data": {
            "indexes": list(indexes),
            "labels": settings["labels"],
            "limit": settings["limit"],
            **split.describe(),
            "licences": list(licences) or ["not stated"],
        },
    }
