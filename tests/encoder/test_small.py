"""The embedded checkpoint, `small`."""

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

from retrieval.encoder import load_encoder
from retrieval.encoder.checkpoints import WEIGHTS
from retrieval.encoder.inputs import minilm_folder, normalize, resize
from retrieval.encoder.network.small import CELLS, VECTORS_PER_PANEL, SmallBackbone, windows
from retrieval.encoder.protocol import PanelInput, QueryInput
from retrieval.records import Box, View
from tools.small_views import Batches, TrainingPage

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
    assert card["provisional"] is False
    assert FILE.stat().st_size < 12_000_000
    assert {"ubunchu_NC", "abstruse-goose_NC"} <= set(card["left_out"])


def test_the_text_encoder_is_not_in_the_file() -> None:
    assert not any(key.startswith("text.encoder.") for key in load_file(FILE))


def test_text_has_the_cosines_of_minilm(small) -> None:
    """The projection from 384 to 512 numbers keeps every angle."""
    folder = minilm_folder()
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
    """Image and text have equal weights. Without text the image gets its weight, too."""
    assert small.constant_gate
    gate = small.encode(panels).gate
    np.testing.assert_allclose(gate[1], [0.49, 0.49, 0.02], atol=1e-4)
    np.testing.assert_allclose(gate[0], [0.96, 0.0, 0.04], atol=1e-2)


def test_loading_twice_gives_the_same(small, panels) -> None:
    again = load_encoder("small", device="cpu")
    assert again.fingerprint == small.fingerprint
    np.testing.assert_array_equal(again.encode(panels).fused, small.encode(panels).fused)


def test_windows_are_pieces_of_one_map(small) -> None:
    """Each region is pooled from its own cells, and the first vector is that of the whole image."""
    branch = small.model.vision
    images = torch.from_numpy(normalize(np.stack([np.asarray(drawing(n).resize((224, 224))) for n in range(3)])))
    with torch.inference_mode():
        vectors = branch.with_regions(images)
        maps = branch.maps(torch.nn.functional.avg_pool2d(images, 2))
        torch.testing.assert_close(vectors[:, 0], branch(images))
        for n, (x, y, w, h) in enumerate(windows()):
            left, top, right, bottom = (round(v * CELLS) for v in (x, y, x + w, y + h))
            piece = branch.pool_whole(maps[:, :, top:bottom, left:right])
            torch.testing.assert_close(vectors[:, n], piece, atol=1e-4, rtol=1e-4)
    assert vectors.shape == (3, VECTORS_PER_PANEL, 512) == (3, small.spec.regions + 1, 512)
    assert small.regions == small.spec.regions


def test_windows_cover_the_panel() -> None:
    """Every point of a panel lies in a large and in a small region; the whole comes first."""
    found = windows()
    assert (len(found), found[0]) == (VECTORS_PER_PANEL, (0.0, 0.0, 1.0, 1.0))
    for size in (found[1:5], found[5:]):
        for point in np.linspace(0.01, 0.99, 30):
            assert any(x <= point <= x + w for x, _, w, _ in size)
            assert any(y <= point <= y + h for _, y, _, h in size)


def test_queries_are_read_at_each_size(small) -> None:
    """The first vector is that of the image itself; the others read it smaller, as a region of a panel."""
    query = QueryInput(resize(drawing(1)))
    found = [one.vectors for one in small.encode_query_regions([query, QueryInput(resize(drawing(2)))])]
    assert np.shape(found) == (2, 3, 512)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1.0, atol=1e-5)
    np.testing.assert_allclose(found[0][0], small.encode_queries([query], View.PICTURE)[0], atol=1e-5)
    assert (found[0][0] @ found[0][1:].T < 0.999).all()


def test_windows_of_a_query_are_those_of_a_panel(small) -> None:
    """At full size they are the panel's own small regions; at the other sizes there are four different ones."""
    picture = resize(drawing(1))
    asked = small.encode_query_regions([QueryInput(picture)])[0]
    panel = small.encode([PanelInput(picture, "", Box(0, 0, 9, 9), 9, 9)]).regions[0]
    assert [len(size) for size in asked.windows] == [9, 4, 4]
    np.testing.assert_allclose(asked.windows[0], panel[4:], atol=1e-5)
    for size in asked.windows:
        np.testing.assert_allclose(np.linalg.norm(size, axis=1), 1.0, atol=1e-5)
        assert (size @ size.T)[np.triu_indices(len(size), 1)].max() < 0.9999


def test_the_pair_loss_is_infonce_over_the_likest_windows(make_small) -> None:
    """Against the definition written out: own window for a copy's own panel, the likest one for others."""
    rng = np.random.default_rng(4)
    panels = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(5, 3, 8))), dim=-1)
    copies = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(5, 8))), dim=-1)
    parts = torch.tensor([0, 2, 1, 1, 0])
    table, likest = np.empty((5, 5)), np.empty((5, 5))
    for i in range(5):
        for j in range(5):
            each = [float(copies[i] @ panels[j, p]) for p in range(3)]
            likest[i, j] = max(each)
            table[i, j] = each[parts[i]] if i == j else max(each)
    scaled = table / make_small.TEMPERATURE
    rows = [-np.log(np.exp(t[i]) / np.exp(t).sum()) for t in (scaled, scaled.T) for i, t in enumerate(t)]
    loss, first = make_small.pair_loss(panels, copies, parts)
    assert float(loss) == pytest.approx(np.mean(rows), rel=1e-6)
    assert float(first) == pytest.approx(np.mean([np.argmax(likest[i]) == i for i in range(5)]))


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(make_small, tmp_path) -> None:
    """Four steps in one go, and two of four after which it was stopped: the same weights."""
    pages = [TrainingPage(np.asarray(drawing(n).convert("RGB")), ()) for n in range(3)]
    batches = Batches(pages, 8, 1)
    first, second = batches[1], Batches(pages, 8, 1)[1]
    assert np.array_equal(first.panels, second.panels)
    weights = []
    for stops in ((4,), (2, 4)):
        for stop in stops:
            torch.manual_seed(0)
            branch = SmallBackbone(32)
            make_small.train(branch, batches, 4, tmp_path / f"run{len(stops)}", stop)
        weights.append(branch.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], atol=1e-6, rtol=1e-5)


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
