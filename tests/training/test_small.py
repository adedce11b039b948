"""The recipe `small` makes the checkpoint that ships with the package.

`reference/small.npz` was recorded from the script that made it, `tools/make_small.py`, before it became this recipe.
Its pictures are means of 8 x 8 pixels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from torch import Tensor

from retrieval.encoder import PanelFeatureExtractor, load_encoder
from retrieval.encoder.inputs import normalize
from retrieval.encoder.protocol import PanelInput
from retrieval.encoder.weight_files import WEIGHTS
from retrieval.records import Box
from retrieval.training import RECIPES
from retrieval.training.data.pair_batches import PairBatch, PairReader, draw_panels, pair_batch
from retrieval.training.data.pair_pages import PairPage, Rect
from retrieval.training.initial_weights import draw_weights, set_fixed_branches
from retrieval.training.learner import Learner
from retrieval.training.objectives.pairs import pair_loss
from tests.training.trainer import opened, train

SMALL = RECIPES["small"]
TINY = replace(SMALL, pages_per_batch=2)
"""Batches of 8 panels, as in the reference."""

MEASURED_WITH_DROPOUT = "comp.mlp.5.running_"
"""Statistics behind a dropout layer, which the script did not seed."""

BOXES: tuple[Rect, ...] = (
    (0.0, 0.0, 200.0, 150.0),
    (200.0, 0.0, 200.0, 150.0),
    (0.0, 150.0, 200.0, 150.0),
    (200.0, 150.0, 190.0, 140.0),
    (20.0, 20.0, 90.0, 80.0),
)

Arrays = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def reference() -> Arrays:
    with np.load(Path(__file__).parent / "reference" / "small.npz") as file:
        return dict(file)


def drawing(seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 300), tuple(rng.integers(120, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(8):
        x, y, r = rng.integers(0, 300, 3).tolist()
        pen.ellipse((x, y, x + r // 2 + 20, y + r // 3 + 20), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return np.asarray(image)


def batch_of(step: int) -> PairBatch:
    """Return the batch of a step over three drawn pages, two of them with boxes."""
    pages = [PairPage(drawing(n), BOXES if n < 2 else ()) for n in range(3)]
    rng = np.random.default_rng((SMALL.seed, step))
    return pair_batch(draw_panels(pages, lambda page: page, TINY, rng), rng)


def assert_pictures(found: Tensor, expected: NDArray[np.generic]) -> None:
    """Compare network inputs with means of 8 x 8 pixels, within 2 levels of 255."""
    count, _, side, _ = found.shape
    means = found.reshape(count, 3, side // 8, 8, side // 8, 8).mean(dim=(3, 5))
    spread = torch.from_numpy(normalize(np.full((1, 1, 1, 3), 255, np.uint8))) - torch.from_numpy(
        normalize(np.zeros((1, 1, 1, 3), np.uint8))
    )
    away = (means - torch.from_numpy(normalize(np.asarray(expected, np.uint8)))) / spread * 255
    assert float(away.abs().max()) < 2


def sums(state: dict[str, Tensor]) -> NDArray[np.float64]:
    """Return the sum of the values and of the absolute values of each tensor."""
    return np.array([[float(v.double().sum()), float(v.double().abs().sum())] for v in state.values()])


@pytest.mark.parametrize("step", range(5))
def test_the_augmentations_are_those_of_the_shipped_checkpoint(reference: Arrays, step: int) -> None:
    """The same panels, the same distorted pieces, the same windows for the same seed and step."""
    batch = batch_of(step)
    assert_pictures(batch.panels, reference[f"batch/{step}/panels"])
    sides = sorted(
        int(name.split("/")[2]) for name in reference if name.startswith(f"batch/{step}/") and "rows" in name
    )
    assert sorted(pieces.images.shape[-1] for pieces in batch.pieces) == sides
    for pieces in batch.pieces:
        prefix = f"batch/{step}/{pieces.images.shape[-1]}"
        assert np.array_equal(pieces.rows, reference[f"{prefix}/rows"])
        assert np.array_equal(pieces.windows, reference[f"{prefix}/windows"])
        assert_pictures(pieces.images, reference[f"{prefix}/pieces"])


def test_the_schedule_is_that_of_the_shipped_checkpoint(reference: Arrays) -> None:
    """37 epochs of 100 steps; a shorter training goes through the same cycles."""
    assert SMALL.batches_per_epoch is not None
    assert SMALL.epochs * SMALL.batches_per_epoch == 3700
    assert SMALL.pages_per_batch * SMALL.panels_per_page == 96
    rates = [SMALL.rate(int(step) // 100, int(step), 3700) for step in reference["rate/steps"]]
    np.testing.assert_allclose(rates, reference["rate/of_3700"], rtol=1e-12)
    rates = [SMALL.rate(0, step, 400) for step in range(400)]
    np.testing.assert_allclose(rates, reference["rate/of_400"], rtol=1e-12)


def test_the_loss_is_that_of_the_shipped_checkpoint(reference: Arrays) -> None:
    """Value, share of own panels first, and gradients."""
    panels, pieces, windows = unit_rows()
    losses = pair_loss(panels.requires_grad_(), pieces.requires_grad_(), windows, SMALL.temperature)
    gradients = torch.autograd.grad(losses.total, (panels, pieces))
    value = [float(losses.total.detach()), float(losses.own_panel_first)]
    np.testing.assert_allclose(value, reference["loss/value"], rtol=1e-12)
    for gradient, name in zip(gradients, ("panels", "pieces"), strict=True):
        np.testing.assert_allclose(gradient, reference[f"loss/{name}_grad"], rtol=1e-9, atol=1e-12)


def unit_rows() -> tuple[Tensor, Tensor, Tensor]:
    """Return five panels of three windows, five pieces, and the windows that hold them."""
    rng = np.random.default_rng(4)
    panels, pieces = (torch.from_numpy(rng.normal(size=size)) for size in ((5, 3, 8), (5, 8)))
    unit = (torch.nn.functional.normalize(rows, dim=-1) for rows in (panels, pieces))
    return *unit, torch.tensor([0, 2, 1, 1, 0])


def test_the_pair_loss_is_infonce_over_the_most_similar_windows() -> None:
    """Against the definition written out: own window for a piece's own panel, the most similar one for others."""
    panels, pieces, windows = unit_rows()
    table, best = np.empty((5, 5)), np.empty((5, 5))
    for i in range(5):
        for j in range(5):
            each = [float(pieces[i] @ panels[j, p]) for p in range(3)]
            best[i, j] = max(each)
            table[i, j] = each[windows[i]] if i == j else max(each)
    scaled = table / SMALL.temperature
    rows = [-np.log(np.exp(t[i]) / np.exp(t).sum()) for t in (scaled, scaled.T) for i, t in enumerate(t)]
    losses = pair_loss(panels, pieces, windows, SMALL.temperature)
    assert float(losses.total) == pytest.approx(np.mean(rows), rel=1e-6)
    assert float(losses.own_panel_first) == pytest.approx(np.mean([np.argmax(best[i]) == i for i in range(5)]))


def test_four_steps_are_those_of_the_shipped_checkpoint(reference: Arrays) -> None:
    """The same weights at the start, the same losses on the way, the same file at the end."""
    model = PanelFeatureExtractor(visual_backbone="small")
    draw_weights(model, SMALL.seed)
    set_fixed_branches(model, SMALL.seed)
    learner = Learner(model, TINY, torch.device("cpu"))
    state = learner.weights()
    assert list(state) == reference["weights/keys"].tolist()
    steady = [place for place, key in enumerate(state) if not key.startswith(MEASURED_WITH_DROPOUT)]
    np.testing.assert_allclose(sums(state)[steady], reference["weights/new"][steady], rtol=1e-3, atol=1e-3)
    found = [learner.learn([batch_of(step)], SMALL.rate(0, step, 4))[0] for step in range(4)]
    losses = np.array([[row["total"], row["own_panel_first"]] for row in found])
    np.testing.assert_allclose(losses[:, 0], reference["steps/losses"][:, 0], rtol=0.05)
    np.testing.assert_allclose(losses[0], reference["steps/losses"][0], rtol=1e-2)
    fixed = [place for place, key in enumerate(state) if not key.startswith("vision.")]
    after = sums(learner.weights())
    np.testing.assert_array_equal(after[fixed], sums(state)[fixed])
    np.testing.assert_allclose(after[:, 1], reference["weights/after"][:, 1], rtol=0.02, atol=0.5)


@pytest.fixture(scope="module")
def trained(tiny_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training of two epochs of two steps."""
    output = tmp_path_factory.mktemp("small") / "out"
    train([tiny_index], output, replace(TINY, epochs=2, batches_per_epoch=2))
    return output


def test_the_checkpoint_is_like_the_shipped_one(trained: Path) -> None:
    """The same tensors in the same number types, and an encoder of the same kind."""
    made, shipped = load_file(trained / "model.safetensors"), load_file(WEIGHTS / "small.safetensors")
    assert {k: (v.shape, v.dtype) for k, v in made.items()} == {k: (v.shape, v.dtype) for k, v in shipped.items()}
    for key in (key for key in shipped if key.startswith(("text.", "fusion.", "comp."))):
        tolerance = 0.1 if key.startswith(MEASURED_WITH_DROPOUT) else 1e-2
        torch.testing.assert_close(made[key], shipped[key], atol=tolerance, rtol=tolerance, msg=key)
    encoder, small = load_encoder(trained / "model.safetensors", device="cpu"), load_encoder("small", device="cpu")
    assert encoder.settings == small.settings
    picture = np.ascontiguousarray(drawing(1)[:224, :224])
    panel = PanelInput(picture, "who fed the robot tea", Box(0, 0, 200, 300), 400, 600)
    np.testing.assert_allclose(encoder.encode([panel]).gate, small.encode([panel]).gate, atol=1e-4)


def test_a_stopped_training_continues_as_if_it_had_not_stopped(trained: Path, tiny_index: Path, tmp_path: Path) -> None:
    """Stopped after the first and the third of four steps: the same weights."""
    recipe = replace(TINY, epochs=2, batches_per_epoch=2)
    for _ in range(2):
        calls = iter((True,))
        with pytest.raises(KeyboardInterrupt):
            train([tiny_index], tmp_path / "out", recipe, stop=lambda calls=calls: next(calls, False))
    train([tiny_index], tmp_path / "out", recipe)
    whole, stopped = (load_file(folder / "model.safetensors") for folder in (trained, tmp_path / "out"))
    for key, value in whole.items():
        torch.testing.assert_close(value, stopped[key], atol=1e-6, rtol=1e-5)


def test_a_few_steps_lower_the_loss() -> None:
    """On one batch, at a rate that suits so few."""
    model = PanelFeatureExtractor(visual_backbone="small")
    draw_weights(model, SMALL.seed)
    learner = Learner(model, TINY, torch.device("cpu"))
    batch = batch_of(0)
    losses = [learner.learn([batch], 1e-3)[0]["total"] for _ in range(6)]
    assert losses[-1] < losses[0]


def test_pair_batches_come_from_indexed_pages(tiny_index: Path) -> None:
    """With the annotated boxes of a page; threads and a late start change nothing; validation batches are others."""
    recipe = replace(TINY, batches_per_epoch=3)
    with opened([tiny_index]) as library:
        pages = library.split(recipe).training
        assert len(pages) == 4
        page = PairReader(library, recipe)._read_page(pages[0])
        assert page is not None
        assert len(page.panels) == pages[0].panels
        every = list(PairReader(library, recipe).batches(pages, epoch=1))
        (late,) = PairReader(library, recipe, workers=2).batches(pages, first=2, epoch=1)
        validation = list(PairReader(library, recipe).batches(pages))
    assert (len(every), len(validation)) == (3, 2)
    assert late is not None
    assert every[2] is not None
    assert torch.equal(every[2].panels, late.panels)
    assert all(not torch.equal(batch.panels, late.panels) for batch in validation if batch is not None)


def test_validation_pages_are_measured_with_the_same_objective(tiny_index: Path, tmp_path: Path) -> None:
    """Their loss is noted; the weights kept are the last, whatever their loss."""
    recipe = replace(TINY, epochs=2, batches_per_epoch=1, validation_fraction=0.3)
    report = train([tiny_index], tmp_path / "out", recipe)
    assert set(report.best["validation"]) == {"own_panel_first", "total"}
    assert report.best["epoch"] == 2
    assert report.best["collapse"]["verdict"] != "unknown"
