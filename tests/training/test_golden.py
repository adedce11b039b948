"""Losses, gradients and one step of the published training are met."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.state_dicts import build_model
from retrieval.training.data.page_batches import PageBatch
from retrieval.training.learner import Learner, as_numbers
from retrieval.training.objectives.pages import Objectives, contrastive, reconstruction
from retrieval.training.recipe import RECIPES

GOLDEN = Path(__file__).parent.parent / "golden"
V1 = RECIPES["comic-panel-encoder-v1"]
CASES = range(5)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "public.npz") as file:
        return {name: file[name] for name in file.files if name.startswith(("obj/", "step/", "meta"))}


@pytest.fixture(scope="module")
def cfg(golden: dict[str, np.ndarray]) -> dict[str, Any]:
    return json.loads(str(golden["meta"]))


def head_of(recipe: ModuleType, cfg: dict[str, Any], objectives: Objectives) -> None:
    """Fill the reconstruction head with the recorded training's numbers."""
    shapes = {key: tuple(value.shape) for key, value in objectives.state_dict().items()}
    state = {key: recipe.tensor(key, shape, "float32", cfg["weights_seed"]) for key, shape in shapes.items()}
    objectives.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})


def assert_close(found: torch.Tensor | float, expected: np.ndarray, name: str) -> None:
    values = np.asarray(found.detach() if isinstance(found, torch.Tensor) else found)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_objectives_over_pages(
    recipe: ModuleType, golden: dict[str, np.ndarray], cfg: dict[str, Any], case: int
) -> None:
    """Contrastive and reconstruction: values, and gradients with respect to the embeddings; constants have none."""
    objectives = Objectives(V1).eval()
    head_of(recipe, cfg, objectives)
    drawn = recipe.panel_embeddings(cfg["obj_pages"], cfg["obj_panels"], cfg["inputs_seed"])
    mask = torch.from_numpy(golden[f"obj/{case}/panel_mask"])
    masked = torch.from_numpy(golden[f"obj/{case}/masked_index"])
    for name in ("contrastive", "reconstruction"):
        embeddings = torch.from_numpy(drawn).requires_grad_(True)
        if name == "contrastive":
            loss = contrastive(embeddings, mask, V1.temperature)
        else:
            loss = reconstruction(embeddings, mask, masked, objectives.reconstruction_head)
        assert_close(loss, golden[f"obj/{case}/{name}"], name)
        recorded = golden.get(f"obj/{case}/{name}_grad")
        assert loss.requires_grad == (recorded is not None)
        if recorded is not None:
            (gradient,) = torch.autograd.grad(loss, embeddings)
            assert_close(gradient, recorded, f"{name} gradient")


def step_batch(recipe: ModuleType, golden: dict[str, np.ndarray], cfg: dict[str, Any]) -> PageBatch:
    count = cfg["step_pages"] * cfg["step_panels"]
    ids, attention = recipe.tokens(cfg["lengths"], cfg["inputs_seed"])
    arrays = {
        "images": recipe.images(count, cfg["inputs_seed"]),
        "input_ids": ids,
        "attention_mask": attention,
        "comp_feats": recipe.comps(count, cfg["inputs_seed"]),
        "modality_mask": golden["step/modality_mask"].reshape(count, 3),
    }
    panels = {key: torch.from_numpy(array) for key, array in arrays.items()}
    return PageBatch(panels, torch.arange(count), torch.from_numpy(golden["step/panel_mask"]))


def test_one_step_of_the_whole_model(recipe: ModuleType, golden: dict[str, np.ndarray], cfg: dict[str, Any]) -> None:
    """Losses, every gradient, the norm before clipping, and the weights after one step of AdamW."""
    manifest = json.loads((GOLDEN / "state_dict_v1.json").read_text())
    weights = recipe.weights(manifest, cfg["weights_seed"])
    model = build_model({key: torch.from_numpy(value) for key, value in weights.items()}, "golden")
    learner = Learner(model, V1, torch.device("cpu"))
    head_of(recipe, cfg, learner.objectives)
    learner.validate()
    learner.objectives.eval()
    masked = torch.from_numpy(golden["step/masked_index"])
    losses = learner.forward_pages(step_batch(recipe, golden, cfg), masked).losses
    found = as_numbers(losses)
    parts = [found[name] for name in ("contrastive", "reconstruction", "alignment", "total")]
    np.testing.assert_allclose(parts, golden["step/losses"], rtol=1e-5, atol=1e-5)
    losses.total.backward()

    named = dict(model.named_parameters())
    named |= {f"objectives.{key}": value for key, value in learner.objectives.named_parameters()}
    norms = {key: float(value.grad.double().norm()) for key, value in named.items() if value.grad is not None}
    assert norms.keys() == set(golden["step/grad_keys"])
    recorded = dict(zip(golden["step/grad_keys"], golden["step/grad_norms"], strict=True))
    np.testing.assert_allclose([norms[key] for key in recorded], list(recorded.values()), rtol=1e-5, atol=1e-5)
    for name in (name for name in golden if name.startswith("step/grad/")):
        assert_close(named[name.removeprefix("step/grad/")].grad, golden[name], name)

    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), V1.clip)
    np.testing.assert_allclose(float(norm), golden["step/model_grad_norm"], rtol=1e-4)
    learner.optimizer.step()
    for name in (name for name in golden if name.startswith("step/after/")):
        assert_close(named[name.removeprefix("step/after/")], golden[name], name)


def test_learn_is_that_step(recipe: ModuleType, golden: dict[str, np.ndarray], cfg: dict[str, Any]) -> None:
    """`learn` clips the model's gradient but not the head's, and takes one step of AdamW at the rate given."""
    torch.manual_seed(0)
    settings = replace(V1, backbone="small", clip=1e-3)
    learner = Learner(PanelFeatureExtractor(visual_backbone="small"), settings, torch.device("cpu"))
    head_of(recipe, cfg, learner.objectives)
    batch = step_batch(recipe, golden, cfg)
    other = copy.deepcopy(learner)
    other_trained = [*other.model.parameters(), *other.objectives.parameters()]
    optimizer = torch.optim.AdamW(other_trained, lr=0.5, weight_decay=V1.weight_decay)

    torch.manual_seed(1)
    learner.learn([batch], rate=0.5)
    torch.manual_seed(1)
    other.train()
    other.forward_pages(batch).losses.total.backward()
    head = [value.grad.clone() for value in other.objectives.parameters()]
    assert torch.nn.utils.clip_grad_norm_(other.model.parameters(), 1e-3) > 1e-3
    assert all(torch.equal(a, b.grad) for a, b in zip(head, other.objectives.parameters(), strict=True))
    optimizer.step()
    for (name, ours), theirs in zip(learner.model.named_parameters(), other.model.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    for ours, theirs in zip(learner.objectives.parameters(), other.objectives.parameters(), strict=True):
        assert torch.equal(ours, theirs)
