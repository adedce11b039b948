"""Every number recorded from the published model's source is reproduced."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import PIL
import pytest
import torch
from PIL import Image

from retrieval.encoder import PanelFeatureExtractor
from retrieval.encoder.inputs import QUERY_ENCODINGS, composition, composition_2d, normalize, resize, tokenize
from retrieval.encoder.state_dicts import build_model
from retrieval.images.crops import crop_box_2d, crop_box_xywh
from retrieval.records import Box

PILLOW_13 = int(PIL.__version__.split(".")[0]) >= 13
NUMBERS = ("enc/", "fusion/", "query/", "variant/")
PREPARED = ("pre/", "crop/")

INPUTS = {"fusion/masks", "pre/positions", "pre/names", "crop/page_wh", "crop/xywh_in", "crop/box2d_in"}
"""Arrays that describe the cases; all others are answers."""

OTHER_PILLOW = "pre/resized_sha256" if PILLOW_13 else "pre/resized_sha256_pillow13"

VARIANT_MASKS = torch.tensor([[1.0, 1, 1], [1, 0, 1], [1, 1, 0]])

Answers = dict[str, np.ndarray]


def recorded(golden: Answers, prefixes: tuple[str, ...]) -> set[str]:
    return {name for name in golden if name.startswith(prefixes)} - INPUTS - {OTHER_PILLOW}


def assert_close(found: np.ndarray, expected: np.ndarray, name: str) -> None:
    assert found.shape == expected.shape, name
    excess = np.abs(found - expected) - (1e-5 + 1e-5 * np.abs(expected))
    assert excess.max() <= 0, f"{name} is off by {np.abs(found - expected).max()}"


# ------------------------------------------------------------------- branches


@pytest.fixture(scope="module")
def answers(golden_model, batch, golden, recipe, cfg) -> Answers:
    with torch.inference_mode():
        found = branch_answers(golden_model, batch, cfg["unpadded_row"], cfg["lengths"])
        found |= fusion_answers(golden_model, found, golden["fusion/masks"])
        found |= query_answers(golden_model, batch, found)
        found |= variant_answers(golden_model, batch, golden, recipe, cfg["weights_seed"])
    return {name: tensor.numpy() for name, tensor in found.items()}


def branch_answers(model: Any, batch: Any, row: int, lengths: list[int]) -> dict[str, torch.Tensor]:
    vision, images = model.vision, batch["images"]
    siglip, resnet = vision.siglip.pooled(images), vision.resnet.pooled(images)
    s, r = vision.siglip.adaptation(siglip), vision.resnet.adaptation(resnet)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    own = slice(row, row + 1), slice(0, lengths[row])
    made = model.branches(batch)
    return {
        "enc/siglip_pooled": siglip,
        "enc/resnet_pooled": resnet,
        "enc/siglip_adapted": s,
        "enc/resnet_adapted": r,
        "enc/visual_weights": vision.weights(s, r),
        "enc/vision": made.vision,
        "enc/text_pooled": model.text.pooled(ids, mask),
        "enc/text": made.text,
        "enc/text_unpadded": model.encode_text_only(ids[own], mask[own]),
        "enc/comp": made.comp,
        "fusion/embedding_no_mask": made.fused,
    }


def fusion_answers(model: Any, found: dict[str, torch.Tensor], masks: np.ndarray) -> dict[str, torch.Tensor]:
    parts = found["enc/vision"], found["enc/text"], found["enc/comp"]
    count = len(parts[0])
    cases = [model.fusion.fuse(*parts, torch.tensor(mask).expand(count, 3)) for mask in masks]
    return {
        "fusion/embedding": torch.stack([case.embedding for case in cases]),
        "fusion/gate_weights": torch.stack([case.gate for case in cases]),
        "fusion/masked_logits": torch.stack([case.logits for case in cases]),
    }


def query_answers(model: Any, batch: Any, found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    def ask(name: str, text: torch.Tensor) -> torch.Tensor:
        chosen = QUERY_ENCODINGS[name]
        count = len(text)
        features = torch.tensor([chosen.features]).expand(count, -1)
        mask = torch.tensor([chosen.mask]).expand(count, -1)
        return model.combine(found["enc/vision"], text, features, mask).fused

    ids, mask = map(torch.from_numpy, tokenize([""]))
    silence = model.encode_text_only(ids, mask).expand(len(batch["images"]), -1)
    without = {f"query/{name}": ask(name, silence) for name in ("image_only", "image_fullpage_comp")}
    return without | {f"query/{name}": ask(name, found["enc/text"]) for name in ("multimodal", "card")}


def variant_answers(model: Any, batch: Any, golden: Answers, recipe: Any, seed: int) -> dict[str, torch.Tensor]:
    variants = {
        "visual_gate": {"visual_fusion": "gate"},
        "siglip_only": {"visual_backbone": "siglip"},
        "resnet_only": {"visual_backbone": "resnet"},
        "no_indicators": {"use_modality_indicators": False},
    }
    text, comp = torch.tensor(golden["enc/text"][:3]), torch.tensor(golden["enc/comp"][:3])
    known = model.state_dict()
    found = {}
    for name, settings in variants.items():
        made = variant_model(settings, known, recipe, seed)
        vision = made.encode_image_only(batch["images"][:3])
        found[f"variant/{name}/vision"] = vision
        found[f"variant/{name}/embedding"] = made.fusion(vision, text, comp, VARIANT_MASKS)
    return found


def variant_model(settings: dict[str, Any], known: Any, recipe: Any, seed: int) -> PanelFeatureExtractor:
    """A variant under the same recipe; numbers of a key that v1 has in the same shape are v1's."""
    with torch.device("meta"):
        keys = PanelFeatureExtractor(**settings).state_dict()

    def number(key: str, like: torch.Tensor) -> torch.Tensor:
        if key in known and known[key].shape == like.shape:
            return known[key]
        dtype = str(like.dtype).removeprefix("torch.")
        return torch.from_numpy(recipe.tensor(key, like.shape, dtype, seed))

    return build_model({key: number(key, like) for key, like in keys.items()}, "variant")


def test_every_recorded_answer_is_given(answers, golden) -> None:
    """No array of the golden file is forgotten here."""
    assert set(answers) == recorded(golden, NUMBERS)


def test_numbers_of_the_published_source(answers, golden) -> None:
    """All branches, gates, embeddings, queries and variants, within 1e-5 + 1e-5 |b|."""
    for name in sorted(recorded(golden, NUMBERS) - {"fusion/masked_logits"}):
        assert_close(answers[name], golden[name], name)


def test_logits_of_present_modalities(answers, golden) -> None:
    seen = np.broadcast_to(golden["fusion/masks"][:, None] == 1, golden["fusion/masked_logits"].shape)
    name = "fusion/masked_logits"
    assert_close(answers[name][seen], golden[name][seen], name)


def test_gate_rows_sum_to_one(answers) -> None:
    np.testing.assert_allclose(answers["fusion/gate_weights"].sum(axis=-1), 1.0, atol=1e-6)


# --------------------------------------------------------------- pixels, crops


@pytest.fixture(scope="module")
def pictures(recipe, cfg) -> list[Image.Image]:
    return [as_image(p) for p in recipe.pictures(cfg["inputs_seed"])]


def as_image(picture: dict[str, Any]) -> Image.Image:
    array, mode = picture["array"], picture["mode"]
    size = array.shape[1], array.shape[0]
    if mode == "1":
        return Image.frombytes("L", size, array.tobytes()).convert("1", dither=Image.Dither.NONE)
    image = Image.frombytes(mode, size, array.tobytes())
    if picture["palette"] is not None:
        image.putpalette(picture["palette"])
    return image


@pytest.fixture(scope="module")
def prepared(pictures, golden) -> Answers:
    small = np.stack([resize(picture) for picture in pictures])
    pixels = torch.from_numpy(normalize(small))
    rows, columns = golden["pre/positions"].T
    key = "pre/resized_sha256_pillow13" if PILLOW_13 else "pre/resized_sha256"
    found = {
        "pre/mean": pixels.mean(dim=(2, 3)).numpy(),
        "pre/std": pixels.std(dim=(2, 3)).numpy(),
        "pre/samples": pixels.numpy()[:, :, rows, columns],
        key: np.array([hashlib.sha256(s.tobytes()).hexdigest() for s in small]),
    }
    return found | xywh_answers(pictures[0], golden) | box2d_answers(pictures[0], golden)


def xywh_answers(page: Image.Image, golden: Answers) -> Answers:
    boxes = [Box(*row) for row in golden["crop/xywh_in"].tolist()]
    edges = [crop_box_xywh(box, *page.size) for box in boxes]
    features = [composition(box, *page.size) for box in boxes]
    return crop_answers("xywh", page, edges, features)


def box2d_answers(page: Image.Image, golden: Answers) -> Answers:
    boxes = golden["crop/box2d_in"].tolist()
    edges = [crop_box_2d(box, *page.size) for box in boxes]
    features = [composition_2d(box, i + 1) for i, box in enumerate(boxes)]
    return crop_answers("box2d", page, edges, features)


def crop_answers(name: str, page: Image.Image, edges: list[Any], features: list[Any]) -> Answers:
    kept = [i for i, edge in enumerate(edges) if edge]
    crops = [page.crop(edges[i]) for i in kept]
    return {
        f"crop/{name}_kept": np.array(kept),
        f"crop/{name}_sizes": np.array([crop.size for crop in crops]),
        f"crop/{name}_comp": np.stack([features[i] for i in kept]),
        f"crop/{name}_sha256": np.array([hashlib.sha256(crop.tobytes()).hexdigest() for crop in crops]),
    }


def test_every_recorded_picture_is_prepared(prepared, golden) -> None:
    assert set(prepared) == recorded(golden, PREPARED)


def test_crops_are_exact(prepared, golden, pictures) -> None:
    assert list(golden["crop/page_wh"]) == list(pictures[0].size)
    for name in sorted(recorded(golden, ("crop/",))):
        np.testing.assert_array_equal(prepared[name], golden[name], err_msg=name)


def test_pixels_are_exact(prepared, golden) -> None:
    """Bit for bit with the Pillow versions the numbers were made with, one grey level with Pillow 13."""
    allowed = 0.0176 if PILLOW_13 else 0.0
    assert np.abs(prepared["pre/samples"] - golden["pre/samples"]).max() <= allowed
    for name in ("pre/mean", "pre/std"):
        np.testing.assert_allclose(prepared[name], golden[name], atol=1e-3 if PILLOW_13 else 1e-5, rtol=1e-5)
    key = "pre/resized_sha256_pillow13" if PILLOW_13 else "pre/resized_sha256"
    np.testing.assert_array_equal(prepared[key], golden[key])
