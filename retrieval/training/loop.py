"""A training from its first page to its card, stopped and gone on with at will."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from retrieval.encoder.checkpoints import NAMES, pick_device
from retrieval.encoder.collapse import SAMPLE_PAGES as WATCHED
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.state_dicts import sha256
from retrieval.errors import CheckpointError, TrainingError, UsageError
from retrieval.training.batches import PageBatch, Reader
from retrieval.training.card import BEST, LAST, write_card, write_weights
from retrieval.training.collapse import Collapse, CollapseWatch
from retrieval.training.data import Library, PageEntry, Split
from retrieval.training.learner import Learner, Passed, as_numbers, new_model
from retrieval.training.plot import loss_plot
from retrieval.training.recipe import RECIPES, Recipe
from retrieval.training.state import Output, Position, write_text

_FORMAT = 1
_NOTE_EVERY = 10
"""Steps between two lines of the metrics file."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a training. `stage`: train or validate. `losses`: means over this epoch so far, by part.

    `epoch` counts from 1. `seconds_left` is for training alone, None while nobody can tell.
    """

    stage: str
    epoch: int
    epochs: int
    batch: int
    batches: int
    losses: dict[str, float]
    pages_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The end of a training; `best` is the epoch whose weights are in `encoder`, with its figures.

    `skipped`: (page, reason) of pages that could not be read in this run. `seconds`: of this run.
    """

    output: str
    encoder: str
    epochs: int
    steps: int
    best: dict[str, Any]
    data: dict[str, Any]
    skipped: tuple[tuple[str, str], ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        skipped = [{"page": page, "reason": reason} for page, reason in self.skipped]
        return asdict(self) | {"skipped": skipped}


def train_encoder(
    indexes: Sequence[str | Path],
    output: str | Path,
    recipe: Recipe | str = "small",
    *,
    start: str | Path | None = None,
    labels: str | Path | None = None,
    limit: int | None = None,
    device: str | None = None,
    workers: int = 0,
    save_every: int = 100,
    licences: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> TrainingReport:
    """Train an encoder on the pages of built indexes into a folder, or go on with the training in it.

    start       weights to begin with: a name or a file, as `load_encoder` takes them
    labels      classes of pages (see `labels.py`); only those that tell the story are taken
    limit       at most so many pages to train on
    workers     threads that read pages ahead; 0 reads them between the steps
    save_every  steps between two saves of where the training stands
    licences    of the comics, for the card
    stop        asked after every step; when it says yes, the training saves itself and raises KeyboardInterrupt

    On one CPU, with the same number of torch threads, a training that was stopped at any moment and gone on with
    gives the same weights, to the bit, as one that was not.

    Raises `UsageError` for settings that make no sense or differ from those the folder was begun with,
    `IndexMissing` and its kin for the indexes, `CheckpointError` for `start`, and `TrainingError` where the loss is
    no longer a number, the folder's files are damaged, or another process trains into it.
    """
    recipe = _recipe(recipe)
    where = pick_device(device)
    if save_every < 1 or workers < 0 or (limit is not None and limit < 1):
        raise UsageError("save_every and limit must be at least 1 and workers at least 0")
    out = Output(Path(output).expanduser())
    marked = None if labels is None else Path(labels).expanduser()
    with Library.open([Path(folder) for folder in indexes]) as library:
        split = library.split(recipe, marked, limit)
        settings = _settings(recipe, start, marked, limit, split)
        cuda = [where] if where.type == "cuda" else []
        with out.locked(), torch.random.fork_rng(devices=cuda):
            out.check(settings)
            learner, position = _begin(out, settings, recipe, start, where)
            training = _Training(learner, Reader(library, recipe, workers), split, out, position, save_every)
            training.report_to(progress or (lambda _: None), stop or (lambda: False))
            training.describe([str(i.folder) for i in library.indexes], settings, licences)
            return training.run()


def _recipe(recipe: Recipe | str) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise UsageError(f"there is no recipe {recipe!r}; expected one of {', '.join(RECIPES)}")
    return RECIPES[recipe]


def _settings(
    recipe: Recipe, start: str | Path | None, labels: Path | None, limit: int | None, split: Split
) -> dict[str, Any]:
    """What makes two trainings the same one."""
    return {
        "format": _FORMAT,
        "recipe": asdict(recipe),
        "start": _identity(start),
        "labels": None if labels is None else {"name": labels.name, "sha256": sha256(labels)},
        "limit": limit,
        "data": split.digest,
    }


def _identity(start: str | Path | None) -> Any:
    if start is None or str(start) in NAMES:
        return start
    path = Path(start).expanduser()
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; expected encoder weights, or one of {', '.join(NAMES)}")
    return {"name": path.name, "sha256": sha256(path)}


def _begin(
    out: Output, settings: dict[str, Any], recipe: Recipe, start: str | Path | None, device: torch.device
) -> tuple[Learner, Position]:
    """Model, head and optimiser where the training stands. What is drawn does not depend on how often it stopped."""

    def make() -> PanelFeatureExtractor:
        torch.manual_seed(recipe.seed)
        return new_model(recipe, start)

    model = out.begin(settings, make)
    torch.manual_seed(recipe.seed + 1)
    learner = Learner(model, recipe, device)
    return learner, out.restore(learner)


class _Training:
    """One run over what is left to learn."""

    def __init__(
        self, learner: Learner, reader: Reader, split: Split, out: Output, position: Position, save_every: int
    ) -> None:
        self.learner, self.recipe = learner, learner.recipe
        self.reader, self.split, self.out = reader, split, out
        self.position = position
        self.save_every = save_every
        self.batches = math.ceil(len(split.training) / self.recipe.pages_per_batch)
        self._started = time.monotonic()
        self._pages = 0

    def report_to(self, progress: Callable[[Progress], None], stop: Callable[[], bool]) -> None:
        self._progress, self._stop = progress, stop

    def describe(self, indexes: Sequence[str], settings: dict[str, Any], licences: Sequence[str]) -> None:
        """What the card says besides the figures."""
        self._card = {
            "name": self.out.folder.name,
            "what": f"PanelFeatureExtractor with visual_backbone={self.recipe.backbone!r}, trained by panelseek train",
            "recipe": settings["recipe"],
            "start": settings["start"],
            "precision": self.learner.precision,
            "data": {
                "indexes": list(indexes),
                "labels": settings["labels"],
                "limit": settings["limit"],
                **self.split.describe(),
                "licences": list(licences) or ["not stated"],
            },
        }

    def run(self) -> TrainingReport:
        while self.position.epoch < self.recipe.epochs:
            self._learn_epoch()
            self._close_epoch()
        write_text(self.out.folder / "losses.svg", loss_plot(self.out.metrics(), self.out.folder.name))
        self._write_card()
        return TrainingReport(
            output=str(self.out.folder),
            encoder=str(self.out.folder / f"{BEST}.safetensors"),
            epochs=self.position.epoch,
            steps=self.position.steps,
            best=self._best(),
            data=self._card["data"],
            skipped=tuple(sorted(self.reader.skipped.items())),
            seconds=time.monotonic() - self._started,
        )

    # --------------------------------------------------------------- learning

    def _learn_epoch(self) -> None:
        position, recipe = self.position, self.recipe
        group: list[PageBatch | None] = []
        for batch in self.reader.batches(self.split.training, position.batch, position.epoch):
            group.append(batch)
            done = position.batch + len(group)
            if len(group) < recipe.accumulate and done < self.batches:
                continue
            self._step(group)
            group = []
            if self._stop():
                self._save_and_stop()
            if position.steps % self.save_every == 0 and position.batch < self.batches:
                self.out.save(self.learner, position)
        self.out.save(self.learner, position)  # before validating, which may be long

    def _step(self, group: Sequence[PageBatch | None]) -> None:
        position = self.position
        rate = self.recipe.rate(position.epoch)
        parts = self.learner.learn(group, rate)
        if not all(math.isfinite(value) for losses in parts for value in losses.values()):
            raise TrainingError(
                f"the loss is no longer a number (epoch {position.epoch + 1}, step {position.steps + 1}: {parts}): "
                f"begin again in another --output, with a lower --learning-rate than {self.recipe.learning_rate}"
            )
        for losses in parts:
            for name, value in losses.items():
                position.sums[name] = position.sums.get(name, 0.0) + value
        position.count += len(parts)
        position.batch += len(group)
        position.steps += 1
        self._pages += sum(len(batch.mask) for batch in group if batch is not None)
        if position.steps % _NOTE_EVERY == 0 and parts:
            seconds = round(time.monotonic() - self._started, 3)
            where = {"epoch": position.epoch + 1, "batch": position.batch, "step": position.steps}
            self.out.note(kind="step", **where, rate=rate, **parts[-1], seconds=seconds)
        self._report("train", position.batch, self.batches)

    def _save_and_stop(self) -> None:
        self.out.save(self.learner, self.position)
        raise KeyboardInterrupt

    def _report(self, stage: str, batch: int, batches: int) -> None:
        pace = self._pages / max(time.monotonic() - self._started, 1e-9)
        to_go = (self.recipe.epochs - self.position.epoch) * self.batches - self.position.batch
        left = to_go * self.recipe.pages_per_batch / pace if self._pages else None
        epoch = self.position.epoch + 1
        self._progress(Progress(stage, epoch, self.recipe.epochs, batch, batches, self._means(), pace, left))

    def _means(self) -> dict[str, float]:
        """Means of the loss parts over this epoch's batches so far."""
        count = self.position.count
        return {name: value / count for name, value in self.position.sums.items()} if count else {}

    # ------------------------------------------------------------- validating

    def _close_epoch(self) -> None:
        """Validate, write the weights, and only then count the epoch as done."""
        position = self.position
        validation, collapse = self._validate()
        training = self._means()
        figure = (validation or training).get("total")
        better = figure is not None and (position.best is None or figure < position.best)
        state = self.learner.weights()
        write_weights(self.out.folder, LAST, state)
        if better or position.best_epoch is None:
            position.best, position.best_epoch = figure, position.epoch + 1
            write_weights(self.out.folder, BEST, state)
        self.out.note(
            kind="epoch",
            epoch=position.epoch + 1,
            steps=position.steps,
            rate=self.recipe.rate(position.epoch),
            training=training,
            validation=validation,
            collapse=collapse.as_dict(),
            seconds=round(time.monotonic() - self._started, 3),
        )
        position.epoch, position.batch = position.epoch + 1, 0
        position.sums, position.count = {}, 0
        self._write_card()
        self.out.save(self.learner, position)

    def _validate(self) -> tuple[dict[str, float] | None, Collapse]:
        """Mean losses over the validation pages, None where there are none, and the check for collapse.

        Without validation pages the first training pages are checked for collapse.
        """
        pages: Sequence[PageEntry] = self.split.validation or self.split.training[:WATCHED]
        batches = math.ceil(len(pages) / self.recipe.pages_per_batch)
        sums: dict[str, float] = {}
        count = 0
        watch = CollapseWatch()
        self.learner.validate()
        for number, batch in enumerate(self.reader.batches(pages), 1):
            if self._stop():
                raise KeyboardInterrupt  # the epoch's learning is saved; validating is done again
            if batch is None:
                continue
            batch = batch.to(self.learner.device)
            with torch.no_grad():
                passed = self.learner.passed(batch)
            for name, value in as_numbers(passed.losses).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            for views in _views(passed, batch):
                watch.add(*views)
            self._report("validate", number, batches)
        means = {name: value / count for name, value in sums.items()} if count and self.split.validation else None
        return means, watch.figures()

    # ----------------------------------------------------------------- ending

    def _write_card(self) -> None:
        figures = {"epochs": self.position.epoch, "steps": self.position.steps, "best": self._best()}
        write_card(self.out.folder, {**self._card, "figures": figures, "skipped": len(self.reader.skipped)})

    def _best(self) -> dict[str, Any]:
        """The figures of the epoch whose weights are the best."""
        rows = [row for row in self.out.metrics() if row["kind"] == "epoch"]
        best = next(row for row in rows if row["epoch"] == self.position.best_epoch)
        return {key: best[key] for key in ("epoch", "training", "validation", "collapse")}


def _views(passed: Passed, batch: PageBatch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Fused, vision and text rows of each page's panels, (P, 512) each, in order."""
    places = batch.slots // batch.mask.shape[1]
    rows = passed.embeddings.flatten(0, 1)[batch.slots]
    pages = [batch.real & (places == page) for page in range(len(batch.mask))]
    return [(rows[page], passed.vision[page], passed.text[page]) for page in pages]
