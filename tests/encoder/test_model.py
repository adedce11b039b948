"""The torch module: keys, shapes, refusals."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from retrieval.encoder import PanelFeatureExtractor
from retrieval.errors import UsageError


def make_batch(*lead: int, length: int = 6) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "images": torch.randn(*lead, 3, 224, 224),
        "input_ids": torch.randint(1000, 2000, (*lead, length)),
        "attention_mask": torch.ones(*lead, length, dtype=torch.long),
        "comp_feats": torch.rand(*lead, 7),
        "modality_mask": torch.ones(*lead, 3),
    }


def test_keys_are_the_published_ones(manifest) -> None:
    """676 keys with their shapes and dtypes, in the published order."""
    with torch.device("meta"):
        state = PanelFeatureExtractor().state_dict()
    found = {key: [list(v.shape), str(v.dtype).removeprefix("torch.")] for key, v in state.items()}
    assert found == manifest
    assert list(found) == list(manifest)


def test_frozen_backbones_leave_the_new_layers_to_train(golden) -> None:
    """The parameters that received a gradient in the recorded training step, and no others."""
    with torch.device("meta"):
        model = PanelFeatureExtractor()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    recorded = {str(k) for k in golden["step/grad_keys"] if not str(k).startswith("objectives.")}
    assert trained == recorded
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 4_312_966


def test_unfreezing_frees_the_text_encoder_only() -> None:
    with torch.device("meta"):
        model = PanelFeatureExtractor(freeze_backbones=False)
    frozen = {name.split(".")[1] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"siglip", "resnet"}
    assert all(p.requires_grad for p in model.text.parameters())


def test_model_card_example(golden_model) -> None:
    """The published card's lines run and print (1, 512)."""
    state_dict = golden_model.state_dict()
    model = PanelFeatureExtractor(visual_backbone="both", visual_fusion="attention", feature_dim=512)
    model.load_state_dict(state_dict)
    model.eval()
    batch = make_batch(1, 1) | {"comp_feats": torch.zeros(1, 1, 7)}
    with torch.no_grad():
        panel_embedding = model(batch)
    assert tuple(panel_embedding.shape) == (1, 512)
    flat = {key: value[0] for key, value in batch.items()}
    with torch.no_grad():
        torch.testing.assert_close(panel_embedding, golden_model(flat))


def test_pages_keep_their_shape(small) -> None:
    """(B, N, ...) gives (B, N, 512), the same numbers as the flat batch."""
    model, pages = small.model, make_batch(2, 3)
    flat = {key: value.flatten(0, 1) for key, value in pages.items()}
    with torch.inference_mode():
        found = model(pages)
        assert found.shape == (2, 3, 512)
        torch.testing.assert_close(found.flatten(0, 1), model(flat))
        assert model.encode_image_only(pages["images"]).shape == (2, 3, 512)
        assert model.encode_text_only(pages["input_ids"], pages["attention_mask"]).shape == (2, 3, 512)


def test_a_mask_may_be_bool_or_absent(small) -> None:
    batch = make_batch(2)
    with torch.inference_mode():
        expected = small.model(batch)
        torch.testing.assert_close(small.model(batch | {"modality_mask": torch.ones(2, 3).bool()}), expected)
        torch.testing.assert_close(small.model(batch | {"modality_mask": None}), expected)


def test_a_panel_without_tokens_is_the_projection_bias(golden_model) -> None:
    ids = torch.zeros(2, 5, dtype=torch.long)
    with torch.inference_mode():
        found = golden_model.encode_text_only(ids, torch.zeros_like(ids))
    torch.testing.assert_close(found, golden_model.text.proj.bias.expand(2, -1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"visual_fusion": "concat"}, r"'concat' is not supported.*\n.*attention, gate"),
        ({"visual_fusion": "mean"}, "'mean'; expected one of attention, gate"),
        ({"visual_backbone": "vgg"}, "'vgg'; expected one of both, siglip, resnet, small"),
        ({"feature_dim": 0}, "feature_dim is 0"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings, message) -> None:
    with pytest.raises(UsageError, match=message):
        PanelFeatureExtractor(**settings)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("images", torch.zeros(2, 3, 256, 256), r"images has shape \(2, 3, 256, 256\); expected \(2, 3, 224, 224\)"),
        ("images", torch.zeros(3, 224, 224), r"images has shape \(3, 224, 224\); expected \(P, 3, 224, 224\) or"),
        ("input_ids", torch.zeros(2, 600, dtype=torch.long), "600 tokens per panel; expected 1 to 512"),
        ("input_ids", torch.zeros(6, dtype=torch.long), r"input_ids has shape \(6,\); expected \(2, L\)"),
        ("attention_mask", torch.ones(2, 6, 6), r"attention_mask has shape \(2, 6, 6\); expected \(2, 6\)"),
        ("comp_feats", torch.zeros(2, 4), r"comp_feats has shape \(2, 4\); expected \(2, 7\)"),
        ("modality_mask", torch.ones(1, 3), r"modality_mask has shape \(1, 3\); expected \(2, 3\)"),
    ],
)
def test_wrong_shapes_are_named(small, key, value, message) -> None:
    with pytest.raises(UsageError, match=message):
        small.model(make_batch(2) | {key: value})


def test_a_missing_part_is_named(small) -> None:
    batch = make_batch(2)
    del batch["comp_feats"]
    with pytest.raises(UsageError, match="no 'comp_feats'"):
        small.model(batch)
    with pytest.raises(UsageError, match=r"expected \(P, 3, 224, 224\)"):
        small.model.encode_image_only(batch["images"][0])


def test_torch_loads_late() -> None:
    """The package, its preprocessing, `PanelEncoder` and the runtime protocol import neither torch nor transformers."""
    modules = ("encoder", "inputs", "spec", "protocol", "hub", "collapse", "runtime.base")
    imports = ", ".join(f"retrieval.encoder.{module}" for module in modules)
    code = f"import sys, {imports}; sys.exit(bool({{'torch', 'transformers'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
