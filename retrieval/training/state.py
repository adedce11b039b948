"""A training on disk: what it is, where it stands, what it measured. Stopped at any moment, it goes on to the bit.

out/
  settings.json       what this training is; another one is refused
  start.safetensors   the whole model it began with
  state.pt            all that changed since: weights, head, optimiser, random states, position
  metrics.jsonl       a line for each step that was reported and for each epoch
"""

from __future__ import annotations

import json
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
from retrieval.errors import TrainingError, UsageError
from retrieval.training.learner import Learner

_WAY_OUT = "choose another --output to begin again"
_BEFORE = frozenset({"training.lock", "start.safetensors"})
"""What a training that was killed before it wrote its settings may have left."""


@dataclass(slots=True)
class Position:
    """Where a training stands. `batch` batches of `epoch` (from 0) are learnt, `steps` steps in all.

    sums       sums of the loss parts over this epoch's batches, `count` of them
    best       the lowest figure so far (validation loss, or training loss without validation), of `best_epoch`
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
        """Raises `TrainingError` while another process trains into the same folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--output {self.folder} cannot be made a folder ({error.strerror or error})") from error
        try:
            with FileLock(self.folder / "training.lock", timeout=0):
                yield
        except Timeout:
            raise TrainingError(
                f"another process is training into {self.folder}: wait for it, or choose another --output"
            ) from None

    # --------------------------------------------------------------- settings

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raises `UsageError` where the folder is another training's, or holds anything else."""
        if self._settings.exists():
            changes = list(_differences(_read_json(self._settings), _plain(settings)))
            if changes:
                raise UsageError(
                    f"{self.folder} holds a training with other settings: {'; '.join(changes)}. "
                    "Give the same ones to go on with it, or another --output"
                )
            return
        strange = sorted(p.name for p in self.folder.iterdir() if p.name not in _BEFORE and p.suffix != ".partial")
        if strange:
            raise UsageError(
                f"{self.folder} holds other files ({', '.join(strange[:3])}): choose an empty or new --output"
            )

    def begin(self, settings: Mapping[str, Any], make: Callable[[], PanelFeatureExtractor]) -> PanelFeatureExtractor:
        """The model the training began with, on the CPU. A new training makes it, keeps it, and then its settings."""
        if not self._settings.exists():
            model = make()
            state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
            replace(self._start, lambda beside: beside.write_bytes(save(state)))
            write_text(self._settings, json.dumps(_plain(settings), indent=1) + "\n")
        return build_model(read_state(self._start), str(self._start))

    # ------------------------------------------------------------------ state

    def save(self, learner: Learner, position: Position) -> None:
        """Write where the training stands; what was written before counts until this is complete."""
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
        replace(self._state, lambda beside: torch.save(content, beside))

    def restore(self, learner: Learner) -> Position:
        """Bring the learner and torch's generators to where the training stands; the start where it never stood.

        Lines of the metrics file that were written later are taken away: they will be written again.
        """
        if not self._state.exists():
            self._cut_metrics(0)
            return Position()
        try:
            content = torch.load(self._state, map_location="cpu", weights_only=True)
            position = Position(**content["position"])
            _overlay(learner.model, content["model"])
            learner.objectives.load_state_dict(content["head"])
            learner.optimizer.load_state_dict(content["optimizer"])
            if learner.scaler.is_enabled() and content["scaler"]:
                learner.scaler.load_state_dict(content["scaler"])
        except Exception as error:  # a damaged archive can fail with any exception
            reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
            raise TrainingError(
                f"{self._state} cannot be read as where a training stands ({reason}): {_WAY_OUT}"
            ) from error
        torch.set_rng_state(content["random"])
        if learner.device.type == "cuda" and content["random_cuda"] is not None:
            torch.cuda.set_rng_state(content["random_cuda"], learner.device)
        self._cut_metrics(position.metrics)
        return position

    # ---------------------------------------------------------------- metrics

    def note(self, **values: Any) -> None:
        """One more line of the metrics file."""
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        if not self._metrics.exists():
            return []
        return [json.loads(line) for line in self._metrics.read_text(encoding="utf-8").splitlines()]

    def _cut_metrics(self, size: int) -> None:
        if self._metrics.exists():
            os.truncate(self._metrics, min(size, self._metrics.stat().st_size))


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As they are when read again: tuples are lists."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def _overlay(model: PanelFeatureExtractor, changed: State) -> None:
    missing, unexpected = model.load_state_dict(changed, strict=False)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    if unexpected or trained & set(missing):
        raise ValueError("its weights are not those of this model")


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key in sorted(found.keys() | wanted.keys()):
        old, new = found.get(key), wanted.get(key)
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
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}): {_WAY_OUT}") from error
    if not isinstance(content, dict):
        raise TrainingError(f"{path} holds {type(content).__name__}, expected an object: {_WAY_OUT}")
    return content


def write_text(path: Path, text: str) -> None:
    """Written beside and renamed, as all files of a training."""
    replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """`write` fills a file beside `path`; once that is on the disk it takes its place."""
    beside = path.with_name(f"{path.name}.partial")
    try:
        write(beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise TrainingError(f"{path} cannot be written ({error.strerror or error}): is the disk full?") from error
