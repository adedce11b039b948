"""The embedded checkpoint: what is promised of it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertModel

from retrieval.encoder import inputs, load_encoder
from retrieval.encoder.inputs import minilm_folder, resize
from retrieval.encoder.protocol import PanelInput, QueryInput
from retrieval.encoder.small_shape import CELLS, VECTORS_PER_PANEL, windows
from retrieval.encoder.weight_files import WEIGHTS
from retrieval.records import Box, View

FILE = WEIGHTS / "small.safetensors"
TEXTS = ["I was never here.", "Nobody saw me there.", "A potion of flight", "?", "KRAK!"]


def test_the_card_fits_the_file() -> None:
    card = json.loads((WEIGHTS / "small.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert card["provisional"] is False
    assert FILE.stat().st_size < 12_000_000
    assert {"ubunchu_NC", "abstruse-goose_NC"} <= set(card["left_out"])


def test_the_text_encoder_is_not_in_the_file() -> None:
    assert not any(key.startswith("text.encoder.") for key in load_file(FILE))


def test_words_have_minilms_own_cosines(small) -> None:
    """The projection turns the 384 numbers into 512 without bending anything."""
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
    """Pictures and words weigh the same; without words the picture takes their share."""
    gate = small.encode(panels).gate
    np.testing.assert_allclose(gate[1], [0.49, 0.49, 0.02], atol=1e-4)
    np.testing.assert_allclose(gate[0], [0.96, 0.0, 0.04], atol=1e-2)


def test_loading_twice_gives_the_same(small, panels) -> None:
    again = load_encoder("small", device="cpu")
    assert again.fingerprint == small.fingerprint
    np.testing.assert_array_equal(again.encode(panels).fused, small.encode(panels).fused)


def test_windows_are_pieces_of_one_map(small) -> None:
    """Each part is what pooling its own cells gives, and the first part is the whole picture."""
    branch = small.model.vision
    images = torch.from_numpy(inputs.normalize(np.stack([np.asarray(drawing(n).resize((224, 224))) for n in range(3)])))
    with torch.inference_mode():
        parts = branch.with_regions(images)
        maps = branch.maps(torch.nn.functional.avg_pool2d(images, 2))
        torch.testing.assert_close(parts[:, 0], branch(images))
        for n, (x, y, w, h) in enumerate(windows()):
            left, top, right, bottom = (round(v * CELLS) for v in (x, y, x + w, y + h))
            piece = branch.pool_whole(maps[:, :, top:bottom, left:right])
            torch.testing.assert_close(parts[:, n], piece, atol=1e-4, rtol=1e-4)
    assert parts.shape == (3, VECTORS_PER_PANEL, 512) == (3, small.spec.regions + 1, 512)


def test_windows_cover_the_panel() -> None:
    """Every place of a panel lies in a large and in a small window; the whole comes first."""
    found = windows()
    assert (len(found), found[0]) == (VECTORS_PER_PANEL, (0.0, 0.0, 1.0, 1.0))
    for some in (found[1:5], found[5:]):
        for at in np.linspace(0.01, 0.99, 30):
            assert any(x <= at <= x + w for x, _, w, _ in some)
            assert any(y <= at <= y + h for _, y, _, h in some)


def test_queries_are_read_at_each_size(small) -> None:
    """The first vector is the picture's own; the others see it smaller, as a window of a panel."""
    query = QueryInput(resize(drawing(1)))
    found = [one.vectors for one in small.encode_query_regions([query, QueryInput(resize(drawing(2)))])]
    assert np.shape(found) == (2, 3, 512)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1.0, atol=1e-5)
    np.testing.assert_allclose(found[0][0], small.encode_queries([query], View.PICTURE)[0], atol=1e-5)
    assert (found[0][0] @ found[0][1:].T < 0.999).all()


def test_windows_of_a_query_are_those_of_a_panel(small) -> None:
    """At full size they are the panel's own small windows; at the others there are four, unlike each other."""
    picture = resize(drawing(1))
    asked = small.encode_query_regions([QueryInput(picture)])[0]
    panel = small.encode([PanelInput(picture, "", Box(0, 0, 9, 9), 9, 9)]).regions[0]
    assert [len(size) for size in asked.query_regions] == [9, 4, 4]
    np.testing.assert_allclose(asked.query_regions[0], panel[4:], atol=1e-5)
    for size in asked.query_regions:
        np.testing.assert_allclose(np.linalg.norm(size, axis=1), 1.0, atol=1e-5)
        assert (size @ size.T)[np.triu_indices(len(size), 1)].max() < 0.9999


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
