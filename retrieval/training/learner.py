"""The model with its objectives and its optimiser: what one batch does to them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from retrieval.encoder import load_encoder
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.state_dicts import State, minilm_state
from retrieval.errors import UsageError
from retrieval.training.batches import PageBatch
from retrieval.training.objectives import Losses, Objectives
from retrieval.training.recipe import Recipe

TEXT_ENCODER = "text.encoder."
BACKBONES = ("vision.", TEXT_ENCODER)
_OWN_HEADS = ".adaptation."
"""Inside a backbone's name, but trained by the recipe in any case."""


class Passed(NamedTuple):
    """One forward pass: what it cost, `embeddings` (B, N, 512) with zeros where no panel is, and the branches'
    outputs for each of the batch's rows, (R, 512) each."""

    losses: Losses
    embeddings: Tensor
    vision: Tensor
    text: Tensor


class Learner:
    """One training's moving parts. `precision` names what the forward pass computes in."""

    def __init__(self, model: PanelFeatureExtractor, recipe: Recipe, device: torch.device) -> None:
        self.model = model.to(device)
        self.objectives = Objectives(recipe).to(device)
        self.recipe = recipe
        self.device = device
        self.frozen = frozenset(name for name, value in model.named_parameters() if not value.requires_grad)
        if recipe.frozen_norms:
            _freeze_norms(model)
        trained = [*model.parameters(), *self.objectives.parameters()]
        self.optimizer = torch.optim.AdamW(
            trained, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=recipe.weight_decay
        )
        half = recipe.mixed_precision and device.type == "cuda"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)
        self.precision = ("float16" if half else "bfloat16") if recipe.mixed_precision else "float32"

    # ----------------------------------------------------------------- modes

    def train(self) -> None:
        self.model.train()
        self.objectives.train()
        if self.recipe.frozen_norms:
            for module in _norms(self.model):
                module.eval()

    def validate(self) -> None:
        """The model settled; the head as the recipe says: published trainings leave its dropout on."""
        self.model.eval()
        self.objectives.train(self.recipe.head_trains_in_validation)

    # ---------------------------------------------------------------- passes

    def passed(self, batch: PageBatch, masked: Tensor | None = None) -> Passed:
        """One pass over a batch on the learner's device; `masked` as in `Objectives`."""
        panels = batch.panels
        with self._autocast():
            made = self.model.branches(panels)
            spoken = batch.real & (panels["modality_mask"][:, :2] > 0).all(dim=1)
            branches = made.vision[spoken], made.text[spoken]
            if self.recipe.second_pass and int(spoken.sum()) >= 2:
                branches = (
                    self.model.encode_image_only(panels["images"][spoken]),
                    self.model.encode_text_only(panels["input_ids"][spoken], panels["attention_mask"][spoken]),
                )
            crops = None
            if batch.second is not None:
                crops = made.vision[batch.real], self.model.encode_image_only(batch.second[batch.real])
        embeddings = made.fused.float().new_zeros(batch.mask.numel(), made.fused.shape[-1])
        embeddings = embeddings.index_copy(0, batch.slots, made.fused.float()).view(*batch.mask.shape, -1)
        losses = self.objectives(embeddings, batch.mask, branches, crops, masked)
        return Passed(losses, embeddings, made.vision, made.text)

    def learn(self, batches: Sequence[PageBatch | None], rate: float) -> list[dict[str, float]]:
        """One step at learning rate `rate` over the mean of the batches' losses; their parts, by name.

        Batches that cannot teach (None, or of a single panel) take no part. A step without any gradient is none.
        """
        self.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        usable = [batch for batch in batches if batch is not None and len(batch.slots) > 1]
        parts = []
        for batch in usable:
            losses = self.passed(batch.to(self.device)).losses
            parts.append(as_numbers(losses))
            if losses.total.requires_grad:
                scaled: Tensor = self.scaler.scale(losses.total / len(usable))
                scaled.backward()  # type: ignore[no-untyped-call]
        if any(value.grad is not None for value in self.model.parameters()):
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return parts

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))

    # --------------------------------------------------------------- weights

    def changing(self) -> State:
        """What training may change of the model: trained parameters and all statistics, under their key names."""
        return {key: value for key, value in self.model.state_dict().items() if key not in self.frozen}

    def weights(self) -> State:
        """The encoder as a checkpoint, on the CPU, published key names; the small model's without its text encoder,
        which is MiniLM as published and comes with the package, unless it was trained.
        """
        state = {key: value.detach().cpu().contiguous() for key, value in self.model.state_dict().items()}
        if self.recipe.backbone == "small" and any(key.startswith(TEXT_ENCODER) for key in self.frozen):
            state = {key: value for key, value in state.items() if not key.startswith(TEXT_ENCODER)}
        return OrderedDict(state)


def as_numbers(losses: Losses) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in losses._asdict().items()}


def _norms(model: nn.Module) -> list[nn.Module]:
    kinds = (_BatchNorm, nn.LayerNorm)
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, kinds) and name.startswith(BACKBONES) and _OWN_HEADS not in f"{name}."
    ]


def _freeze_norms(model: nn.Module) -> None:
    for module in _norms(model):
        for parameter in module.parameters():
            parameter.requires_grad_(False)


def new_model(recipe: Recipe, start: str | Path | None) -> PanelFeatureExtractor:
    """The model to train, on the CPU: the weights of `start` (a name or a file), else drawn by torch's generator
    over MiniLM's text encoder.

    Raises `UsageError` where `start` has another picture branch than the recipe, or is needed and missing.
    """
    if start is not None:
        encoder = load_encoder(start, device="cpu")
        found, wanted = encoder.model, recipe.backbone
        with torch.device("meta"):
            expected = PanelFeatureExtractor(visual_backbone=wanted)
        if found.vision.state_dict().keys() != expected.vision.state_dict().keys():
            raise UsageError(
                f"{start} does not have the picture branch {wanted!r} that recipe {recipe.name!r} trains: "
                "choose the recipe that fits the checkpoint, or another --from"
            )
        return found
    if recipe.backbone != "small":
        raise UsageError(
            f"recipe {recipe.name!r} trains on top of frozen picture backbones, which mean nothing before they are "
            "trained themselves: say which weights to begin with, like --from comic-panel-encoder-v1"
        )
    model = PanelFeatureExtractor(visual_backbone=recipe.backbone)
    text, _ = minilm_state()
    model.text.encoder.load_state_dict({key.removeprefix(TEXT_ENCODER): value for key, value in text.items()})
    return model
