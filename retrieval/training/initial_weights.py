"""The model a training starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from retrieval.encoder import load_encoder
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.state_dicts import minilm_state
from retrieval.errors import UsageError
from retrieval.training.recipe import PAIRS, Recipe

TEXT_ENCODER = "text.encoder."

GATE = (0.49, 0.49, 0.02)
"""Weights of vision, text and composition that the fusion starts with. Geometry tells few panels apart alone."""

_GEOMETRY_SAMPLES = 4096
"""Made-up panels that the composition branch's norms are measured on."""


def new_model(recipe: Recipe, init_from: str | Path | None) -> PanelFeatureExtractor:
    """Return the model to train, on the CPU: the weights of `init_from` (a name or a file), or new ones over MiniLM.

    New weights are drawn by torch's generator; with the objective `pairs` by one of the recipe's seed.
    Raises `UsageError` if `init_from` has another vision branch than the recipe, or is needed and missing.
    """
    if init_from is not None:
        return _loaded(recipe, init_from)
    if recipe.backbone != "small":
        raise UsageError(
            f"the recipe {recipe.name!r} trains on top of frozen vision backbones, which need trained weights",
            hint="start from trained weights, for example --init-from comic-panel-encoder-v1",
        )
    model = PanelFeatureExtractor(visual_backbone=recipe.backbone)
    if recipe.objective == PAIRS:
        draw_weights(model, recipe.seed)
        set_fixed_branches(model, recipe.seed)
    text, _ = minilm_state()
    model.text.encoder.load_state_dict({key.removeprefix(TEXT_ENCODER): value for key, value in text.items()})
    return model


def _loaded(recipe: Recipe, init_from: str | Path) -> PanelFeatureExtractor:
    model = load_encoder(init_from, device="cpu").model
    with torch.device("meta"):
        expected = PanelFeatureExtractor(visual_backbone=recipe.backbone)
    if model.vision.state_dict().keys() != expected.vision.state_dict().keys():
        raise UsageError(
            f"does not have the vision branch {recipe.backbone!r} that the recipe {recipe.name!r} trains",
            path=init_from,
            hint="choose the recipe that fits the checkpoint, or another --init-from",
        )
    return model


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw He-normal convolutions and uniform linear layers (bound 1 / sqrt(inputs)) from one generator."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)


def set_fixed_branches(model: PanelFeatureExtractor, seed: int) -> None:
    """Set what needs no training: the text projection, which keeps MiniLM's cosines, the gate and composition norms."""
    _measure_norms(model.comp, _sample_geometry(seed))
    turned = _rotation(model.text.proj.out_features, seed)[:, : model.text.proj.in_features]
    model.text.proj.weight.data = torch.from_numpy(turned.copy()).float()
    model.text.proj.bias.data.zero_()
    last = model.fusion.gate[2]
    assert isinstance(last, nn.Linear)
    last.weight.data.zero_()
    last.bias.data = torch.tensor(GATE).log()
    # A missing branch adds nothing to an embedding; training may change that.
    model.fusion.residual_weight.data.zero_()


@torch.no_grad()
def _measure_norms(module: nn.Module, batch: Tensor) -> None:
    """Set the BatchNorm statistics of `module` to those of one batch."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches, here of one
    module.train()
    module(batch)
    module.eval()
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum


def _rotation(dim: int, seed: int) -> NDArray[np.float64]:
    """Return an orthogonal matrix (dim, dim). It spreads the information over all numbers, which suits PQ codes."""
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)))


def _sample_geometry(seed: int) -> Tensor:
    """Return (4096, 7) composition features of made-up panels."""
    rng = np.random.default_rng(seed)
    w, h = rng.uniform(0.1, 1.0, (2, _GEOMETRY_SAMPLES))
    x, y = w / 2 + rng.random(_GEOMETRY_SAMPLES) * (1 - w), h / 2 + rng.random(_GEOMETRY_SAMPLES) * (1 - h)
    zero = np.zeros(_GEOMETRY_SAMPLES)
    return torch.from_numpy(np.stack([w / h * 0.7, w * h, zero, zero, zero, x, y], axis=1)).float()
