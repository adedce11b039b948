"""int8: how near its vectors are, what is left in float32, the file of its ranges, and what is refused."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import openvino as ov
import pytest

from retrieval.encoder import inputs, load_encoder
from retrieval.encoder.runtime import int8_calibration, int8_ranges
from retrieval.encoder.runtime.graphs.quantized import Int8Settings, int8_layers, observed, quantized
from retrieval.encoder.runtime.graphs.text import text_graph
from retrieval.encoder.runtime.int8_calibration import Calibration, calibrate
from retrieval.encoder.runtime.int8_ranges import FILE, Int8Ranges, ranges_file, read_ranges, write_ranges
from retrieval.encoder.runtime.openvino_runtime import OpenVinoRuntime, has_vnni
from retrieval.encoder.runtime.weights import WeightTensors
from retrieval.encoder.weight_files import minilm_file, small_file
from retrieval.errors import CheckpointError, UsageError
from tests.narrow_v1 import narrow_files, narrow_state

WORDS = "the night was dark and a small cat sat on the old wall while rain fell over every roof of this quiet town"


@pytest.fixture(scope="module")
def weights(recipe: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The place of a narrow network of v1's shape."""
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    path.write_bytes(b"weights")
    with narrow_files(narrow_state(recipe)):
        yield path


@pytest.fixture(scope="module")
def exact(weights: Path) -> OpenVinoRuntime:
    runtime = load_encoder(weights, device="cpu", precision="float32").runtime
    assert isinstance(runtime, OpenVinoRuntime)
    return runtime


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    blocks = np.random.default_rng(8).integers(0, 256, (24, 14, 14, 3), dtype=np.uint8)
    return inputs.normalize(blocks.repeat(16, axis=1).repeat(16, axis=2))


@pytest.fixture(scope="module")
def calibration(exact: OpenVinoRuntime, images: np.ndarray) -> Calibration:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8_calibration, "LEAST_PANELS", 24)
        return calibrate(exact, images, largest_weight=64)


@pytest.fixture
def file(calibration: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ranges in the folder of an index; the cache folder is empty."""
    monkeypatch.setenv("PANELSEEK_CACHE", str(tmp_path / "cache"))
    (tmp_path / FILE).write_bytes(calibration.ranges.content)
    return tmp_path / FILE


# ------------------------------------------------------------------------------------------------ vectors


def test_trained_weights_stay_near() -> None:
    """MiniLM in int8: kernels and float32 compute the same numbers, near those without int8."""
    state = WeightTensors({small_file().path: "", minilm_file().path: "text.encoder."})
    rng = np.random.default_rng(1)
    tokens = inputs.tokenize([" ".join(rng.choice(WORDS.split(), 20)) for _ in range(24)])
    low_high = outputs(observed(text_graph(state)), tokens)
    names = list(int8_layers(text_graph(state)))
    ranges = {
        name: int8_calibration._range(low, high, np.ones_like(low))
        for name, low, high in zip(names, low_high[::2], low_high[1::2], strict=True)
    }
    assert len(ranges) == 36
    expected = unit(outputs(text_graph(state), tokens)[0])
    in_int8, in_float = (
        unit(outputs(quantized(text_graph(state), Int8Settings(ranges, 64, kernels)), tokens)[0])
        for kernels in (True, False)
    )
    assert 0.99 < (in_int8 * expected).sum(axis=1).min() < 0.99999
    assert (in_int8 * in_float).sum(axis=1).min() > 0.9995


def outputs(graph: ov.Model, arrays: Any) -> list[np.ndarray]:
    model = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = model(list(arrays))
    return [results[port] for port in model.outputs]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_which_layers_are_in_int8(exact: OpenVinoRuntime, calibration: Calibration) -> None:
    """All convolutions and products over tokens, but not those that read pixels or pooled vectors."""
    layers = int8_layers(exact.image_graph())
    assert set(calibration.ranges.ranges) == set(layers)
    assert len(layers) == 4 * 4 + 6 + 2  # blocks of ResNet-50, a layer of SigLIP, key and value of its head
    assert not any("embedding" in name or "adaptation" in name or name.endswith("resnet.conv1") for name in layers)
    names = [
        op.get_type_name() for op in quantized(exact.image_graph(), calibration.ranges.settings(kernels=True)).get_ops()
    ]
    assert names.count("FakeQuantize") == 24 + 4 * 4 - 3 + 3 + 1  # weights; inputs, some of which layers share


def test_vectors_of_a_calibrated_network(exact: OpenVinoRuntime, calibration: Calibration, images: np.ndarray) -> None:
    """As near as the calibration says, for one image and for many, and not those of float32."""
    assert 0.999 <= calibration.least <= calibration.mean < 1
    runtime = exact.in_int8(calibration.ranges)
    assert (runtime.precision, exact.precision) == ("int8", "float32")
    found, expected = unit(runtime.image(images)), unit(exact.image(images))
    assert (found * expected).sum(axis=1).min() > 0.998
    assert np.abs(found - expected).max() > 1e-5
    np.testing.assert_allclose(unit(runtime.image(images[:1]))[0], found[0], atol=2e-3)


def test_weights_of_eight_bits_on_a_cpu_without_vnni(exact, calibration, images, monkeypatch) -> None:
    """They are computed in float32, with 8 bits; vectors are nearer to float32 than those with weights of 7 bits."""
    monkeypatch.setattr("retrieval.encoder.runtime.openvino_runtime.has_vnni", lambda: False)
    ranges = Int8Ranges.of(calibration.ranges.ranges, 127)
    assert not ranges.settings(kernels=False).kernels
    assert calibration.ranges.settings(kernels=False).kernels
    expected = unit(exact.image(images))
    eight, seven = (
        (unit(exact.in_int8(each).image(images)) * expected).sum(axis=1).mean() for each in (ranges, calibration.ranges)
    )
    assert seven < eight < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model name\t: one\nflags\t\t: sse avx512f avx512_vnni\n", True),
        ("flags\t\t: amx_int8\n", True),
        ("flags\t\t: avx2\nbugs\t\t: avx_vnni\n", False),
        (None, False),
    ],
)
def test_cpus_with_vnni(monkeypatch, text: str | None, expected: bool) -> None:
    def read(path: Path) -> str:
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(Path, "read_text", read)
    assert has_vnni() is expected


def test_noisy_layers_stay_float32(exact, images, monkeypatch, caplog) -> None:
    """If int8 is not near enough, the noisiest layers are left out, until it is."""
    monkeypatch.setattr(int8_calibration, "LEAST_PANELS", 24)
    seen: list[int] = []
    real = int8_calibration._checked

    def checked(exact: Any, ranges: Any, *rest: Any) -> Calibration:
        seen.append(len(ranges))
        found = real(exact, ranges, *rest)
        return found if len(seen) == 3 else Calibration(found.ranges, 0.5, 0.5)

    monkeypatch.setattr(int8_calibration, "_checked", checked)
    with caplog.at_level(logging.INFO, "panelseek"):
        found = calibrate(exact, images, largest_weight=64)
    assert seen == [24, 22, 21]
    assert "int8: 21 layers, 3 in float32" in caplog.text
    noise = int8_calibration._noisiest(exact, calibrate_all(exact, images), images[:8])
    assert set(found.ranges.ranges) == set(noise[3:])


def calibrate_all(exact: OpenVinoRuntime, images: np.ndarray) -> Int8Ranges:
    checked = np.arange(len(images)) % int8_calibration.CHECKED == int8_calibration.CHECKED - 1
    report = int8_calibration.StageProgress(int8_calibration.no_progress, "")
    return Int8Ranges.of(int8_calibration._measured_ranges(exact, images[~checked], report), 64)


def test_panels_for_which_int8_is_not_exact_enough(exact, images, monkeypatch) -> None:
    monkeypatch.setattr(int8_calibration, "LEAST_PANELS", 24)
    monkeypatch.setattr(int8_calibration, "LEAST_COSINE", 1.1)
    with pytest.raises(CheckpointError, match="int8 is not exact enough for these panels: the cosine") as caught:
        calibrate(exact, images)
    assert caught.value.hint == "use --precision auto"


def test_too_few_panels(exact, images) -> None:
    with pytest.raises(CheckpointError, match="found 24, expected 64 at least"):
        calibrate(exact, images)


# ------------------------------------------------------------------------------------------------ ranges


def test_ranges_of_a_file(calibration: Calibration, file: Path) -> None:
    found = read_ranges(file)
    assert found.sha256 == calibration.ranges.sha256
    assert found.largest_weight == 64
    for name, values in calibration.ranges.ranges.items():
        np.testing.assert_array_equal(found.ranges[name], values)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: content[:-9], "the file holds no ranges of int8"),
        (lambda content: b"", "the file holds no ranges of int8"),
        (lambda content: content[:-400] + b"\xff" * 400, "the ranges of int8 are damaged"),
        (None, "the ranges of int8 cannot be read"),
    ],
    ids=["cut off", "empty", "not numbers", "missing"],
)
def test_files_that_are_no_ranges(file: Path, weights: Path, change: Any, problem: str) -> None:
    if change is None:
        file.unlink()
    else:
        file.write_bytes(change(file.read_bytes()))
    with pytest.raises(CheckpointError, match=problem):
        load_encoder(weights, device="cpu", precision="int8", calibration=file)


def test_the_copy_in_the_cache(calibration: Calibration, file: Path, caplog) -> None:
    """It stands in for a damaged file; without both, the sentence names the file."""
    digest = calibration.ranges.sha256
    assert ranges_file(file.parent, digest) == file
    write_ranges(file.parent, calibration.ranges)
    file.write_bytes(b"damaged")
    copy = ranges_file(file.parent, digest)
    assert copy.read_bytes() == calibration.ranges.content
    assert "Its copy is used" in caplog.text
    copy.write_bytes(b"damaged too")
    with pytest.raises(CheckpointError, match="the file is damaged: it has the ranges of int8"):
        ranges_file(file.parent, digest)
    file.unlink()
    with pytest.raises(CheckpointError, match="the file is missing"):
        ranges_file(file.parent, digest)


def test_only_the_newest_copies_are_kept(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(int8_ranges, "_MOST", 2)
    for number in range(1, 5):
        write_ranges(file.parent, Int8Ranges.of({"layer": np.array([0, number], np.float32)}, 127))
    assert len(list(int8_ranges._copy("").parent.iterdir())) == 2


def test_ranges_of_another_network(file: Path, weights: Path, images: np.ndarray) -> None:
    other = Int8Ranges.of({"vision.resnet.resnet.layer9.conv1": np.array([0, 1], np.float32)}, 64)
    file.write_bytes(other.content)
    with pytest.raises(CheckpointError, match="the ranges of int8 are of another network"):
        load_encoder(weights, device="cpu", precision="int8", calibration=file)
    name = "vision.siglip.siglip.vision_model.encoder.layers.0.mlp.fc1"
    file.write_bytes(Int8Ranges.of({name: np.array([0, 1, 1, 1], np.float32)}, 64).content)
    encoder = load_encoder(weights, device="cpu", precision="int8", calibration=file)
    with pytest.raises(CheckpointError, match=r"of another network .*mlp.fc1"):
        encoder.runtime.image(images[:1])


# ------------------------------------------------------------------------------------------------ loading


def test_ranges_are_part_of_the_fingerprint(file: Path, weights: Path, calibration: Calibration) -> None:
    one = load_encoder(weights, device="cpu", precision="int8", calibration=file)
    assert one.precision == "int8"
    assert one.settings["int8"] == calibration.ranges.sha256
    other = Int8Ranges.of(dict(list(calibration.ranges.ranges.items())[1:]), 64)
    file.write_bytes(other.content)
    two = load_encoder(weights, precision="int8", calibration=file)
    exact = load_encoder(weights, device="cpu", precision="float32")
    assert "int8" not in exact.settings
    assert len({one.fingerprint, two.fingerprint, exact.fingerprint}) == 3


def test_a_machine_with_a_gpu_takes_its_cpu(file: Path, weights: Path, monkeypatch) -> None:
    monkeypatch.setattr("retrieval.encoder.checkpoints._may_have_gpu", lambda: True)
    assert str(load_encoder(weights, precision="int8", calibration=file).device) == "cpu"


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"device": "cuda"}, "int8 runs by OpenVINO on a CPU only; found device cuda"),
        ({"device": "cpu", "runtime": "torch"}, "int8 runs by OpenVINO on a CPU only"),
        ({"device": "cpu"}, "int8 needs ranges that were measured on panels"),
    ],
    ids=["a GPU", "torch", "no ranges"],
)
def test_int8_that_cannot_be(weights: Path, how: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        load_encoder(weights, precision="int8", **how)


def test_small_has_no_int8(file: Path, exact: OpenVinoRuntime) -> None:
    with pytest.raises(UsageError, match="the encoder small has no int8: it is fast without"):
        load_encoder("small", precision="int8")
    runtime = load_encoder("small", device="cpu").runtime
    assert isinstance(runtime, OpenVinoRuntime)
    with pytest.raises(UsageError, match="small has no int8"):
        runtime.in_int8(read_ranges(file))
