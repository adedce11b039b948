"""The objectives on cases one can work out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from retrieval.training.objectives.pages import (
    Objectives,
    alignment,
    contrastive,
    draw_masked,
    instance,
    reconstruction,
)
from retrieval.training.recipe import RECIPES

V1 = RECIPES["comic-panel-encoder-v1"]


def test_instance_of_two_panels() -> None:
    """Two panels at right angles, both crops alike: e^1 against two others at e^0."""
    views = torch.eye(2)
    assert float(instance(views, views * 3, 1.0)) == pytest.approx(math.log(math.e + 2) - 1)
    assert float(instance(views, views.flip(0), 1.0)) == pytest.approx(math.log(math.e + 2))
    alone = instance(views[:1], views[:1], 1.0)
    assert float(alone) == 0
    assert not alone.requires_grad


def test_alignment_is_one_way() -> None:
    """Each picture among all words; a lone pair costs nothing."""
    pictures, words = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.eye(2)
    assert float(alignment(pictures, words, 1.0)) == pytest.approx(math.log(math.e + 1) - 0.5)
    assert float(alignment(pictures[:1], words[:1], 1.0)) == 0


def test_contrastive_does_not_see_empty_slots() -> None:
    """The content of slots without a panel changes neither value nor gradient."""
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    embeddings = torch.randn(2, 3, 8, requires_grad=True)
    other = embeddings.detach().clone()
    other[0, 2] = 100
    loss = contrastive(embeddings, mask, 0.07)
    assert torch.equal(loss.detach(), contrastive(other, mask, 0.07))
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert not gradient[0, 2].any()
    assert gradient[0, 0].any()


def test_reconstruction_compares_with_the_mean_of_the_others() -> None:
    """With a head that changes nothing: the squared distance to the mean of the page's other panels."""
    embeddings = torch.tensor([[[9.0, 9.0], [1.0, 1.0], [3.0, 1.0]], [[5.0, 5.0], [0.0, 0.0], [0.0, 0.0]]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    loss = reconstruction(embeddings, mask, torch.tensor([0]), torch.nn.Identity())
    assert float(loss) == pytest.approx(((9 - 2) ** 2 + (9 - 1) ** 2) / 2)


def test_the_masked_panel_is_any_of_the_page() -> None:
    """One for each page with two or more, and over time each of them."""
    torch.manual_seed(0)
    mask = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])
    drawn = torch.stack([draw_masked(mask) for _ in range(200)])
    assert drawn.shape == (200, 2)
    assert set(drawn[:, 0].tolist()) == {0, 1, 2}
    assert set(drawn[:, 1].tolist()) == {0, 1}


def test_the_sum_is_weighted() -> None:
    """Total = the parts under the recipe's weights, computed in float32 whatever comes in."""
    recipe = replace(V1, augment=True, instance_weight=0.7)
    torch.manual_seed(0)
    objectives = Objectives(recipe, dim=8).eval()
    mask = torch.ones(2, 3, dtype=torch.bool)
    rows = torch.randn(6, 8, dtype=torch.bfloat16)
    losses = objectives(rows.view(2, 3, 8), mask, (rows, rows.flip(0)), (rows, rows.roll(1, 0)))
    assert all(loss.dtype == torch.float32 for loss in losses)
    page, rebuilt, aligned, own, total = (loss.detach() for loss in losses)
    assert min(page, rebuilt, aligned, own) > 0
    assert float(total) == pytest.approx(float(page + 0.5 * rebuilt + 0.3 * aligned + 0.7 * own))
