"""The epochs of a training that are left to do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from retrieval.encoder.collapse import SAMPLE_PAGES as COLLAPSE_PAGES
from retrieval.errors import TrainingError
from retrieval.progress import Progress, ProgressCallback, StageProgress, no_progress
from retrieval.training.card import LAST, MODEL, TrainingReport, write_card, write_weights
from retrieval.training.collapse import CollapseCheck, TrainingCollapse
from retrieval.training.data.library import PageEntry, Split
from retrieval.training.data.page_batches import PageBatch, PageReader
from retrieval.training.data.pair_batches import PairBatch, PairReader
from retrieval.training.files import write_text
from retrieval.training.learner import Batch, ForwardPass, Learner, as_numbers
from retrieval.training.plot import loss_plot
from retrieval.training.recipe import LAST as KEEP_LAST
from retrieval.training.state import Output, Position

_NOTE_EVERY = 10
"""Steps between two lines of the metrics file."""

AnyBatch = TypeVar("AnyBatch", PageBatch, PairBatch)


class Readers(NamedTuple):
    """Sources of batches: of the recipe's objective, and of pages, which the check for collapse needs."""

    objective: PageReader | PairReader
    pages: PageReader

    @property
    def skipped(self) -> dict[str, str]:
        """Return the pages that could not be read: path -> reason."""
        return {**self.objective.skipped, **self.pages.skipped}


class _Means:
    """Means of losses by name."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, losses: Mapping[str, float]) -> None:
        _add(self._sums, losses)
        self._count += 1

    def values(self) -> dict[str, float] | None:
        """Return the means; None before the first losses."""
        return {name: value / self._count for name, value in self._sums.items()} if self._count else None


class TrainingRun:
    """One run over the epochs that are left."""

    def __init__(
        self,
        learner: Learner,
        readers: Readers,
        split: Split,
        out: Output,
        position: Position,
        card: Mapping[str, Any],
        *,
        save_every: int,
    ) -> None:
        self.learner, self.recipe = learner, learner.recipe
        self.readers, self.split, self.out = readers, split, out
        self.position = position
        self.card = card
        self.save_every = save_every
        self.batches = readers.objective.count(split.training)
        self.steps = self.recipe.epochs * math.ceil(self.batches / self.recipe.gradient_accumulation)
        self._started = time.monotonic()
        self._batches_done = 0
        self._progress: ProgressCallback = no_progress
        self._stop: Callable[[], bool] = lambda: False

    def run(self, progress: ProgressCallback, stop: Callable[[], bool]) -> TrainingReport:
        """Train to the end. Raises KeyboardInterrupt, after a save, once `stop` returns True."""
        self._progress, self._stop = progress, stop
        while self.position.epoch < self.recipe.epochs:
            self._train_epoch()
            self._close_epoch()
        write_text(self.out.folder / "losses.svg", loss_plot(self.out.metrics(), self.out.folder.name))
        self._write_card()
        return TrainingReport(
            output=str(self.out.folder),
            encoder=str(self.out.folder / f"{MODEL}.safetensors"),
            epochs=self.position.epoch,
            steps=self.position.steps,
            best=self._best(),
            data=self.card["data"],
            skipped=tuple(sorted(self.readers.skipped.items())),
            seconds=time.monotonic() - self._started,
        )

    # --------------------------------------------------------------- training

    def _train_epoch(self) -> None:
        position, recipe = self.position, self.recipe
        group: list[Batch | None] = []
        for batch in self.readers.objective.batches(self.split.training, position.batch, position.epoch):
            group.append(batch)
            done = position.batch + len(group)
            if len(group) < recipe.gradient_accumulation and done < self.batches:
                continue
            self._step(group)
            group = []
            if self._stop():
                self.out.save(self.learner, position)
                raise KeyboardInterrupt
            if position.steps % self.save_every == 0 and position.batch < self.batches:
                self.out.save(self.learner, position)
        self.out.save(self.learner, position)  # before validating, which may be long

    def _step(self, group: Sequence[Batch | None]) -> None:
        position = self.position
        rate = self._rate(position.steps)
        parts = self.learner.learn(group, rate)
        self._check_finite(parts)
        for losses in parts:
            _add(position.sums, losses)
        position.count += len(parts)
        position.batch += len(group)
        position.steps += 1
        self._batches_done += len(group)
        if position.steps % _NOTE_EVERY == 0 and parts:
            place = {"epoch": position.epoch + 1, "batch": position.batch, "step": position.steps}
            self.out.note(kind="step", **place, rate=rate, **parts[-1], seconds=self._seconds())
        self._report_training()

    def _rate(self, step: int) -> float:
        return self.recipe.rate(self.position.epoch, step, self.steps)

    def _check_finite(self, parts: Sequence[Mapping[str, float]]) -> None:
        if all(math.isfinite(value) for losses in parts for value in losses.values()):
            return
        place = f"epoch {self.position.epoch + 1}, step {self.position.steps + 1}"
        raise TrainingError(
            f"the loss is no longer a number ({place}: {parts})",
            hint=f"start again in another --output, with a lower --learning-rate than {self.recipe.learning_rate}",
        )

    def _report_training(self) -> None:
        done = self.position.epoch * self.batches + self.position.batch
        rate = self._batches_done / max(time.monotonic() - self._started, 1e-9)
        total = self.recipe.epochs * self.batches
        self._progress(Progress("train", done, total, "batches", rate, self._detail()))

    def _detail(self) -> str:
        """Return the epoch and its mean losses so far."""
        means = self._means()
        epoch = f"epoch {self.position.epoch + 1}/{self.recipe.epochs}"
        if not means:
            return epoch
        parts = " ".join(f"{name.replace('_', ' ')} {v:.3f}" for name, v in means.items() if name != "total" and v)
        return f"{epoch}  loss {means['total']:.3f}" + (f" ({parts})" if parts else "")

    def _means(self) -> dict[str, float]:
        """Return the means of the losses over this epoch's batches so far."""
        count = self.position.count
        return {name: value / count for name, value in self.position.sums.items()} if count else {}

    # ------------------------------------------------------------- validating

    def _close_epoch(self) -> None:
        """Validate, write the weights, and only then count the epoch as done."""
        position = self.position
        validation, collapse = self._validate()
        training = self._means()
        self._write_weights((validation or training).get("total"))
        self.out.note(
            kind="epoch",
            epoch=position.epoch + 1,
            steps=position.steps,
            rate=self._rate(position.steps - 1),
            training=training,
            validation=validation,
            collapse=collapse.as_dict(),
            seconds=self._seconds(),
        )
        position.epoch, position.batch = position.epoch + 1, 0
        position.sums, position.count = {}, 0
        self._write_card()
        self.out.save(self.learner, position)

    def _write_weights(self, loss: float | None) -> None:
        """Write the weights of the epoch, also as the result if its loss is the lowest or the recipe keeps the last."""
        position = self.position
        state = self.learner.weights()
        write_weights(self.out.folder, LAST, state)
        better = loss is not None and (position.best is None or loss < position.best)
        if better or position.best_epoch is None or self.recipe.keep == KEEP_LAST:
            position.best, position.best_epoch = loss, position.epoch + 1
            write_weights(self.out.folder, MODEL, state)

    def _validate(self) -> tuple[dict[str, float] | None, TrainingCollapse]:
        """Return mean losses over the validation pages, None if there are none, and the check for collapse.

        Without validation pages, the first training pages are checked for collapse.
        """
        self.learner.validate()
        validation = self.split.validation
        reader = self.readers.objective
        if isinstance(reader, PairReader):
            _, collapse = self._validate_pages((validation or self.split.training)[:COLLAPSE_PAGES])
            means = self._validate_pairs(reader, validation)
        else:
            means, collapse = self._validate_pages(validation or self.split.training[:COLLAPSE_PAGES])
        return means if validation else None, collapse

    def _validate_pages(self, pages: Sequence[PageEntry]) -> tuple[dict[str, float] | None, TrainingCollapse]:
        means, check = _Means(), CollapseCheck()
        reader = self.readers.pages
        for batch in self._each(reader.batches(pages), reader.count(pages)):
            batch = batch.to(self.learner.device)
            with torch.no_grad():
                passed = self.learner.forward_pages(batch)
            means.add(as_numbers(passed.losses))
            for views in _views(passed, batch):
                check.add(*views)
        return means.values(), check.figures()

    def _validate_pairs(self, reader: PairReader, pages: Sequence[PageEntry]) -> dict[str, float] | None:
        means = _Means()
        for batch in self._each(reader.batches(pages), reader.validation_count(pages)):
            with torch.no_grad():
                means.add(as_numbers(self.learner.losses(batch.to(self.learner.device))))
        return means.values()

    def _each(self, batches: Iterator[AnyBatch | None], total: int) -> Iterator[AnyBatch]:
        """Yield the batches that could be read; raise KeyboardInterrupt if `stop` returns True."""
        report = StageProgress(self._progress, "validate", "batches", total)
        detail = f"epoch {self.position.epoch + 1}/{self.recipe.epochs}"
        for number, batch in enumerate(batches, 1):
            if self._stop():
                raise KeyboardInterrupt  # the epoch's training is saved; only the validation is repeated
            if batch is not None:
                yield batch
                report(number, detail=detail)

    # ----------------------------------------------------------------- ending

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 3)

    def _write_card(self) -> None:
        figures = {"epochs": self.position.epoch, "steps": self.position.steps, "best": self._best()}
        write_card(self.out.folder, {**self.card, "figures": figures, "skipped": len(self.readers.skipped)})

    def _best(self) -> dict[str, Any]:
        """Return the figures of the epoch whose weights are the result."""
        rows = [row for row in self.out.metrics() if row["kind"] == "epoch"]
        best = next((row for row in rows if row["epoch"] == self.position.best_epoch), None)
        if best is None:
            problem = f"the figures of epoch {self.position.best_epoch}, whose weights are the result, are missing"
            raise TrainingError(problem, path=self.out.folder / "metrics.jsonl", hint="restore the file from a copy")
        return {key: best[key] for key in ("epoch", "training", "validation", "collapse")}


def _add(sums: dict[str, float], losses: Mapping[str, float]) -> None:
    for name, value in losses.items():
        sums[name] = sums.get(name, 0.0) + value


def _views(passed: ForwardPass, batch: PageBatch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return fused, vision and text rows of each page's panels, (P, 512) each, in order."""
    places = batch.slots // batch.mask.shape[1]
    rows = passed.embeddings.flatten(0, 1)[batch.slots]
    pages = [batch.real & (places == page) for page in range(len(batch.mask))]
    return [(rows[page], passed.vision[page], passed.text[page]) for page in pages]
