"""Weight files: every accepted form gives the same model; all others are refused with a reason."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from retrieval.encoder import load_encoder
from retrieval.encoder.state_dicts import build_model, published_names, read_state, variant_settings
from retrieval.errors import CheckpointError

BOTH = {"visual_backbone": "both"}


def save(tmp_path: Path, content: object, name: str = "mine.pt") -> Path:
    path = tmp_path / name
    torch.save(content, path)
    return path


def wrapped(state: dict) -> dict:
    """As the trainers save in between."""
    return {"epoch": 3, "model_state_dict": state, "optimizer_state_dict": {"lr": 0.1}, "val_loss": 2.5}


@pytest.mark.parametrize(
    "form",
    [
        dict,
        wrapped,
        lambda s: {f"module.{k}": v for k, v in s.items()},
        lambda s: wrapped({f"module.{k}": v for k, v in s.items()}),
        lambda s: s | {"text.embeddings.position_ids": torch.arange(512)[None]},
        lambda s: {k: v.half() if v.dim() == 4 else v for k, v in s.items()},
    ],
    ids=["bare", "wrapped", "module", "wrapped module", "position_ids", "float16"],
)
def test_accepted_forms(tmp_path, small_state, form) -> None:
    """Every form that trainers save gives the same tensors under the same names."""
    found = read_state(save(tmp_path, form(small_state)))
    assert found.keys() == small_state.keys()
    for key, value in found.items():
        torch.testing.assert_close(value.to(small_state[key].dtype), small_state[key], atol=1e-3, rtol=1e-3)


def test_a_weight_file_by_path(tmp_path, small, small_state) -> None:
    """Its name is its stem, and float16 becomes float32."""
    halves = {k: v.half() if v.dim() == 4 else v for k, v in small_state.items()}
    encoder = load_encoder(save(tmp_path, halves), device="cpu")
    assert (encoder.name, encoder.provisional) == ("mine", False)
    expected = small.model.state_dict()
    for key, value in encoder.model.state_dict().items():
        torch.testing.assert_close(value, expected[key], atol=1e-3, rtol=1e-3)


def test_safetensors(tmp_path, small, small_state) -> None:
    path = tmp_path / "mine.safetensors"
    save_file(small_state, path)
    found = load_encoder(path, device="cpu").model.state_dict()
    assert all(torch.equal(found[key], value) for key, value in small.model.state_dict().items())


def test_the_legacy_layout(tmp_path, small_state) -> None:
    """Files of torch before 1.6 are one pickle stream, not a zip."""
    path = tmp_path / "old.pt"
    torch.save(small_state, path, _use_new_zipfile_serialization=False)
    assert read_state(path).keys() == small_state.keys()


def test_key_names_of_other_versions(manifest) -> None:
    """SigLIP keys without their level, DataParallel's prefix and old buffers become the published keys."""
    other = {f"module.{key.replace('.vision_model.', '.')}": torch.zeros(1) for key in manifest}
    other["module.text.encoder.embeddings.position_ids"] = torch.zeros(1)
    other["module.vision.siglip.siglip.embeddings.position_ids"] = torch.zeros(1)
    assert list(published_names(other)) == list(manifest)
    single = {"vision.siglip.head.probe": torch.zeros(1), "vision.adaptation.0.weight": torch.zeros(1)}
    assert list(published_names(single)) == ["vision.siglip.vision_model.head.probe", "vision.adaptation.0.weight"]


@pytest.mark.parametrize(
    ("keys", "settings"),
    [
        (
            ["vision.siglip.siglip.x", "vision.attention.0.bias"],
            {"visual_backbone": "both", "visual_fusion": "attention"},
        ),
        (["vision.resnet.resnet.x", "vision.gate.0.bias"], {"visual_backbone": "both", "visual_fusion": "gate"}),
        (["vision.siglip.vision_model.x"], {"visual_backbone": "siglip"}),
        (["vision.resnet.conv1.weight"], {"visual_backbone": "resnet"}),
        (["vision.stem.0.weight"], {"visual_backbone": "small"}),
    ],
)
def test_the_variant_is_detected_from_its_keys(keys, settings) -> None:
    state = {key: torch.zeros(1) for key in keys}
    assert variant_settings(state, "x") == settings | {"use_modality_indicators": True}
    state["fusion.gate.0.weight"] = torch.zeros(512, 1536)
    assert variant_settings(state, "x") == settings | {"use_modality_indicators": False}


def test_concat_weights_are_refused() -> None:
    with pytest.raises(CheckpointError, match="'concat' variant"):
        variant_settings({"vision.siglip.siglip.x": torch.zeros(1)}, "x")


# --------------------------------------------------------------------- refusals


def test_keys_that_do_not_fit_are_listed(small) -> None:
    """Missing, unexpected and misshapen keys are all named, with both shapes."""
    state = dict(small.model.state_dict())
    del state["comp.mlp.0.bias"]
    state["vision.extra"] = torch.zeros(1)
    state["text.proj.bias"] = torch.zeros(256)
    with pytest.raises(CheckpointError) as caught:
        build_model(state, "mine.pt")
    message = str(caught.value)
    assert message.startswith("mine.pt: the weights do not fit the encoder")
    assert caught.value.path == "mine.pt"
    assert "encoder 'small'" in caught.value.hint
    assert "1 missing: comp.mlp.0.bias" in message
    assert "1 unexpected: vision.extra" in message
    assert "1 wrong shape: text.proj.bias (found (256,), expected (512,))" in message


def test_a_long_list_is_counted(small_state) -> None:
    """Without a text encoder 103 keys are missing; five are named."""
    with pytest.raises(CheckpointError, match=r"103 missing: (text\.encoder\.[\w.]+, ){4}\S+ and 98 more"):
        build_model(small_state, "x")


def test_numbers_that_are_not_finite_are_refused(small) -> None:
    state = dict(small.model.state_dict())
    state["text.proj.bias"] = torch.full((512,), float("nan"))
    with pytest.raises(CheckpointError, match=r"not finite in text\.proj\.bias"):
        build_model(state, "x")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_not_executed(tmp_path, zipped) -> None:
    path, marker = tmp_path / "evil.pt", tmp_path / "was run"
    if zipped:
        torch.save({"vision.stem.0.weight": Trap(marker)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(marker)))
    with pytest.raises(CheckpointError, match=r"evil\.pt: unusable weights.*holds tensors and nothing else"):
        load_encoder(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"these are not weights\n" * 9, "expected a torch checkpoint"),
        (b"\n<!DOCTYPE html><html>403</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_files_that_are_something_else(tmp_path, content, message, suffix) -> None:
    path = tmp_path / f"best_model{suffix}"
    path.write_bytes(content)
    if suffix == ".safetensors":
        message = message.replace("torch checkpoint", "safetensors file")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_encoder(path)
    assert caught.value.path == str(path)
    assert "small" in caught.value.hint


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_truncated_file(tmp_path, small_state, suffix) -> None:
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pt":
        torch.save(small_state, path)
    else:
        save_file(small_state, path)
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(CheckpointError, match="unusable weights"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds an empty dict"),
        ([torch.zeros(1)], "holds list"),
        ({"a": torch.zeros(1), "epoch": 3}, "more than tensors: epoch"),
        ({"encoder.weight": torch.zeros(1)}, "not a comic panel encoder: found keys encoder.weight"),
    ],
)
def test_tensors_of_something_else(tmp_path, content, message) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_encoder(save(tmp_path, content))


def test_a_missing_file(tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.pt: not a file"):
        load_encoder(tmp_path / "gone.pt")
