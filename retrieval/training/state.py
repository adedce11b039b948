"""A training on disk. Stopped at any moment, it continues with the same bits.

out/
  settings.json       settings of this training; other settings are refused
  start.safetensors   the whole model it started from
  state.pt            what changed since: weights, head, optimiser, random states, position
  metrics.jsonl       one line for every tenth step and for each epoch
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors.torch import save

from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.state_dicts import State, build_model, read_state
from retrieval.errors import TrainingError, UsageError, first_line
from retrieval.files import PARTIAL
from retrieval.training.files import replace_file, write_text
from retrieval.training.learner import Learner

log = logging.getLogger("panelseek")

_START_AGAIN = "choose another --output to start again"
_BEFORE_SETTINGS = frozenset({"training.lock", "start.safetensors"})
"""Files that a training may leave if it is killed before it writes its settings."""


@dataclass(slots=True)
class Position:
    """Position of a training: `batch` batches of `epoch` (from 0) are done, `steps` steps in all.

    sums       sums of the loss parts over this epoch's batches, `count` of them
    best       loss of `best_epoch` (of validation, or of training without validation), whose weights are the result
    metrics    bytes of the metrics file that belong to this position
    """

    epoch: int = 0
    batch: int = 0
    steps: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    best: float | None = None
    best_epoch: int | None = None
    metrics: int = 0


class Output:
    """The folder of one training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = folder / "settings.json"
        self._start = folder / "start.safetensors"
        self._metrics = folder / "metrics.jsonl"
        self._state = folder / "state.pt"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder. Raises `TrainingError` if another process trains into it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot be made a folder ({error.strerror or error})", path=self.folder, hint="choose another --output"
            ) from error
        try:
            with FileLock(self.folder / "training.lock", timeout=0):
                yield
        except Timeout:
            raise TrainingError(
                "another process is training into this folder",
                path=self.folder,
                hint="wait for it, or choose another --output",
            ) from None

    # --------------------------------------------------------------- settings

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise `UsageError` if the folder holds another training, or other files."""
        if self._settings.exists():
            changes = list(_differences(_read_json(self._settings), _plain(settings)))
            if changes:
                raise UsageError(
                    f"holds a training with other settings: {'; '.join(changes)}",
                    path=self.folder,
                    hint="give the same settings to continue it, or another --output",
                )
            return
        files = (path for path in self.folder.iterdir() if path.suffix != PARTIAL)
        foreign = sorted(path.name for path in files if path.name not in _BEFORE_SETTINGS)
        if foreign:
            raise UsageError(
                f"holds other files ({', '.join(foreign[:3])})",
                path=self.folder,
                hint="choose an empty or new --output",
            )

    def begin(self, settings: Mapping[str, Any], make: Callable[[], PanelFeatureExtractor]) -> PanelFeatureExtractor:
        """Return the model the training started from, on the CPU; a new training makes and saves it."""
        if not self._settings.exists():
            model = make()
            state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
            replace_file(self._start, lambda partial: partial.write_bytes(save(state)))
            write_text(self._settings, json.dumps(_plain(settings), indent=1) + "\n")
        return build_model(read_state(self._start), str(self._start))

    # ------------------------------------------------------------------ state

    def save(self, learner: Learner, position: Position) -> None:
        """Save the position and the learner; the previous save counts until this one is complete."""
        position.metrics = self._metrics.stat().st_size if self._metrics.exists() else 0
        content = {
            "position": asdict(position),
            "model": learner.changing(),
            "head": learner.objectives.state_dict(),
            "optimizer": learner.optimizer.state_dict(),
            "scaler": learner.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(learner.device) if learner.device.type == "cuda" else None,
        }
        replace_file(self._state, lambda partial: torch.save(content, partial))

    def restore(self, learner: Learner) -> Position:
        """Restore the learner and torch's generators, and return the position; without a save, the start.

        Later lines of the metrics file are cut: they will be written again.
        """
        if not self._state.exists():
            self._cut_metrics(0)
            return Position()
        try:
            content = torch.load(self._state, map_location="cpu", weights_only=True)
            position = _position(content["position"])
            _overlay(learner.model, content["model"])
            learner.objectives.load_state_dict(content["head"])
            learner.optimizer.load_state_dict(content["optimizer"])
            if learner.scaler.is_enabled() and content["scaler"]:
                learner.scaler.load_state_dict(content["scaler"])
            torch.set_rng_state(content["random"])
            if learner.device.type == "cuda" and content["random_cuda"] is not None:
                torch.cuda.set_rng_state(content["random_cuda"], learner.device)
        except Exception as error:  # a damaged archive can fail with any exception
            problem = f"cannot be read as the state of a training ({first_line(error)})"
            raise TrainingError(problem, path=self._state, hint=_START_AGAIN) from error
        self._cut_metrics(position.metrics)
        return position

    # ---------------------------------------------------------------- metrics

    def note(self, **values: Any) -> None:
        """Append a line to the metrics file."""
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of the metrics file; a damaged line is left out with a warning."""
        if not self._metrics.exists():
            return []
        lines = [_metrics_line(line) for line in self._metrics.read_bytes().splitlines()]
        damaged = [str(number) for number, line in enumerate(lines, 1) if line is None]
        if damaged:
            log.warning("%s: damaged lines are left out: %s", self._metrics, ", ".join(damaged))
        return [line for line in lines if line is not None]

    def _cut_metrics(self, size: int) -> None:
        if self._metrics.exists():
            os.truncate(self._metrics, min(size, self._metrics.stat().st_size))


def _metrics_line(line: bytes) -> dict[str, Any] | None:
    """Return a line of the metrics file; None if it is damaged."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
        return None
    figures = {"epoch", "training", "validation", "collapse"}
    return content if content["kind"] != "epoch" or figures <= content.keys() else None


def _position(content: Mapping[str, Any]) -> Position:
    """Return a stored position. Raises `TypeError` or `ValueError` for one that no training wrote."""
    position = Position(**content)
    counts = (position.epoch, position.batch, position.steps, position.count, position.metrics)
    if not all(type(count) is int and count >= 0 for count in counts) or not isinstance(position.sums, dict):
        raise ValueError("its position is not one of a training")
    return position


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are read back from JSON: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def _overlay(model: PanelFeatureExtractor, changed: State) -> None:
    missing, unexpected = model.load_state_dict(changed, strict=False)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    if unexpected or trained & set(missing):
        raise ValueError("its weights are not those of this model")


def _differences(stored: Mapping[str, Any], requested: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key in sorted(stored.keys() | requested.keys()):
        old, new = stored.get(key), requested.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key} was {_shown(old)} and is {_shown(new)}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 80 else f"{text[:76]} ..."


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"cannot be read ({error})", path=path, hint=_START_AGAIN) from error
    if not isinstance(content, dict):
        raise TrainingError(f"holds {type(content).__name__}; expected an object", path=path, hint=_START_AGAIN)
    return content
