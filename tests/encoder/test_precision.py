"""Precision: what `auto` chooses, what is noted, and that converted weights load without torch."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from retrieval.encoder import PanelEncoder, inputs, load_encoder
from retrieval.encoder.network.model import PanelFeatureExtractor
from retrieval.encoder.runtime import converted, precision
from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime, has_bfloat16
from retrieval.encoder.runtime.precision import choose_runtime
from retrieval.encoder.runtime.torch_runtime import TorchRuntime
from retrieval.encoder.runtime.weights import WeightTensors
from retrieval.encoder.spec import EncoderSpec
from retrieval.errors import UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("PANELSEEK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Slow:
    """A runtime that turns each vector by an angle, and takes its time."""

    spec = EncoderSpec(dimension=2)
    made = 0

    def __init__(self, precision: str, angle: float, work: int) -> None:
        type(self).made += 1
        self.precision = precision
        self._vector = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
        self._work = work

    def image(self, images: np.ndarray) -> np.ndarray:
        for _ in range(self._work):
            np.sort(images.ravel())
        return np.repeat(self._vector, len(images), axis=0)

    def unit(self, vectors: np.ndarray) -> np.ndarray:
        return vectors


def maker(angle: float, work: int):
    """Return a function that makes runtimes: float32 at angle 0 with 3 units of work, bfloat16 with the given ones."""
    return lambda name: Slow(name, *((0.0, 3) if name == "float32" else (angle, work)))


@pytest.mark.parametrize(
    ("angle", "work", "expected"),
    [(0.01, 1, "bfloat16"), (0.02, 1, "float32"), (0.0, 9, "float32")],
    ids=["near and faster", "too far", "slower"],
)
def test_auto_is_the_fastest_that_is_near_enough(cache, angle: float, work: int, expected: str) -> None:
    """A cosine of 0.99995 is near enough, one of 0.9998 is not. What was measured is noted."""
    assert choose_runtime(maker(angle, work), "auto", "key", bfloat16=True).precision == expected
    assert json.loads((cache / precision.FILE).read_text()) == {"key": expected}
    before = Slow.made
    assert choose_runtime(maker(angle, work), "auto", "key", bfloat16=True).precision == expected
    assert Slow.made == before + 1


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"key": 3}', b"\xff", b'{"key": "int4"}', b'{"key": "int8"}'])
def test_a_damaged_note_is_measured_again(cache, content: bytes) -> None:
    cache.mkdir()
    (cache / precision.FILE).write_bytes(content)
    assert choose_runtime(maker(0.0, 0), "auto", "key", bfloat16=True).precision == "bfloat16"
    assert json.loads((cache / precision.FILE).read_text())["key"] == "bfloat16"


def test_without_a_folder_nothing_is_noted(cache, caplog) -> None:
    cache.write_text("a file where the folder should be")
    assert choose_runtime(maker(0.0, 0), "auto", "key", bfloat16=True).precision == "bfloat16"
    assert "the precision is not noted" in caplog.text


def test_a_device_without_bfloat16(cache, caplog) -> None:
    """It has float32, and says so if bfloat16 was chosen."""
    for name in ("auto", "float32"):
        assert choose_runtime(maker(0.0, 0), name, "key", bfloat16=False).precision == "float32"
    assert caplog.text == ""
    assert choose_runtime(maker(0.0, 0), "bfloat16", "key", bfloat16=False).precision == "float32"
    assert "does not compute in bfloat16" in caplog.text
    assert not cache.exists()


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="unknown precision 'int4'; expected one of auto, float32, bfloat16, int8"):
        load_encoder("small", precision="int4")
    with pytest.raises(UsageError, match="unknown runtime 'onnx'; expected one of openvino, torch"):
        load_encoder("small", runtime="onnx")


def test_both_precisions_have_one_fingerprint(tmp_path, small_state) -> None:
    """They answer each other's indexes; `small` has float32 unless bfloat16 is chosen."""
    exact, quick = load_encoder("small", device="cpu"), load_encoder("small", device="cpu", precision="bfloat16")
    in_torch = load_encoder("small", device="cpu", precision="bfloat16", runtime="torch")
    assert exact.fingerprint == quick.fingerprint == in_torch.fingerprint
    assert exact.precision == "float32"
    assert quick.precision == ("bfloat16" if has_bfloat16() else "float32")
    assert in_torch.precision == "bfloat16"
    images = precision._images(224)
    vectors = [each.runtime.unit(each.runtime.image(images)) for each in (exact, quick, in_torch)]
    assert all((vectors[0] * other).sum(axis=1).min() > 0.999 for other in vectors[1:])


@pytest.fixture
def weights(tmp_path: Path, small_state) -> Path:
    """A torch checkpoint without a text encoder of its own."""
    torch.save(small_state, tmp_path / "mine.pt")
    return tmp_path / "mine.pt"


def converted_file(cache: Path) -> Path:
    (file,) = (cache / converted.FOLDER).glob("*.safetensors")
    return file


def same(one: PanelEncoder, other: PanelEncoder) -> None:
    images = precision._images(224)
    np.testing.assert_allclose(one.runtime.image(images), other.runtime.image(images), atol=1e-4)
    tokens = inputs.tokenize(["I was never here"])
    np.testing.assert_allclose(one.runtime.text(*tokens), other.runtime.text(*tokens), atol=1e-4)


def test_converted_weights_are_those_of_the_file(cache, weights) -> None:
    """The first and the second load give the vectors of torch; the second one reads the converted file."""
    in_torch = load_encoder(weights, device="cpu", runtime="torch")
    first, second = load_encoder(weights, device="cpu"), load_encoder(weights, device="cpu")
    assert isinstance(in_torch.runtime, TorchRuntime)
    assert isinstance(second.runtime, OpenVinoRuntime)
    assert isinstance(second.runtime._state, WeightTensors)
    assert in_torch.fingerprint == first.fingerprint == second.fingerprint
    same(first, in_torch)
    same(second, in_torch)
    assert isinstance(second.model, PanelFeatureExtractor)


def test_converted_weights_load_without_torch(cache, weights) -> None:
    load_encoder(weights, device="cpu")
    program = (
        "import sys; from retrieval import load_encoder; "
        f"e = load_encoder({str(weights)!r}, device='cpu'); e.runtime.text; "
        "print(e.precision, [name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "float32 []\n", done.stderr


@pytest.mark.parametrize("how", ["cut off", "a byte", "gone", "no note", "an odd note"])
def test_damaged_converted_weights_are_made_again(cache, weights, how: str) -> None:
    expected = load_encoder(weights, device="cpu")
    file = converted_file(cache)
    content = file.read_bytes()
    changed = bytearray(content)
    changed[-100] ^= 255
    note = file.with_suffix(".json")
    {
        "cut off": lambda: file.write_bytes(content[:-1000]),
        "a byte": lambda: file.write_bytes(changed),
        "gone": file.unlink,
        "no note": note.unlink,
        "an odd note": lambda: note.write_text("[]"),
    }[how]()
    same(load_encoder(weights, device="cpu"), expected)
    assert file.read_bytes() == content


def test_without_room_for_converted_weights(cache, weights, caplog) -> None:
    """The encoder works; the next load converts again."""
    cache.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "panelseek"):
        same(load_encoder(weights, device="cpu"), load_encoder(weights, device="cpu", runtime="torch"))
    assert "the converted weights are not kept" in caplog.text


def test_only_the_newest_conversions_are_kept(cache, tmp_path, small_state) -> None:
    for number in range(converted._MOST + 2):
        weight = small_state["fusion.residual_weight"] + number
        torch.save(small_state | {"fusion.residual_weight": weight}, tmp_path / f"{number}.pt")
        load_encoder(tmp_path / f"{number}.pt", device="cpu")
    files = {file.suffix for file in (cache / converted.FOLDER).iterdir()}
    assert files == {".safetensors", ".json"}
    assert len(list((cache / converted.FOLDER).iterdir())) == 2 * converted._MOST
