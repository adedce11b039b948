"""The model with its objectives and its optimiser."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.network.small import SmallBackbone
from retrieval.encoder.state_dicts import State
from retrieval.training.data.page_batches import PageBatch
from retrieval.training.data.pair_batches import PairBatch
from retrieval.training.initial_weights import TEXT_ENCODER
from retrieval.training.objectives.pages import Losses, Objectives
from retrieval.training.objectives.pairs import PairLosses, pair_losses
from retrieval.training.recipe import PAIRS, Recipe

Batch = PageBatch | PairBatch

_VISION = "vision."
_BACKBONES = (_VISION, TEXT_ENCODER)
_ADAPTATION = ".adaptation."
"""Part of a backbone's name that every recipe trains."""


class ForwardPass(NamedTuple):
    """The results of one forward pass over pages.

    losses, embeddings (B, N, 512) with zeros for empty slots, and the outputs of the vision and text branches for each
    of the batch's rows, (R, 512) each.
    """

    losses: Losses
    embeddings: Tensor
    vision: Tensor
    text: Tensor


class Learner:
    """The moving parts of one training. `precision` names the number type of the forward pass."""

    def __init__(self, model: PanelFeatureExtractor, recipe: Recipe, device: torch.device) -> None:
        self.model = model.to(device)
        self.objectives = Objectives(recipe).to(device)
        self.recipe = recipe
        self.device = device
        if recipe.objective == PAIRS:
            _train_vision_alone(model)
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
        """Set the model and the head to training."""
        self.model.train()
        self.objectives.train()
        if self.recipe.frozen_norms:
            for module in _norms(self.model):
                module.eval()

    def validate(self) -> None:
        """Set the model to evaluation; the head as the recipe says, since published trainings keep its dropout."""
        self.model.eval()
        self.objectives.train(self.recipe.head_trains_in_validation)

    # ---------------------------------------------------------------- passes

    def losses(self, batch: Batch) -> Losses | PairLosses:
        """Return the losses of a batch on the learner's device."""
        if isinstance(batch, PageBatch):
            return self.forward_pages(batch).losses
        backbone = self.model.vision
        assert isinstance(backbone, SmallBackbone)
        return pair_losses(backbone, batch, self.recipe.temperature, self._autocast())

    def forward_pages(self, batch: PageBatch, masked: Tensor | None = None) -> ForwardPass:
        """Return one pass over a batch on the learner's device; `masked` as in `Objectives`."""
        panels = batch.panels
        with self._autocast():
            made = self.model.branches(panels)
            with_text = batch.real & (panels["modality_mask"][:, :2] > 0).all(dim=1)
            branches = made.vision[with_text], made.text[with_text]
            if self.recipe.second_pass and int(with_text.sum()) >= 2:
                branches = (
                    self.model.encode_image_only(panels["images"][with_text]),
                    self.model.encode_text_only(panels["input_ids"][with_text], panels["attention_mask"][with_text]),
                )
            crops = None
            if batch.second_crops is not None:
                crops = made.vision[batch.real], self.model.encode_image_only(batch.second_crops[batch.real])
        embeddings = made.fused.float().new_zeros(batch.mask.numel(), made.fused.shape[-1])
        embeddings = embeddings.index_copy(0, batch.slots, made.fused.float()).view(*batch.mask.shape, -1)
        losses = self.objectives(embeddings, batch.mask, branches, crops, masked)
        return ForwardPass(losses, embeddings, made.vision, made.text)

    def learn(self, batches: Sequence[Batch | None], rate: float) -> list[dict[str, float]]:
        """Take one step at learning rate `rate` over the mean of the batches' losses; return the losses by name.

        Batches without two panels to compare, and None, are left out. Without any gradient there is no step.
        """
        self.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        usable = [batch for batch in batches if batch is not None and batch.count > 1]
        parts = []
        for batch in usable:
            losses = self.losses(batch.to(self.device))
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
        """Return the values that training may change: trained parameters and all statistics, by key."""
        return {key: value for key, value in self.model.state_dict().items() if key not in self.frozen}

    def weights(self) -> State:
        """Return the encoder as a checkpoint, on the CPU, with the published keys.

        The small model's text encoder is left out unless it was trained: it is MiniLM as published and comes with the
        package.
        """
        state = {key: value.detach().cpu().contiguous() for key, value in self.model.state_dict().items()}
        if self.recipe.backbone == "small" and any(key.startswith(TEXT_ENCODER) for key in self.frozen):
            state = {key: value for key, value in state.items() if not key.startswith(TEXT_ENCODER)}
        if self.recipe.float16_weights:
            state = {key: value.half() if _is_large(key, value) else value for key, value in state.items()}
        return OrderedDict(state)


def as_numbers(losses: Losses | PairLosses) -> dict[str, float]:
    """Return losses as numbers, by name."""
    return {name: float(value.detach()) for name, value in losses._asdict().items()}


def _is_large(key: str, value: Tensor) -> bool:
    """Return True for matrices, except the text projection, whose cosines are exact in float32."""
    return value.dim() >= 2 and not key.startswith("text.")


def _train_vision_alone(model: PanelFeatureExtractor) -> None:
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(_VISION))
    model.vision.to(memory_format=torch.channels_last)  # the faster layout on a CPU


def _norms(model: nn.Module) -> list[nn.Module]:
    kinds = (_BatchNorm, nn.LayerNorm)
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, kinds) and name.startswith(_BACKBONES) and _ADAPTATION not in f"{name}."
    ]


def _freeze_norms(model: nn.Module) -> None:
    for module in _norms(model):
        for parameter in module.parameters():
            parameter.requires_grad_(False)
