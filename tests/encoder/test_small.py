"""The embedded checkpoint: what is promised of it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertModel

from retrieval.encoder import PanelFeatureExtractor, load_encoder
from retrieval.encoder.checkpoints import WEIGHTS
from retrieval.encoder.inputs import model_folder, resize
from retrieval.records import QueryInput, View

FILE = WEIGHTS / "small.safetensors"
TEXTS = ["I was never here.", "Nobody saw me there.", "A potion of flight", "?", "KRAK!"]


@pytest.fixture(scope="module")
def make_small() -> ModuleType:
    path = Path(__file__).parents[2] / "tools" / "make_small.py"
    spec = importlib.util.spec_from_file_location("make_small", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_card_fits_the_file() -> None:
    card = json.loads((WEIGHTS / "small.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert card["provisional"] is True
    assert FILE.stat().st_size < 12_000_000


def test_the_text_encoder_is_not_in_the_file() -> None:
    assert not any(key.startswith("text.encoder.") for key in load_file(FILE))


def test_words_have_minilms_own_cosines(small) -> None:
    """The projection turns the 384 numbers into 512 without bending anything."""
    folder = model_folder()
    bert = BertModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    means = []
    with torch.inference_mode():
        for text in TEXTS:
            ids = torch.tensor([tokenizer.encode(text).ids])
            means.append(bert(input_ids=ids).last_hidden_state[0].mean(dim=0))
    expected = torch.nn.functional.normalize(torch.stack(means), dim=1)
    found = small.encode_queries([QueryInput(text=text) for text in TEXTS], View.DIALOGUE)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)


def test_the_text_projection_is_orthonormal(small) -> None:
    weight = small.model.text.proj.weight
    torch.testing.assert_close(weight.T @ weight, torch.eye(384), atol=1e-5, rtol=0)
    assert not small.model.text.proj.bias.any()


def test_the_gate_is_fixed(small, panels) -> None:
    """Pictures and words weigh the same; without words the picture takes their share."""
    gate = small.encode(panels).gate
    np.testing.assert_allclose(gate[1], [0.49, 0.49, 0.02], atol=1e-4)
    np.testing.assert_allclose(gate[0], [0.96, 0.0, 0.04], atol=1e-2)


def test_loading_twice_gives_the_same(small, panels) -> None:
    again = load_encoder("small", device="cpu")
    assert again.fingerprint == small.fingerprint
    np.testing.assert_array_equal(again.encode(panels).fused, small.encode(panels).fused)


def test_drawn_weights_are_those_of_the_recipe(make_small) -> None:
    """The seed in the tool is the one the file was made with."""
    model = PanelFeatureExtractor(visual_backbone="small")
    make_small.draw_weights(model)
    saved = load_file(FILE)
    drawn = {k: v for k, v in model.vision.state_dict().items() if v.dim() == 4}
    assert drawn
    assert all(torch.equal(value.half(), saved[f"vision.{key}"]) for key, value in drawn.items())


def test_the_projection_tells_panels_apart(make_small) -> None:
    """Copies that differ in a strong nuisance direction still meet their own panel."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 1, 12)) + np.array([[[0.0]] * 4]).reshape(1, 4, 1)
    rows = rows + rng.normal(size=(60, 4, 1)) * 8 * np.eye(12)[3]
    weight, bias = make_small.projection(rows, 6)
    assert (weight.shape, bias.shape) == ((6, 12), (6,))
    made = rows @ weight.T + bias
    inside = np.linalg.norm(made - made.mean(axis=1, keepdims=True), axis=2).mean()
    between = np.linalg.norm(made[:, 0] - made[::-1, 0], axis=1).mean()
    assert inside < 0.35 * between


def drawing(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (400, 300), tuple(rng.integers(120, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(8):
        x, y, r = rng.integers(0, 300, 3).tolist()
        pen.ellipse((x, y, x + r // 2 + 20, y + r // 3 + 20), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


@pytest.mark.parametrize("alter", [ImageOps.mirror, lambda i: i.crop((25, 20, 375, 285))], ids=["mirror", "cut"])
def test_altered_copies_find_their_drawing(small, alter) -> None:
    """Mirrored or cut, each of thirty drawings is nearest to itself."""
    originals = [drawing(seed) for seed in range(30)]
    stored, asked = (
        small.encode_queries([QueryInput(resize(image)) for image in images], View.PICTURE)
        for images in (originals, [alter(image) for image in originals])
    )
    assert ((asked @ stored.T).argmax(axis=1) == np.arange(30)).mean() >= 0.9
