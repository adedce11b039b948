"""One training step under each switch of the recipe, its outputs, and its progress."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from retrieval.encoder import PanelFeatureExtractor, load_encoder
from retrieval.encoder.collapse import verdict
from retrieval.encoder.protocol import PanelInput
from retrieval.errors import TrainingError, UsageError
from retrieval.records import Box
from retrieval.training import RECIPES, Recipe
from retrieval.training.collapse import CollapseCheck
from retrieval.training.data.page_batches import PageBatch, PageReader
from retrieval.training.initial_weights import new_model
from retrieval.training.learner import Learner
from retrieval.training.plot import draw
from tests.training.trainer import opened, train

CPU = torch.device("cpu")
PLAIN = replace(
    RECIPES["comic-panel-encoder-v1"], name="plain", backbone="small", pages_per_batch=2, validation_fraction=0.3
)
"""The published training over the image branch of `small`."""

SMALL = RECIPES["small-pages"]


@pytest.fixture(scope="module")
def batches(tiny_index: Path) -> dict[str, PageBatch]:
    """Two pages: as published, packed, and with second crops."""
    made = {}
    with opened([tiny_index]) as library:
        pages = library.split(PLAIN).training[:2]
        for name, recipe in {"plain": PLAIN, "packed": replace(PLAIN, padding=False), "small": SMALL}.items():
            (made[name],) = PageReader(library, recipe).batches(pages, epoch=0)
    return made


def learner(recipe: Recipe) -> Learner:
    torch.manual_seed(0)
    return Learner(PanelFeatureExtractor(visual_backbone="small"), recipe, CPU)


def test_padding_does_not_reach_the_losses(batches: dict[str, PageBatch]) -> None:
    """With settled norms, empty slots in the model change no loss and no panel's embedding."""
    losses, embeddings = [], []
    for name in ("plain", "packed"):
        one = learner(PLAIN)
        one.model.eval()
        one.objectives.eval()
        torch.manual_seed(0)
        with torch.no_grad():
            passed = one.forward_pages(batches[name])
        losses.append(torch.stack(passed.losses))
        embeddings.append(passed.embeddings[batches[name].mask])
    assert torch.allclose(*losses, rtol=1e-4, atol=1e-5)
    assert torch.allclose(*embeddings, atol=1e-5)


def test_the_second_pass_draws_dropout_again(batches: dict[str, PageBatch]) -> None:
    """As published, alignment sees other dropout than the fusion; without it, it sees the same outputs."""
    aligned = {}
    for second in (True, False):
        one = learner(replace(PLAIN, second_pass=second, padding=False))
        one.train()
        torch.manual_seed(0)
        aligned[second] = float(one.forward_pages(batches["packed"]).losses.alignment.detach())
    assert aligned[True] != aligned[False]


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_norms_keep_what_they_have(batches: dict[str, PageBatch], frozen: bool) -> None:
    """Statistics, scales and offsets of the picture branch; the composition branch's norms always learn."""
    one = learner(replace(PLAIN, frozen_norms=frozen))
    before = {key: value.clone() for key, value in one.model.state_dict().items()}
    one.learn([batches["plain"]], rate=1e-3)
    after = one.model.state_dict()
    for key in ("vision.stem.1.running_mean", "vision.stem.1.weight", "vision.stem.1.bias"):
        assert torch.equal(before[key], after[key]) == frozen, key
    for key in ("vision.stem.0.weight", "vision.adaptation.1.weight", "comp.mlp.1.running_mean", "comp.mlp.1.weight"):
        assert not torch.equal(before[key], after[key]), key
    assert all(torch.equal(before[key], after[key]) for key in before if key.startswith("text.encoder."))


def test_accumulated_batches_are_one_step(batches: dict[str, PageBatch]) -> None:
    """The gradient is the mean of the batches' gradients; a batch that teaches nothing takes no part."""
    steps = []
    batch = batches["plain"]
    for group in ([batch], [batch, None, batch]):
        one = learner(PLAIN)
        for module in one.model.modules():  # else each pass draws and counts its own
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        one.objectives.reconstruction_head[2].p = 0.0
        one.recipe = replace(PLAIN, reconstruction_weight=0.0)
        one.objectives.recipe = one.recipe
        assert len(one.learn(group, rate=1e-3)) == len([b for b in group if b])
        steps.append(one.model.text.proj.weight.detach().clone())
    assert torch.allclose(*steps, atol=1e-6)
    assert not torch.allclose(steps[0], learner(PLAIN).model.text.proj.weight, atol=1e-6)


def test_mixed_precision_on_the_cpu_is_bfloat16(batches: dict[str, PageBatch]) -> None:
    """Near the full precision's loss, computed in half as many bits; the weights stay float32."""
    losses = {}
    for mixed in (False, True):
        one = learner(replace(PLAIN, mixed_precision=mixed))
        assert one.precision == ("bfloat16" if mixed else "float32")
        one.model.eval()
        losses[mixed] = float(one.forward_pages(batches["plain"]).losses.contrastive.detach())
        one.learn([batches["plain"]], rate=1e-3)
        assert {value.dtype for value in one.model.parameters()} == {torch.float32}
    assert losses[True] != losses[False]
    assert losses[True] == pytest.approx(losses[False], rel=0.05)


def test_the_instance_term_pulls_crops_together(batches: dict[str, PageBatch]) -> None:
    """A few steps on one batch lower it."""
    one = learner(SMALL)
    found = [one.learn([batches["small"]], rate=1e-3)[0]["instance"] for _ in range(6)]
    assert found[-1] < found[0]


def test_a_batch_of_one_panel_is_left_out(batches: dict[str, PageBatch]) -> None:
    """It has nothing to be compared with, and norms cannot count over it."""
    batch = batches["packed"]
    mask = torch.zeros_like(batch.mask)
    mask[0, 0] = True
    single = PageBatch({key: value[:1] for key, value in batch.panels.items()}, batch.slots[:1], mask)
    one = learner(SMALL)
    before = one.model.text.proj.weight.detach().clone()
    assert one.learn([single], rate=1e-3) == []
    assert torch.equal(before, one.model.text.proj.weight)


def test_the_start_must_fit_the_recipe() -> None:
    """The small weights are no start for the published model, which needs one."""
    v1 = RECIPES["comic-panel-encoder-v1"]
    with pytest.raises(UsageError, match="does not have the vision branch 'both'"):
        new_model(v1, "small")
    with pytest.raises(UsageError, match="need trained weights") as refused:
        new_model(v1, None)
    assert refused.value.hint is not None
    assert "--init-from comic-panel-encoder-v1" in refused.value.hint


def test_what_comes_out(tiny_index: Path, tmp_path: Path) -> None:
    """Both weight files load as an encoder, the card says what they are, and the plot is a picture."""
    report = train([tiny_index], tmp_path / "out", replace(PLAIN, epochs=1), licences=["CC BY 4.0"])
    out = tmp_path / "out"
    encoders = [load_encoder(path, device="cpu") for path in (report.encoder, out / "model.pt", out / "last.pt")]
    picture = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    panel = PanelInput(picture, "who fed the robot tea", Box(0, 0, 200, 300), 400, 600)
    first, *others = [encoder.encode([panel]).fused for encoder in encoders]
    assert all(np.array_equal(first, other) for other in others)

    card = json.loads((out / "model.json").read_text())
    assert card["recipe"]["name"] == "plain"
    assert card["data"]["books"] == ["The Dark Lamp"]
    assert card["data"]["validation_books"] == ["The Last Bus to Owl Hill"]
    assert card["data"]["counts"]["training_pages"] == 3
    assert card["data"]["licences"] == ["CC BY 4.0"]
    assert card["figures"]["best"] == report.best
    (row,) = [
        row for row in map(json.loads, (out / "metrics.jsonl").read_text().splitlines()) if row["kind"] == "epoch"
    ]
    parts = row["training"]
    weighted = parts["contrastive"] + 0.5 * parts["reconstruction"] + 0.3 * parts["alignment"]
    assert parts["total"] == pytest.approx(weighted, rel=1e-5)
    assert row["validation"]["total"] == report.best["validation"]["total"]
    assert ElementTree.parse(out / "losses.svg").getroot().tag.endswith("svg")

    again = train([tiny_index], out, replace(PLAIN, epochs=1))
    assert again.best == report.best


def test_without_validation(tiny_index: Path, tmp_path: Path) -> None:
    """Every book is trained on, and the best epoch is that of the lowest training loss."""
    recipe = replace(SMALL, epochs=2, validation_fraction=0.0)
    report = train([tiny_index], tmp_path / "out", recipe)
    rows = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()]
    totals = [row["training"]["total"] for row in rows if row["kind"] == "epoch"]
    assert report.best["validation"] is None
    assert report.best["training"]["total"] == min(totals)
    assert report.best["collapse"]["verdict"] != "unknown"
    assert report.data["counts"]["training_pages"] == 4


def test_a_training_that_diverges_says_so(tiny_index: Path, tmp_path: Path) -> None:
    """The hint names the setting to change."""
    recipe = replace(PLAIN, learning_rate=1e15, epochs=2)
    with pytest.raises(TrainingError, match=r"no longer a number") as refused:
        train([tiny_index], tmp_path / "out", recipe)
    assert refused.value.hint is not None
    assert "--learning-rate" in refused.value.hint


def test_collapse_figures() -> None:
    """By hand: pages of two panels at 60 degrees, one of them with its words swapped, and a page of one panel."""
    check = CollapseCheck()
    pair = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    check.add(pair * 5, pair, pair)
    check.add(pair.flip(0), pair, pair.flip(0))
    check.add(pair[:1], pair[:1], pair[1:])
    found = check.figures()
    assert found.within == pytest.approx(0.5)
    assert found.between == pytest.approx((0.5 + 1) / 2)
    assert found.matched == pytest.approx((1 + 0 + 1) / 3)
    assert found.verdict == "healthy"


@pytest.mark.parametrize(
    ("within", "matched", "expected"),
    [(0.96, 0.9, "collapsed"), (0.95, 0.29, "weak alignment"), (0.95, 0.3, "healthy"), (None, 1.0, "unknown")],
)
def test_the_published_verdicts(within: float | None, matched: float, expected: str) -> None:
    """Collapsed first, then weak alignment; unknown without a page of two panels."""
    assert verdict(within, matched) == expected


def test_a_line_in_the_plot() -> None:
    """The highest value at the top, zero at the bottom, and nothing in a name is markup."""
    root = ElementTree.fromstring(draw({"a < b": [(1, 4.0), (2, 0.0)]}, "x & y"))
    line = next(element for element in root if element.tag.endswith("polyline"))
    assert line.get("points") == "48.0,48.0 576.0,312.0"
    assert "a < b 0.000" in [element.text for element in root]
